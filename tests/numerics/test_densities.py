import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from pushforward.numerics import densities

Z = np.array([0.0, 1e-30, -1e-3, 0.5, -1.0, 3.0, -10.0, 40.0, -100.0, 1e4])


@jax.jit
def values_and_gradients(z):
    laws = (
        densities.normal,
        densities.laplace,
        densities.logistic,
        lambda z: densities.student_t(z, jnp.ones_like(z)),
    )
    return [jax.vmap(jax.value_and_grad(law))(z) for law in laws]


def test_matches_scipy():
    laws = scipy.stats.norm, scipy.stats.laplace, scipy.stats.logistic, scipy.stats.cauchy
    slopes = -Z, -np.sign(Z), -np.tanh(Z / 2), -2 * Z / (1 + Z**2)
    single = values_and_gradients(np.float32(Z))
    with jax.enable_x64(True):
        double = values_and_gradients(Z)
    for law, slope, first, second in zip(laws, slopes, single, double, strict=True):
        # scipy's Laplace is the logarithm of a density that underflows at the last point.
        exact = -np.abs(Z) - np.log(2) if law is scipy.stats.laplace else law.logpdf(Z)
        np.testing.assert_allclose(first[0], exact, rtol=1e-6)
        np.testing.assert_allclose(second[0], exact, rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(first[1], slope, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(second[1], slope, rtol=1e-13, atol=1e-15)


def test_minus_infinity_at_both_infinities_and_nan_at_nan():
    for value, _ in values_and_gradients(np.float32([np.inf, -np.inf, np.nan, *Z[3:]])):
        np.testing.assert_array_equal(value[:3], [-np.inf, -np.inf, np.nan])


def test_student_t_is_normal_at_infinity():
    value = densities.student_t(np.float32(Z[:8]), np.float32(1e9))
    np.testing.assert_allclose(value, scipy.stats.norm.logpdf(Z[:8]), rtol=2e-6)
