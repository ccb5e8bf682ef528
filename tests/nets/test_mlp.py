import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Bijector, Stack
from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import MLP, ResidualMLP
from pushforward.nets.mlp import LARGEST_INPUT, bounded, drop

NETS = {
    "MLP": functools.partial(MLP, hidden=(8, 6)),
    "MLP without hidden layers": functools.partial(MLP, hidden=()),
    "ResidualMLP": functools.partial(ResidualMLP, hidden=8, blocks=2),
    "ResidualMLP without blocks": functools.partial(ResidualMLP, hidden=8, blocks=0),
}
WITH_DROPOUT = ["MLP", "ResidualMLP"]


@pytest.fixture
def net_of(randomised):
    return lambda name, **sizes: randomised(lambda: NETS[name](jr.key(0), 3, 5, **sizes))


X, CONTEXT = jnp.array([0.5, -1.0, 2.0]), jnp.array([1.0, -0.5])


@pytest.mark.parametrize("name", NETS)
def test_it_starts_at_zero(name):
    net = eqx.filter_jit(NETS[name])(jr.key(0), 3, 5, context_features=2)
    np.testing.assert_array_equal(net(X, CONTEXT), np.zeros(5))


def test_the_mlp_is_affine_maps_with_activations_between(net_of):
    net = net_of("MLP", activation="tanh")
    values = np.asarray(X)
    for layer in net.layers[:-1]:
        values = np.tanh(layer.weight @ values + layer.bias)
    np.testing.assert_allclose(net(X), net.layers[-1].weight @ values + net.layers[-1].bias, rtol=1e-5)


def test_the_residual_net_adds_pre_activation_blocks(net_of):
    net = net_of("ResidualMLP", context_features=2, activation="relu")
    stream = np.asarray(net.first(jnp.concatenate([X, CONTEXT])))
    for inner, outer, condition in zip(net.inner, net.outer, net.from_context, strict=True):
        middle = inner.weight @ np.maximum(stream, 0) + inner.bias + condition.weight @ CONTEXT
        stream = stream + outer.weight @ np.maximum(middle, 0) + outer.bias
    expected = net.last.weight @ np.maximum(stream, 0) + net.last.bias
    np.testing.assert_allclose(net(X, CONTEXT), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_the_context_counts(net_of, name):
    net = net_of(name, context_features=2)
    assert np.abs(net(X, CONTEXT) - net(X, CONTEXT + 1)).min() > 1e-3
    assert np.abs(net(X, CONTEXT) - net(X, CONTEXT.at[1].add(1.0))).max() > 1e-3


@pytest.mark.parametrize("name", NETS)
def test_nothing_but_the_context_may_be_known(name):
    net = eqx.filter_eval_shape(lambda: NETS[name](jr.key(0), 0, 5, context_features=2))
    assert jax.eval_shape(lambda net: net(jnp.zeros(0), CONTEXT), net).shape == (5,)


@pytest.mark.parametrize(("features", "context", "given"), [(2, None, 0), (0, CONTEXT, 2), (3, CONTEXT, 2)])
@pytest.mark.parametrize("name", ["MLP", "ResidualMLP"])
def test_a_context_that_does_not_fit_is_refused(net_of, name, features, context, given):
    net = net_of(name, context_features=features)
    with pytest.raises(ShapeError) as caught:
        net(X, context)
    assert str(caught.value) == f"{name}: expected a context of {features} elements, got {given}."


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_dropout_acts_with_a_key_alone(net_of, name):
    net, plain = net_of(name, dropout=0.5), net_of(name)
    np.testing.assert_array_equal(net(X), plain(X))
    assert np.abs(net(X, key=jr.key(0)) - plain(X)).max() > 1e-3
    np.testing.assert_array_equal(net(X, key=jr.key(0)), net(X, key=jr.key(0)))
    assert np.abs(net(X, key=jr.key(0)) - net(X, key=jr.key(1))).max() > 1e-3
    np.testing.assert_array_equal(plain(X, key=jr.key(0)), plain(X))


def test_dropout_keeps_the_mean():
    values = jnp.full(10_000, 2.0)
    dropped = np.asarray(drop(values, 0.25, jr.key(0)))
    assert sorted({float(value) for value in dropped}) == [0.0, pytest.approx(2 / 0.75)]
    # 10,000 draws, so a standard deviation of 0.0043; six of them: false failures below 1e-8.
    assert abs((dropped == 0).mean() - 0.25) < 0.026


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu", "gelu", "elu", "leaky_relu", "softplus"])
def test_no_finite_input_makes_it_overflow(net_of, activation):
    extreme = jnp.array([1.7e38, -1.7e38, 1.0])
    for name in WITH_DROPOUT:
        net = net_of(name, activation=activation, context_features=2)
        out, gradient = jax.value_and_grad(lambda x, net=net: jnp.sum(net(x, -1e38 * CONTEXT)))(extreme)
        assert np.isfinite(out)
        assert np.isfinite(gradient).all()


def test_bounded_is_the_identity_and_then_logarithmic():
    inside = np.float32([0, -0.0, 1e-38, -3, LARGEST_INPUT, -LARGEST_INPUT, np.nan])
    np.testing.assert_array_equal(bounded(inside), inside)
    outside = np.float32([1e7, -1e10, 3e38])
    expected = np.sign(outside) * 1e6 * (1 + np.log(np.abs(outside, dtype=np.float64) / 1e6))
    np.testing.assert_allclose(bounded(outside), expected, rtol=1e-6)
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(
        bounded(np.float32([np.inf, -np.inf])), bounded(np.float32([largest, -largest]))
    )
    slopes = jax.vmap(jax.grad(bounded))(np.float32([0, 3, 0.999e6, 1.001e6, -1e7, 3e38]))
    np.testing.assert_allclose(slopes, [1, 1, 1, 1 / 1.001, 0.1, 1e6 / 3e38], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"activation": "sine"},
            "{}: expected activation relu, tanh, silu, gelu, elu, leaky_relu, softplus, got 'sine'.",
        ),
        ({"dropout": 1.0}, "{}: expected dropout in [0, 1), got 1.0."),
        ({"dropout": -0.1}, "{}: expected dropout in [0, 1), got -0.1."),
    ],
)
@pytest.mark.parametrize("kind", [MLP, ResidualMLP])
def test_wrong_arguments(kind, arguments, message):
    with pytest.raises(ConfigError) as caught:
        kind(jr.key(0), 3, 5, **arguments)
    assert str(caught.value) == message.format(kind.__name__)


class _Implicit(Bijector):
    """x + tanh(net(x)) / 4, with its log-determinant by forward-mode differentiation."""

    net: MLP
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="forward")

    def forward_and_log_det(self, x, context=None, *, key=None):
        y, jacobian = self._map(x), jax.jacfwd(self._map)(x)
        return y, jnp.log(jnp.abs(jacobian[0, 0] * jacobian[1, 1] - jacobian[0, 1] * jacobian[1, 0]))

    def inverse_and_log_det(self, y, context=None, *, key=None):
        raise NotImplementedError

    def _map(self, x):
        return x + 0.25 * jnp.tanh(self.net(x))


@pytest.mark.slow
def test_every_compilation_gives_the_same_gradient():
    """XLA for CPUs compiled products with zeros, in a loop over layers, to garbage in every other compilation."""
    random = np.random.default_rng(0)
    layers = [_Implicit(MLP(jr.key(i), 2, 2, hidden=(32, 32), activation="tanh")) for i in range(2)]
    stack = jax.tree.map(lambda leaf: leaf + 0.1 * random.normal(size=leaf.shape), Stack(layers))
    rows = random.normal(size=(125, 2)).astype(np.float32)

    def gradient(repetition):
        del repetition
        run = lambda stack: jnp.mean(jax.vmap(stack.forward_and_log_det)(rows)[1])  # noqa: E731
        return [np.asarray(leaf) for leaf in jax.tree.leaves(jax.jit(jax.grad(run))(stack))]

    first, *others = (gradient(repetition) for repetition in range(6))
    for other in others:
        for one, again in zip(first, other, strict=True):
            np.testing.assert_allclose(again, one, rtol=1e-4, atol=1e-6)
