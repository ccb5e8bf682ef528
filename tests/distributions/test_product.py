import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

from pushforward.bijectors.elementwise import Elementwise
from pushforward.bijectors.scalar.affine import Shift
from pushforward.distributions import (
    Distribution,
    Flow,
    Laplace,
    Normal,
    Product,
    StandardNormal,
    StudentT,
    Uniform,
)
from pushforward.errors import ConfigError, ShapeError


class Conditional(Distribution):
    event_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    context_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))

    def _log_prob(self, x, context):
        return jnp.sum(x) + jnp.sum(context)

    def _sample_and_log_prob(self, key, context):
        return jnp.zeros(1), jnp.sum(context)


def product():
    return Product([Laplace(1.0, 0.5), StandardNormal((2,)), Uniform(0.0, 4.0), Normal([3.0], 2.0)])


def test_log_prob_is_the_sum():
    x = np.float32([[0.3, -0.5, 1.0, 2.0, 4.0], [10.0, 0.0, 3.0, 0.1, -4.0], [10.0, 0.0, 3.0, 4.1, -4.0]])
    exact = (
        scipy.stats.laplace.logpdf(x[:, 0], 1.0, 0.5)
        + scipy.stats.norm.logpdf(x[:, 1:3]).sum(axis=1)
        + scipy.stats.uniform.logpdf(x[:, 3], 0.0, 4.0)
        + scipy.stats.norm.logpdf(x[:, 4], 3.0, 2.0)
    )
    np.testing.assert_allclose(product().log_prob(x), exact, rtol=1e-6)
    assert exact[2] == -np.inf


def test_moments_and_samples(check_samples):
    law = product()
    assert law.event_shape == (5,)
    np.testing.assert_allclose(law.mean(), [1.0, 0.0, 0.0, 2.0, 3.0])
    np.testing.assert_allclose(law.variance(), [0.5, 1.0, 1.0, 16 / 12, 4.0], rtol=1e-6)
    normal = scipy.stats.norm.cdf
    cdfs = [
        scipy.stats.laplace(1.0, 0.5).cdf,
        normal,
        normal,
        scipy.stats.uniform(0, 4).cdf,
        scipy.stats.norm(3, 2).cdf,
    ]
    check_samples(law, cdfs)
    # Five standard errors: the laws draw with keys of their own.
    x = np.asarray(law.sample(jr.key(1), 4096))
    np.testing.assert_allclose(np.corrcoef(x.T), np.eye(5), atol=5 / 4096**0.5)


def test_a_law_without_moments():
    flow = Flow(StandardNormal((1,)), Elementwise(Shift(), (1,)))
    law = Product([StudentT(3.0), flow])
    for name in ("mean", "variance"):
        with pytest.raises(ConfigError) as caught:
            getattr(law, name)()
        assert str(caught.value) == (
            f"Product.{name}: laws[1] (Flow) has no {name} in closed form. Estimate it from samples."
        )


def test_errors():
    with pytest.raises(ConfigError) as caught:
        Product([])
    assert str(caught.value) == "Product: expected at least one law, got an empty list."
    with pytest.raises(ConfigError) as caught:
        Product([Laplace(0.0, 1.0), Conditional()])
    assert str(caught.value) == (
        "Product: expected laws without context, but laws[1] (Conditional) takes one of shape (3,)."
    )
    with pytest.raises(ShapeError) as caught:
        Product([StandardNormal((2, 2))])
    assert str(caught.value) == (
        "Product: expected laws over numbers or vectors, but laws[0] (StandardNormal) has events of shape "
        "(2, 2)."
    )
