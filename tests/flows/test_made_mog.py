"""made_mog: mixtures of normals in every element, by hand; and where it starts."""

import jax
import jax.random as jr
import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm

from pushforward.bijectors import Identity
from pushforward.distributions import ConditionalMixture
from pushforward.errors import ConfigError
from pushforward.flows import made_mog
from pushforward.numerics import normal_mixtures

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def test_it_is_the_mixture_of_each_element(randomised):
    """MAF paper, section 4.1: p(x_i | x_<i) = sum_c w_c N(x_i; m_c, s_c^2)."""
    flow = randomised(lambda: made_mog(jr.key(0), features=3, components=2, hidden=(8,)))
    logits, shifts, raw = np.moveaxis(np.asarray(jax.vmap(flow.base.net)(X)).reshape(6, 3, 2, 3), 1, 0)
    means, log_scale = normal_mixtures.spread(2)
    scales = np.exp(log_scale + 5 * np.tanh(raw / 5))
    terms = norm.logpdf(X[:, None], np.array(means)[:, None] + shifts, scales) + log_softmax(logits, axis=1)
    np.testing.assert_allclose(flow.log_prob(X), logsumexp(terms, axis=1).sum(axis=1), rtol=1e-5)
    assert flow.bijector == Identity((3,))


def test_it_starts_as_nearly_the_standard_normal():
    flow = made_mog(jr.key(0), features=3, hidden=(8,))
    np.testing.assert_allclose(
        flow.log_prob(np.clip(X, -2, 2)), norm.logpdf(np.clip(X, -2, 2)).sum(1), atol=0.15
    )


def test_arguments_reach_their_parts():
    options = {"activation": "tanh", "dropout": 0.25, "residual": True, "direct": True, "order": "random"}
    flow = jax.eval_shape(
        lambda: made_mog(
            jr.key(0), features=2, context_features=3, components=4, hidden=(4, 4), bound=1.5, **options
        )
    )
    net = flow.base.net
    assert flow.base.law == ConditionalMixture(4, 1.5)
    assert (net.activation, net.dropout, net.residual, net.direct) == ("tanh", 0.25, True, True)
    assert net.order.shape == (2,)
    assert flow.context_shape == (3,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": 0}, "made_mog: expected components to be a whole number of at least 1, got 0."),
        (
            {"context_features": -1},
            "made_mog: expected context_features to be a whole number of at least 0, got -1.",
        ),
        ({"hidden": (0,)}, "made_mog: expected hidden to be a tuple of positive whole numbers, got (0,)."),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        made_mog(jr.key(0), **{"features": 2, **arguments})
    assert str(caught.value) == message
