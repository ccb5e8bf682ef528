"""maf_mog: maf's layers on the base of made_mog, trained together."""

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import ConditionalMixture
from pushforward.errors import ConfigError
from pushforward.flows import maf, maf_mog
from pushforward.objectives import negative_log_likelihood

SMALL = {"features": 3, "layers": 2, "hidden": (8,)}
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def test_the_density_is_the_bases_with_mafs_layers(randomised):
    flow = randomised(lambda: maf_mog(jr.key(0), components=2, **SMALL))
    layers = jax.eval_shape(lambda: maf(jr.key(0), **SMALL)).bijector
    assert jax.tree.structure(flow.bijector) == jax.tree.structure(layers)
    z = np.asarray(flow.to_base(X))
    log_det = np.array([np.linalg.slogdet(jax.jacobian(flow.to_base)(x))[1] for x in X])
    np.testing.assert_allclose(flow.log_prob(X), flow.base.log_prob(z) + log_det, rtol=1e-4)


def test_batch_norm_is_where_maf_has_it():
    mog, plain = (
        jax.eval_shape(lambda r=recipe: r(jr.key(0), batch_norm=True, **SMALL)) for recipe in (maf_mog, maf)
    )
    assert jax.tree.structure(mog.bijector) == jax.tree.structure(plain.bijector)


def test_base_and_layers_are_trained(randomised):
    flow = randomised(lambda: maf_mog(jr.key(0), components=2, **SMALL))
    gradient = eqx.filter_grad(negative_log_likelihood)(flow, X, None, np.ones(6, np.float32))
    assert all(np.any(leaf) for leaf in jax.tree.leaves((gradient.base.net.layers, gradient.bijector)))


def test_the_context_reaches_base_and_layers(randomised):
    flow = randomised(lambda: maf_mog(jr.key(0), components=2, context_features=2, **SMALL))
    assert flow.base.context_shape == flow.bijector.context_shape == flow.context_shape == (2,)
    contexts = np.array([[0.0, 0.0], [0.0, 1.0]], np.float32)
    assert np.ptp(flow.log_prob(X[0], contexts)) > 1e-3


def test_arguments_reach_their_parts():
    flow = jax.eval_shape(lambda: maf_mog(jr.key(0), components=4, bound=1.5, dropout=0.25, **SMALL))
    assert flow.base.law == ConditionalMixture(4, 1.5)
    assert flow.base.net.dropout == 0.25
    assert flow.bijector.depth == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 0}, "maf_mog: expected layers to be a whole number of at least 1, got 0."),
        ({"components": 0}, "maf_mog: expected components to be a whole number of at least 1, got 0."),
        ({"scale": "linear"}, "Affine: expected scale exp, softplus or sigmoid, got 'linear'."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        maf_mog(jr.key(0), **{"features": 2, **arguments})
    assert str(caught.value) == message
