"""Additive and contractive residual layers: the papers' formulas, log-determinants with and without a key, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.optimize

from pushforward.bijectors import AdditiveResidual, Invert, Residual, Stack
from pushforward.distributions import Flow, StandardNormal
from pushforward.errors import ConfigError, NotConverged, ShapeError
from pushforward.nets import MLP, LipschitzMLP

X = np.array([0.5, -1.0, 2.0], np.float32)
CONTEXT = np.array([1.0, -0.5], np.float32)


class Waves(eqx.Module):
    """g(x) = weight * sin(x), which claims a constant of 0.9."""

    weight: jax.Array
    features: int = eqx.field(static=True, default=3)
    lipschitz: float = eqx.field(static=True, default=0.9)

    def prepared(self):
        return self

    def __call__(self, x, context=None, *, key=None):
        return self.weight * jnp.sin(x)


class Cut(Waves):
    def __call__(self, x, context=None, *, key=None):
        return x[:2]


def _net(randomised, features=3, **arguments):
    return randomised(lambda: LipschitzMLP(jr.key(0), features, hidden=(8,), **arguments), scale=2.0)


def test_additive_residual_is_the_papers_block():
    mask = np.array([True, False, False, True, False])
    first, second = (
        (lambda b, context, key: 2 * b[:2] + b[2] + context),
        (lambda a, context, key: jnp.stack([a[0] * a[1], a[0] - context[0], jnp.sin(a[1])])),
    )
    layer = AdditiveResidual(first, second, mask, (2,))
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0], np.float32)
    a = x[[0, 3]] + 2 * x[[1, 2]] + x[4] + CONTEXT
    b = x[[1, 2, 4]] + np.stack([a[0] * a[1], a[0] - CONTEXT[0], np.sin(a[1])])
    y, log_det = layer.forward_and_log_det(x, CONTEXT)
    np.testing.assert_allclose(y, [a[0], b[0], b[1], a[1], b[2]], rtol=1e-6)
    assert log_det == 0
    np.testing.assert_allclose(layer.inverse(y, CONTEXT), x, rtol=1e-5)


def test_dropout_of_an_additive_residual_is_the_same_in_both_directions(randomised):
    nets = (MLP(jr.key(0), 2, 2, hidden=(16,), dropout=0.5) for _ in range(2))
    layer = AdditiveResidual(*nets, np.arange(4) < 2)
    layer = randomised(lambda: layer)
    x = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
    y = layer.forward(x, key=jr.key(1))
    assert not np.allclose(y, layer.forward(x))
    np.testing.assert_allclose(layer.inverse(y, key=jr.key(1)), x, rtol=1e-5)


def test_residual_adds_and_its_inverse_is_scipys_root(randomised):
    net = _net(randomised, context_features=2)
    layer = Residual(net, context_shape=(2,))
    y = layer.forward(X, CONTEXT)
    np.testing.assert_allclose(y, X + net(X, CONTEXT), rtol=1e-6)
    g = jax.jit(lambda x: net(x, CONTEXT))
    residual = lambda x: x + np.asarray(g(x.astype(np.float32)), float) - X  # noqa: E731
    root = scipy.optimize.root(residual, X, method="hybr", options={"eps": 1e-3}).x  # of float32 differences
    np.testing.assert_allclose(layer.inverse(X, CONTEXT), root, atol=1e-5)


def test_a_net_of_vectors_serves_events_of_another_shape(randomised):
    net = _net(randomised, features=4)
    x = np.array([[0.5, -1.0], [2.0, 0.1]], np.float32)
    y, log_det = Residual(net, (2, 2)).forward_and_log_det(x)
    flat, flat_log_det = Residual(net).forward_and_log_det(x.reshape(4))
    np.testing.assert_allclose(y.reshape(4), flat, rtol=1e-6)
    np.testing.assert_allclose(log_det, flat_log_det, rtol=1e-6)


def test_without_a_key_every_kind_is_exact(randomised):
    net = _net(randomised)
    exact = Residual(net, log_det="exact").forward_and_log_det(X)
    jacobian = np.eye(3) + np.asarray(jax.jacfwd(net)(X), float)
    np.testing.assert_allclose(exact[1], np.linalg.slogdet(jacobian)[1], atol=1e-6)
    for kind in ("auto", "series", "unbiased"):
        np.testing.assert_array_equal(Residual(net, log_det=kind).forward_and_log_det(X)[1], exact[1])
    np.testing.assert_array_equal(
        Residual(net, log_det="exact").forward_and_log_det(X, key=jr.key(0))[1], exact[1]
    )


@pytest.mark.parametrize("kind", ["series", "unbiased"])
def test_with_a_key_it_is_estimated_in_both_directions(kind):
    """By means of 4000 draws, each with a standard error; beyond 5.5 of them with probability 4e-8."""
    layer = Residual(Turned(jnp.float32(0.55)), log_det=kind)
    keys = jr.split(jr.key(0), 4000)
    exact = float(layer.forward_and_log_det(X)[1])
    y = layer.forward(X)
    for method, event, sign in (("forward_and_log_det", X, 1), ("inverse_and_log_det", y, -1)):
        out, log_dets = jax.jit(jax.vmap(lambda key: getattr(layer, method)(event, key=key)))(keys)  # noqa: B023
        log_dets = np.asarray(log_dets, float)
        assert np.ptp(log_dets) > 0.1
        error = log_dets.std() / 4000**0.5
        assert abs(log_dets.mean() - sign * exact) < 5.5 * error + 1e-5 < 0.05
        np.testing.assert_allclose(out[0], y if sign == 1 else X, rtol=1e-5)


class Turned(Waves):
    """A contraction whose Jacobian is not diagonal, so that Hutchinson's estimate is random."""

    def __call__(self, x, context=None, *, key=None):
        return self.weight * jnp.sin(x[::-1] + 0.5 * x) / 1.5


@pytest.mark.slow
def test_every_compilation_gives_the_same_gradient():
    """Of log-determinants in a batch: with nets that put batches last, every other compilation gave garbage."""

    def gradient(repetition):
        del repetition
        layers = [Residual(LipschitzMLP(jr.key(i), 2, hidden=(32, 32)), log_det="exact") for i in range(2)]
        random = np.random.default_rng(1)
        stack = jax.tree.map(
            lambda leaf: leaf + np.float32(0.01) * random.normal(size=leaf.shape).astype(np.float32),
            Stack(layers),
        )
        rows = random.normal(size=(125, 2)).astype(np.float32)
        run = lambda stack: jnp.mean(jax.vmap(stack.forward_and_log_det)(rows)[1])  # noqa: E731
        return [np.asarray(leaf) for leaf in jax.tree.leaves(jax.jit(jax.grad(run))(stack))]

    first, *others = (gradient(repetition) for repetition in range(6))
    for other in others:
        for one, again in zip(first, other, strict=True):
            np.testing.assert_allclose(again, one, rtol=1e-4, atol=1e-6)


def test_many_features_are_estimated_unless_asked_otherwise():
    assert Residual(LipschitzMLP(jr.key(0), 8, hidden=())).log_det == "exact"
    assert Residual(LipschitzMLP(jr.key(0), 9, hidden=())).log_det == "unbiased"
    assert [Residual(Waves(jnp.ones(3)), log_det=kind).terms for kind in ("series", "unbiased")] == [20, 2]
    assert Residual(Waves(jnp.ones(3)), log_det="series", terms=3).terms == 3


@pytest.mark.parametrize("weight", [3.0, -3.0, 1.2])
def test_a_net_that_breaks_its_bound_is_refused(weight):
    layer = Residual(Waves(jnp.float32(weight)))
    y = np.array([0.4, 1.0, -2.0], np.float32)
    message = (
        "Residual.inverse_and_log_det: expected to solve x + g(x) = y within a certified error, got none. The net "
        "has a larger Lipschitz constant than the 0.9 that it claims, or is not finite."
    )
    with pytest.raises(NotConverged) as caught:
        layer.inverse_and_log_det(y)
    assert str(caught.value) == message


def test_a_flow_says_so_when_it_draws():
    flow = Flow(StandardNormal((3,)), Invert(Residual(Waves(jnp.float32(3.0)))))
    with pytest.raises(NotConverged, match=r"^Residual.inverse_and_log_det: expected to solve"):
        flow.sample(jr.key(0), (8,))


def test_nan_in_one_row_is_no_refusal():
    layer = Residual(Waves(jnp.float32(0.5)))
    rows = np.array([[np.nan, 1, 2], [0.5, 1, 2]], np.float32)
    found = jax.jit(jax.vmap(lambda y: layer.inverse(y)))(rows)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1] + 0.5 * np.sin(found[1]), rows[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: AdditiveResidual(None, None, [True, True]),
            "AdditiveResidual: expected a mask with True and False elements, got 2 equal ones.",
        ),
        (
            lambda: Residual(Waves(jnp.ones(3)), log_det="best"),
            "Residual: expected log_det auto, exact, series, unbiased, got 'best'.",
        ),
        (
            lambda: Residual(Waves(jnp.ones(3)), terms=0),
            "Residual: expected terms to be a whole number of at least 1, got 0.",
        ),
        (
            lambda: Residual(Waves(jnp.ones(3), lipschitz=1.5)),
            "Residual: expected lipschitz between 0 and 1, got 1.5.",
        ),
    ],
)
def test_arguments_that_do_not_fit(build, message):
    with pytest.raises(ConfigError) as caught:
        build()
    assert str(caught.value) == message


def test_a_net_of_another_size_is_refused():
    with pytest.raises(ShapeError) as caught:
        Residual(Cut(jnp.ones(3))).forward(X)
    assert str(caught.value) == "Residual: expected a net that returns 3 numbers, got 2 from Cut."
