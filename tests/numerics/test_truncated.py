"""Normal laws cut off at both sides, against SciPy in float64."""

import jax
import numpy as np
import pytest
from scipy.stats import norm

from pushforward.numerics.truncated import END, truncated_normal

DRAW = jax.jit(truncated_normal)
WIDE = [(-END, END), (-END, -1.5), (0.3, 0.9), (2.5, END), (-7.0, -6.5), (6.5, 7.0), (-0.4, 0.1)]


def _grid(low, high):
    u = np.linspace(0.01, 0.99, 50, dtype=np.float32)
    return u, np.full_like(u, low), np.full_like(u, high)


@pytest.mark.parametrize(("low", "high"), WIDE)
def test_matches_scipy(low, high):
    u, lower, upper = _grid(low, high)
    z, log_q = (np.asarray(array, np.float64) for array in DRAW(u, lower, upper))
    # From the side of the tail, where probabilities have all their digits.
    low, high = np.float64(np.float32(low)), np.float64(np.float32(high))
    if low + high > 0:
        mass, true = norm.sf(low) - norm.sf(high), norm.isf(norm.sf(low) - u * (norm.sf(low) - norm.sf(high)))
    else:
        mass, true = (
            norm.cdf(high) - norm.cdf(low),
            norm.ppf(norm.cdf(low) + u * (norm.cdf(high) - norm.cdf(low))),
        )
    np.testing.assert_allclose(z, true, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(log_q, norm.logpdf(z) - np.log(mass), atol=2e-4)
    assert (z >= low).all()
    assert (z <= high).all()


def test_a_narrow_interval_has_the_uniform_law():
    u, lower, upper = _grid(1.0, 1.02)
    z, log_q = DRAW(u, lower, upper)
    np.testing.assert_allclose(z, 1 + 0.02 * u, rtol=1e-6)
    np.testing.assert_allclose(log_q, -np.log(0.02), rtol=1e-4)


def test_a_point_is_itself():
    u, lower, _ = _grid(-12.5, 0.0)
    z, log_q = DRAW(u, lower, lower)
    assert (np.asarray(z) == -12.5).all()
    assert (np.asarray(log_q) == 0).all()


def test_increases_with_u_in_both_halves():
    for low, high in WIDE:
        assert (np.diff(DRAW(*_grid(low, high))[0]) > 0).all(), (low, high)
