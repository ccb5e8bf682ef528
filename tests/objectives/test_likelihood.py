import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

from pushforward import flows
from pushforward.bijectors.base import BATCH_AXIS, Bijector
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal
from pushforward.objectives import negative_log_likelihood, negative_log_likelihoods


class Noisy(Bijector):
    """The identity with a log-determinant of `weight`, infinite at 9, plus noise if there is a key."""

    weight: jax.Array
    noisy: bool = eqx.field(static=True, default=True)
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x, context=None, *, key=None):
        raise NotImplementedError

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return y, self.weight / (y[0] != 9) + (jr.normal(key) if self.noisy and key is not None else 0.0)


X = np.array([[0.5], [-2.0], [1.0]], np.float32)
WEIGHTS = np.array([1.0, 3.0, 0.0], np.float32)


def test_it_is_the_weighted_mean():
    expected = -np.average(scipy.stats.norm.logpdf(X[:, 0]), weights=WEIGHTS)
    loss = negative_log_likelihood(StandardNormal((1,)), jnp.asarray(X), None, jnp.asarray(WEIGHTS))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_a_row_of_weight_zero_does_not_count_even_if_it_is_impossible():
    flow = Flow(StandardNormal((1,)), Noisy(jnp.float32(0.1)))
    changed = X.copy()
    changed[2] = 9.0  # its log-density is infinite
    loss = [negative_log_likelihood(flow, jnp.asarray(x), None, jnp.asarray(WEIGHTS)) for x in (X, changed)]
    assert loss[0] == loss[1]


def test_a_batch_of_padding_has_loss_and_gradient_zero():
    flow = Flow(StandardNormal((1,)), Noisy(jnp.float32(0.1)))
    loss, gradient = eqx.filter_value_and_grad(negative_log_likelihood)(
        flow, jnp.asarray(X), None, jnp.zeros(3)
    )
    assert (loss, gradient.bijector.weight) == (0.0, 0.0)


def test_every_row_gets_noise_of_its_own_and_none_without_a_key():
    inner = Flow(StandardNormal((1,)), Noisy(jnp.float32(0.0)))
    nested = Flow(inner, Noisy(jnp.float32(0.0), noisy=False))
    for flow in (inner, nested):
        alone = [
            float(negative_log_likelihood(flow, jnp.zeros((3, 1)), None, jnp.eye(3)[i], jr.key(0)))
            for i in range(3)
        ]
        assert len(set(alone)) == 3
        quiet = negative_log_likelihood(flow, jnp.zeros((3, 1)), None, jnp.ones(3), None)
        np.testing.assert_allclose(quiet, -scipy.stats.norm.logpdf(0), rtol=1e-6)


def test_a_law_that_is_no_flow_may_be_trained_with_a_key():
    loss = negative_log_likelihood(StandardNormal((1,)), jnp.asarray(X), None, jnp.ones(3), jr.key(0))
    np.testing.assert_allclose(loss, -scipy.stats.norm.logpdf(X).mean(), rtol=1e-6)


def test_the_losses_of_some_rows_are_those_they_have_in_the_whole_batch():
    """A law with noise for each row, one without, and one that knows no keys; the rows in any order, some twice."""
    flows = Flow(StandardNormal((1,)), Noisy(jnp.float32(0.3))), StandardNormal((1,))
    rows, key, x = np.array([2, 0, 0, 1]), jr.key(3), jnp.asarray(X)
    for flow in flows:
        losses = negative_log_likelihoods(flow, x[rows], None, key, rows=rows, size=3)
        alone = [negative_log_likelihood(flow, x, None, jnp.eye(3)[row], key) for row in rows]
        np.testing.assert_allclose(losses, alone, rtol=1e-6)


@pytest.mark.parametrize("key", [None, jr.key(0)], ids=["validation", "training"])
def test_the_gradient_of_a_batch_of_over_32768_rows(key):
    """Of some products in 3 dimensions and sums XLA makes one kernel, which is wrong from 2^15 rows on."""
    flow = flows.sylvester(jr.key(0), features=3, layers=2, width=2, kind="triangular")
    leaves, structure = jax.tree.flatten(eqx.filter(flow, eqx.is_inexact_array))
    params = structure.unflatten(
        leaf + 0.2 * jr.normal(jr.key(i), leaf.shape) for i, leaf in enumerate(leaves)
    )
    fixed = eqx.filter(flow, eqx.is_inexact_array, inverse=True)
    x = np.random.default_rng(0).normal(size=(40_000, 3)).astype(np.float32)

    @jax.jit
    def loss(params, x):
        law = eqx.combine(params, fixed)
        return negative_log_likelihood(law, x, None, jnp.ones(len(x)), key)

    whole = jax.grad(loss)(params, x)
    parts = [jax.grad(loss)(params, part) for part in np.split(x, 4)]
    for leaf, *rest in zip(*map(jax.tree.leaves, (whole, *parts)), strict=True):
        np.testing.assert_allclose(leaf, sum(rest) / 4, rtol=1e-4, atol=1e-5)


class Centred(Noisy):
    """Asks for the other rows of its batch."""

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return y - jax.lax.pmean(y, BATCH_AXIS), jnp.float32(0)


def test_layers_of_ones_own_may_ask_for_the_other_rows():
    flow = Flow(StandardNormal((1,)), Centred(jnp.float32(0)))
    loss = negative_log_likelihood(flow, jnp.asarray(X), None, jnp.ones(3), jr.key(0))
    np.testing.assert_allclose(loss, -scipy.stats.norm.logpdf(X - X.mean()).mean(), rtol=1e-6)


def test_batch_norm_sees_the_whole_of_a_large_batch():
    x = jr.normal(jr.key(0), (20_000, 2)) * jnp.linspace(1, 9, 20_000)[:, None]  # no piece is like another
    flow = flows.realnvp(jr.key(1), features=2, layers=2, hidden=(4,), batch_norm=True)
    loss = jax.jit(lambda x: negative_log_likelihood(flow, x, None, jnp.ones(len(x)), jr.key(2)))
    keys = jr.split(jr.key(2), len(x))
    losses = jax.jit(jax.vmap(lambda x, key: -flow._log_prob(x, None, key), axis_name=BATCH_AXIS))(x, keys)
    np.testing.assert_allclose(loss(x), losses.mean(), rtol=1e-5)
