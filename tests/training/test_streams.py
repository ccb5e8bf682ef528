import jax.random as jr
import numpy as np

from pushforward.training.streams import shuffled, stream, words


def test_streams_are_told_apart_by_name_and_are_the_same_everywhere():
    key = jr.key(3)
    assert words(stream(key, "shuffle")) == words(stream(jr.PRNGKey(3), "shuffle"))
    assert words(stream(key, "shuffle")) != words(stream(key, "split"))
    # A fixed number: another process, with another salt of Python's hash, must come to the same.
    assert words(stream(key, "shuffle")) == (992810139, 892911435)


def test_shuffled_is_a_permutation_that_depends_on_key_and_epoch_alone():
    key = stream(jr.key(0), "shuffle")
    orders = [shuffled(50, key, epoch) for epoch in (0, 1, 0)]
    assert orders[0].dtype == np.int32
    np.testing.assert_array_equal(np.sort(orders[1]), np.arange(50))
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).any()
    assert (orders[0] != shuffled(50, stream(jr.key(1), "shuffle"), 0)).any()
