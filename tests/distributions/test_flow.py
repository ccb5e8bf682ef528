import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Chain, Elementwise, Invert, Permute, Reverse, Scale, Shift, Stack
from pushforward.bijectors.base import Bijector
from pushforward.distributions import Flow, Recipe, StandardNormal
from pushforward.errors import NoInverse, ShapeError

DOUBLE = Elementwise(Scale(), (2,), jnp.full((2, 1), jnp.log(2.0)))
ADD = Elementwise(Shift(), (2,), jnp.array([[1.0], [10.0]]))
FLOW = Flow(StandardNormal((2,)), Chain([DOUBLE, ADD]))
X = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)


class Moved(Bijector):
    """y = x + the context's sum + noise of the key; the inverse can be missing."""

    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: tuple[int, ...] | None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="both")
    invertible: bool = eqx.field(static=True, default=True)

    def move(self, context, key):
        noise = 0.0 if key is None else jr.normal(key)
        return noise if context is None else noise + jnp.sum(context)

    def forward_and_log_det(self, x, context=None, *, key=None):
        return x.reshape(self.out_shape) + self.move(context, key), jnp.zeros(())

    def inverse_and_log_det(self, y, context=None, *, key=None):
        if not self.invertible:
            raise NoInverse("Moved: this one goes forward only.")
        return (y - self.move(context, key)).reshape(self.in_shape), jnp.zeros(())


def normal(x):
    return -np.square(x).sum(axis=-1) / 2 - np.log(2 * np.pi)


def test_the_density_is_that_of_the_base_point_less_the_log_det():
    z = (X - np.array([1, 10])) / 2
    np.testing.assert_allclose(FLOW.to_base(X), z, rtol=1e-5)
    np.testing.assert_allclose(FLOW.log_prob(X), normal(z) - 2 * np.log(2), rtol=1e-5)
    np.testing.assert_allclose(FLOW.to_data(z), X, atol=1e-5)


def test_samples_come_with_their_density():
    x, log_prob = FLOW.sample_and_log_prob(jr.key(0), (3, 4))
    assert (x.shape, log_prob.shape) == ((3, 4, 2), (3, 4))
    np.testing.assert_allclose(log_prob, FLOW.log_prob(x), rtol=1e-5)
    np.testing.assert_array_equal(FLOW.sample(jr.key(0), (3, 4)), x)
    base = StandardNormal((2,)).sample(jr.key(0), (3, 4))
    np.testing.assert_allclose(x, 2 * base + np.array([1, 10]), rtol=1e-5)


def test_sampling_inverts_nothing():
    flow = Flow(StandardNormal((2,)), Moved(invertible=False))
    x, log_prob = flow.sample_and_log_prob(jr.key(0), (4,))
    np.testing.assert_allclose(log_prob, normal(x), rtol=1e-5)
    with pytest.raises(NoInverse, match=r"^Moved: this one goes forward only\."):
        flow.log_prob(x)


def test_a_flow_may_change_the_shape():
    flow = Flow(StandardNormal((6,)), Moved(in_shape=(6,), out_shape=(2, 3)))
    assert flow.event_shape == (2, 3)
    assert flow.sample(jr.key(0), (4,)).shape == (4, 2, 3)
    assert flow.to_base(np.zeros((4, 2, 3))).shape == (4, 6)
    assert flow.to_data(np.zeros((4, 6))).shape == (4, 2, 3)


# Context


def conditioned(base, bijector):
    inner = Flow(StandardNormal((2,)), Moved(context_shape=(3,))) if base else StandardNormal((2,))
    return Flow(inner, Moved(context_shape=(3,) if bijector else None))


@pytest.mark.parametrize(("base", "bijector"), [(True, False), (False, True), (True, True)])
def test_base_and_bijector_get_the_context_if_they_take_one(base, bijector):
    flow, context = conditioned(base, bijector), np.float32([1, 2, 3])
    assert flow.context_shape == (3,)
    centre = 6.0 * (base + bijector)
    np.testing.assert_allclose(flow.log_prob(X, context), normal(X - centre), rtol=1e-5)
    plain = StandardNormal((2,)).sample(jr.key(0), (5,))
    np.testing.assert_allclose(flow.sample(jr.key(0), (5,), context), plain + centre, rtol=1e-5)
    moved = 6.0 * bijector
    np.testing.assert_allclose(flow.to_base(X, context), X - moved, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(flow.to_data(X, context), X + moved, rtol=1e-5)
    np.testing.assert_allclose(flow.intermediates(X, context)[-1], X + moved, rtol=1e-5)


def test_a_flow_without_context_takes_none():
    assert FLOW.context_shape is None


# Stages


def test_intermediates_are_all_stages_from_base_to_data():
    flow = Flow(StandardNormal((2,)), Chain([Stack([DOUBLE, DOUBLE]), Chain([ADD, Reverse((2,))])]))
    stages = flow.intermediates(X)
    assert len(stages) == 5
    added = 4 * X + np.array([1, 10])
    for found, wanted in zip(stages, [X, 2 * X, 4 * X, added, added[:, ::-1]], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_allclose(stages[-1], flow.to_data(X), rtol=1e-6)


def test_layers_are_taken_out_of_chains_and_stacks_but_not_of_inversions():
    inverted = Invert(Chain([ADD, DOUBLE]))
    flow = Flow(StandardNormal((2,)), Chain([Stack([DOUBLE, ADD_LIKE]), inverted, Permute([1, 0])]))
    layers = flow.layers()
    assert [type(layer) for layer in layers] == [Elementwise, Elementwise, Invert, Permute]
    np.testing.assert_array_equal(layers[1].params, ADD_LIKE.params)


ADD_LIKE = Elementwise(Scale(), (2,), jnp.ones((2, 1)))


# Randomness inside


def test_the_key_of_training_reaches_the_bijector_and_a_base_that_is_a_flow():
    inner = Flow(StandardNormal((2,)), Moved())
    for flow in (inner, Flow(inner, Moved())):
        plain = flow._log_prob(jnp.zeros(2), None)
        noisy = [flow._log_prob(jnp.zeros(2), None, jr.key(seed)) for seed in (0, 0, 1)]
        assert noisy[0] == noisy[1] != noisy[2] != plain
    assert inner._log_prob(jnp.zeros(2), None, jr.key(0)) != flow._log_prob(jnp.zeros(2), None, jr.key(0))


# The edges


def test_nan_and_infinity():
    log_prob = FLOW.log_prob(np.array([[np.nan, 0], [np.inf, 0], [0, 0]], np.float32))
    assert np.isnan(log_prob).tolist() == [True, False, False]
    assert np.isneginf(log_prob).tolist() == [False, True, False]


def test_a_recipe_can_be_put_on_later():
    assert FLOW.recipe is None
    named = dataclasses.replace(FLOW, recipe=Recipe("f", "{}"))
    assert named.recipe == ("f", "{}")
    np.testing.assert_array_equal(named.log_prob(X), FLOW.log_prob(X))
    # It is no array, so it is neither trained nor moved.
    assert jax.tree.structure(named) != jax.tree.structure(FLOW)
    assert len(jax.tree.leaves(named)) == len(jax.tree.leaves(FLOW))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Flow(StandardNormal((3,)), DOUBLE),
            "Flow: the base (StandardNormal) gives events of shape (3,), the bijector (Elementwise) expects (2,).",
        ),
        (
            lambda: Flow(Flow(StandardNormal((2,)), Moved(context_shape=(1,))), Moved(context_shape=(3,))),
            "Flow: its parts expect contexts of different shapes: [(1,), (3,)].",
        ),
        (
            lambda: FLOW.log_prob(np.zeros((64, 9))),
            "Flow.log_prob: expected events of shape (2,), got x of shape (64, 9). "
            "The law was built for 2 features.",
        ),
        (
            lambda: FLOW.to_base(np.zeros(3)),
            "Flow.to_base: expected events of shape (2,), got x of shape (3,). The law was built for 2 features.",
        ),
        (
            lambda: FLOW.to_data(np.zeros(3)),
            "Flow.to_data: expected events of shape (2,), got z of shape (3,). The law was built for 2 features.",
        ),
        (
            lambda: FLOW.intermediates(np.zeros(3)),
            "Flow.intermediates: expected events of shape (2,), got z of shape (3,). "
            "The law was built for 2 features.",
        ),
        (
            lambda: conditioned(True, False).to_data(np.zeros(2)),
            "Flow.to_data: expected contexts of shape (3,), got none.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ShapeError) as caught:
        call()
    assert str(caught.value) == message
