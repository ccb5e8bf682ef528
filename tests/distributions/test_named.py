"""Named laws against SciPy, and against the flows that they are."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from pushforward.bijectors import Chain, Elementwise, Exp, Invert, Log, Logit, Scale, Shift, Sigmoid, Softplus
from pushforward.distributions import (
    Flow,
    Gumbel,
    Kumaraswamy,
    Logistic,
    LogitNormal,
    LogNormal,
    StandardLogistic,
    Uniform,
)
from pushforward.errors import ConfigError

UNIT = np.array([1e-30, 1e-6, 0.01, 0.3, 0.5, 0.9, 0.999, 1 - 2**-20])


def _logit_normal(x, loc, scale):
    return scipy.stats.norm.logpdf(scipy.special.logit(x), loc, scale) - np.log(x) - np.log1p(-x)


def _kumaraswamy(x, a, b):
    # SciPy has no such law; in float64, with the exact x of float32.
    t = -a * np.log(x)
    return np.log(a * b) + (a - 1) * np.log(x) + (b - 1) * np.log(-np.expm1(-t))


LAWS = {
    "LogNormal": (LogNormal, lambda x, m, s: scipy.stats.lognorm.logpdf(x, s, scale=np.exp(m))),
    "LogitNormal": (LogitNormal, _logit_normal),
    "Gumbel": (Gumbel, scipy.stats.gumbel_r.logpdf),
    "Kumaraswamy": (Kumaraswamy, _kumaraswamy),
}
POINTS = {
    "LogNormal": np.array([1e-30, 1e-3, 0.5, 1.0, 20.0, 1e10, 1e30]),
    "LogitNormal": UNIT,
    "Gumbel": np.array([-8.0, -1.0, 0.0, 0.3, 5.0, 200.0, 1e8]),
    "Kumaraswamy": UNIT,
}
PARAMETERS = np.array([[0.5, 2.0], [2.0, 0.7], [1.0, 1.0], [30.0, 5.0]])


@pytest.mark.parametrize("name", LAWS)
def test_log_prob_matches_scipy(name):
    law, exact = LAWS[name]
    x, row = (grid.ravel() for grid in np.meshgrid(POINTS[name], np.arange(len(PARAMETERS))))
    first, second = np.float32(PARAMETERS[row]).T
    x = np.float32(x)
    log_prob = jax.jit(jax.vmap(lambda x, a, b: law(a, b)._log_prob(x, None)))
    with np.errstate(all="ignore"):
        wanted = exact(*(v.astype(np.float64) for v in (x, first, second)))
    assert np.all(np.isfinite(wanted) | (wanted < -1e38))
    found = log_prob(x, first, second)
    # A standardised number's relative error, of log(scale)'s rounding and its own, is squared, or exponentiated.
    steep = np.abs(wanted) * (1 + np.abs(np.log(second))) + 1
    keep = wanted > -1e30
    assert keep.sum() >= 0.8 * keep.size
    assert np.all(np.abs(found - wanted)[keep] <= (2e-6 * (10 + steep))[keep])
    with jax.enable_x64(True):
        found = log_prob(*(v.astype(np.float64) for v in (x, first, second)))
        np.testing.assert_allclose(found[keep], wanted[keep], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("law", [LogNormal(0.3, 0.5), LogitNormal(0.3, 0.5), Kumaraswamy(2.0, 3.0)], ids=repr)
def test_outside_of_the_support(law):
    low = np.array([-1e30, -1.0, -1e-30, -0.0, 0.0], np.float32)
    high = np.array([1.0, 1.5, 1e30, np.inf], np.float32)
    x = low if isinstance(law, LogNormal) else np.concatenate([low, high])
    value, gradient = jax.jit(jax.vmap(jax.value_and_grad(lambda x: law._log_prob(x, None))))(x)
    assert np.all(value == -np.inf)
    assert np.isnan(law.log_prob(np.nan))
    by_law = jax.grad(lambda law: jnp.where(jnp.isinf(law._log_prob(jnp.float32(-1.0), None)), 0.0, 1.0))(law)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((by_law, gradient[:4])))


@pytest.mark.parametrize(
    ("law", "exact"),
    [
        (LogNormal([0.5, -1.0], [0.4, 0.3]), scipy.stats.lognorm([0.4, 0.3], scale=np.exp([0.5, -1.0]))),
        (Gumbel([0.5, -1.0], [2.0, 0.3]), scipy.stats.gumbel_r([0.5, -1.0], [2.0, 0.3])),
    ],
    ids=["LogNormal", "Gumbel"],
)
def test_moments_and_samples(law, exact, check_samples):
    np.testing.assert_allclose(law.mean(), exact.mean(), rtol=1e-6)
    np.testing.assert_allclose(law.variance(), exact.var(), rtol=1e-5)
    check_samples(law, [lambda x, i=i: exact.cdf(np.stack([x, x], -1))[:, i] for i in range(2)])


def test_kumaraswamy_moments_and_samples(check_samples):
    a, b = np.array([2.0, 0.5]), np.array([3.0, 20.0])
    law = Kumaraswamy(a, b)
    moments = [
        [
            scipy.integrate.quad(lambda u, i=i, k=k: (1 - (1 - u) ** (1 / b[i])) ** (k / a[i]), 0, 1)[0]
            for i in range(2)
        ]
        for k in (1, 2)
    ]
    mean, square = np.array(moments)
    np.testing.assert_allclose(law.mean(), mean, rtol=2e-5)
    np.testing.assert_allclose(law.variance(), square - mean**2, rtol=2e-5)
    check_samples(law, [lambda x, i=i: 1 - (1 - x ** a[i]) ** b[i] for i in range(2)])


def test_logit_normal_samples(check_samples):
    law = LogitNormal([0.5], [2.0])
    check_samples(law, [lambda x: scipy.stats.norm.cdf(scipy.special.logit(x), 0.5, 2.0)])


def test_kumaraswamy_is_a_flow_from_a_logistic_base():
    """u = sigmoid(l), -log(1 - u) = softplus(l), and so on: elementary maps give the same law."""
    a, b = 2.0, 3.0
    maps = [
        Elementwise(Softplus(), ()),
        Elementwise(Scale(), (), [-np.log(b)]),
        Invert(Elementwise(Softplus(), ())),
        Elementwise(Sigmoid(), ()),
        Elementwise(Log(), ()),
        Elementwise(Scale(), (), [-np.log(a)]),
        Elementwise(Exp(), ()),
    ]
    x = np.array([0.01, 0.3, 0.8, 0.99], np.float32)
    found = Kumaraswamy(a, b).log_prob(x)
    np.testing.assert_allclose(
        found, Flow(StandardLogistic(()), Chain(maps)).log_prob(x), rtol=1e-4, atol=1e-5
    )


def test_a_logistic_is_the_logit_of_a_uniform_number():
    loc, scale = 0.5, 2.0
    maps = [
        Elementwise(Logit(), ()),
        Elementwise(Scale(), (), [np.log(scale)]),
        Elementwise(Shift(), (), [loc]),
    ]
    flow = Flow(Uniform(0.0, 1.0), Chain(maps))
    x = np.array([-9.0, -1.0, 0.4, 3.0, 9.0], np.float32)
    np.testing.assert_allclose(flow.log_prob(x), Logistic(loc, scale).log_prob(x), rtol=1e-5)


def test_a_gumbel_number_is_minus_log_of_an_exponential_one():
    """P(x <= g) = exp(-exp(-g)), read off draws of -log softplus(-l), l logistic."""
    law, flow = Gumbel(0.0, 1.0), StandardLogistic(())
    draws = -np.log(np.asarray(jax.nn.softplus(-flow.sample(jr.key(0), 20000)), float))
    assert scipy.stats.kstest(draws, lambda x: np.exp(-np.exp(-x))).statistic < 0.02
    np.testing.assert_allclose(np.mean(draws), law.mean(), atol=0.06)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Gumbel(0.0, -1.0), "Gumbel: expected scale > 0, got 1 of 1 values that are not"),
        (lambda: Kumaraswamy(0.0, 1.0), "Kumaraswamy: expected a > 0, got 1 of 1 values that are not"),
        (lambda: Kumaraswamy(1.0, -2.0), "Kumaraswamy: expected b > 0, got 1 of 1 values that are not"),
        (lambda: LogNormal(0.0, 0.0), "Normal: expected scale > 0, got 1 of 1 values that are not"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ConfigError) as caught:
        build()
    assert str(caught.value).split(" (first")[0] == message
