import numpy as np

from pushforward.testing.quadrature import integrate


def _one(function):
    return lambda t: function(t)[:, None]


def test_smooth_function_in_two_dimensions():
    def gauss(t):
        density = np.exp(-0.5 * np.sum(t**2, axis=1)) / (2 * np.pi)
        return np.stack([density, density * t[:, 0] ** 2], axis=1)

    low, high = np.full(2, -8.0), np.full(2, 8.0)
    values, rest = integrate(gauss, low, high, cells=8, tolerance=1e-6, most=100_000)
    np.testing.assert_allclose(values, [1.0, 1.0], atol=1e-6)
    assert rest <= 1e-6


def test_kink_and_jump():
    def broken(t):
        return np.abs(t[:, 0] - 0.3) + (t[:, 0] > 0.7)

    values, rest = integrate(_one(broken), np.zeros(1), np.ones(1), cells=4, tolerance=1e-7, most=100_000)
    expected = (0.3**2 + 0.7**2) / 2 + 0.3
    assert abs(values[0] - expected) <= 1e-6
    assert rest <= 1e-7


def test_remaining_difference_is_told_when_the_points_run_out():
    def jump(t):
        return (t[:, 0] + t[:, 1] > 1).astype(float)

    values, rest = integrate(_one(jump), np.zeros(2), np.ones(2), cells=4, tolerance=1e-9, most=2000)
    assert 1e-9 < abs(values[0] - 0.5) <= 2 * rest
