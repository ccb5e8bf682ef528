import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Permute, Reverse
from pushforward.errors import ConfigError


def test_permute_picks_elements_in_order():
    permute = Permute([2, 0, 3, 1])
    x = jnp.array([10.0, 11.0, 12.0, 13.0])
    y, log_det = permute.forward_and_log_det(x)
    assert y.tolist() == [12, 10, 13, 11]
    assert log_det == 0
    np.testing.assert_array_equal(permute.inverse(y), x)


def test_permutations_are_not_trained():
    assert jax.tree.leaves(eqx.filter(Permute([1, 0]), eqx.is_inexact_array)) == []


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 2], "Permute: expected each of 0 to 1 once, got [0, 2]."),
        ([0, 0, 1], "Permute: expected each of 0 to 2 once, got [0, 0, 1]."),
        (np.array([-1, 0]), "Permute: expected each of 0 to 1 once, got [-1, 0]."),
        ([[0, 1], [1, 0]], "Permute: expected each of 0 to 3 once, got [[0, 1], [1, 0]]."),
    ],
)
def test_what_is_no_permutation_is_refused(order, message):
    with pytest.raises(ConfigError) as caught:
        Permute(order)
    assert str(caught.value) == message


def test_permute_can_be_built_under_tracing():
    shape = eqx.filter_eval_shape(lambda key: Permute(jr.permutation(key, 5)), jr.key(0))
    assert (shape.in_shape, shape.order.dtype, shape.inverse_order.shape) == ((5,), jnp.int32, (5,))


def test_reverse_turns_the_last_axis_round():
    reverse = Reverse((2, 3))
    x = jnp.arange(6.0).reshape(2, 3)
    assert reverse.forward(x).tolist() == [[2, 1, 0], [5, 4, 3]]
    np.testing.assert_array_equal(reverse.inverse(reverse.forward(x)), x)
    assert reverse.inverse_and_log_det(x)[1] == 0
