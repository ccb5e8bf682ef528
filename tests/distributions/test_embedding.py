"""Embeddings: a flow's parts see what becomes of the context, in every method."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Marginals
from pushforward.distributions import ContextScores, Embedding, Flow, settle
from pushforward.errors import ShapeError
from pushforward.flows import made_mog, maf, realnvp


class Doubled(Embedding):
    """Twice the sum of three numbers, as often as is said."""

    in_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    returned: int = eqx.field(static=True, default=1)

    def __call__(self, context):
        return jnp.full(self.returned, 2 * jnp.sum(context))


RAW, SUMMED = np.array([[1.0, 2, 3], [0, 0, 1]], np.float32), np.array([[12.0], [2.0]], np.float32)


@pytest.fixture(scope="module", params=["base", "bijector"])
def flows(request, randomised):
    recipe = {"base": made_mog, "bijector": realnvp}[request.param]
    inner = randomised(lambda: recipe(jr.key(0), features=2, context_features=1, hidden=(4,)), scale=0.1)
    return inner, Flow(inner.base, inner.bijector, embedding=Doubled())


def test_every_method_embeds_the_context(flows):
    inner, flow = flows
    assert flow.context_shape == (3,)
    x, key = np.array([[0.3, -1.0], [1.0, 0.2]], np.float32), jr.key(1)
    np.testing.assert_array_equal(flow.log_prob(x, RAW), inner.log_prob(x, SUMMED))
    np.testing.assert_array_equal(flow.sample(key, (3,), RAW), inner.sample(key, (3,), SUMMED))
    for found, expected in zip(
        flow.sample_and_log_prob(key, (3,), RAW), inner.sample_and_log_prob(key, (3,), SUMMED), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(flow.to_base(x, RAW), inner.to_base(x, SUMMED))
    np.testing.assert_array_equal(flow.to_data(x, RAW), inner.to_data(x, SUMMED))
    for found, expected in zip(flow.intermediates(x, RAW), inner.intermediates(x, SUMMED), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_layers_that_learn_from_rows_see_it():
    inner = maf(jr.key(0), features=2, context_features=1, layers=2, hidden=(4,), batch_norm=True)
    inner = eqx.tree_at(lambda flow: flow.bijector, inner, jax.tree.map(_moved, inner.bijector))
    flow = Flow(inner.base, inner.bijector, embedding=Doubled())
    x, raw = (np.random.default_rng(0).normal(size=(50, size)).astype(np.float32) for size in (2, 3))
    summed = 2 * raw.sum(axis=1, keepdims=True)
    found, expected = settle(flow, x, raw), settle(inner, x, summed)
    np.testing.assert_allclose(found.log_prob(x, raw), expected.log_prob(x, summed), rtol=1e-4)


def _moved(leaf):
    return leaf + 0.1 if eqx.is_inexact_array(leaf) else leaf


def test_an_embedding_that_does_not_fit_is_refused():
    inner = realnvp(jr.key(0), features=2, context_features=1, layers=1, hidden=(4,))
    with pytest.raises(ShapeError) as caught:
        Flow(inner.base, inner.bijector, embedding=Doubled(out_shape=(2,), returned=2))
    assert str(caught.value) == (
        "Flow: the embedding (Doubled) gives contexts of shape (2,), the base and the bijector take contexts of shape "
        "(1,)."
    )
    with pytest.raises(ShapeError) as caught:
        Flow(inner.base, inner.bijector, embedding=Doubled(returned=2))
    assert str(caught.value) == (
        "Flow: expected the embedding (Doubled) to return shape (1,), as it says, got (2,)."
    )


def test_scores_are_those_of_the_marginals():
    marginals = Marginals.identity(2, 4)
    context = jnp.array([0.5, 30.0])
    np.testing.assert_array_equal(ContextScores(marginals)(context), marginals.inverse(context))
