"""Circular splines against the paper's formula with equal slopes at both ends, and the geometry of the circle."""

import bisect
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics import circle, splines
from pushforward.numerics.bins import MIN_BIN
from pushforward.numerics.splines import MIN_SLOPE

BINS = 4


@functools.cache
def program(direction, *, gradient=False):
    function = (circle.circular_spline, circle.circular_spline_inverse)[direction]

    def run(x, p):
        return function(x, p[:BINS], p[BINS : 2 * BINS], p[2 * BINS : 3 * BINS], p[3 * BINS])

    return jax.jit(jax.vmap(jax.grad(lambda x, p: sum(run(x, p)), (0, 1)) if gradient else run))


def draw(rows, scale=1.0, dtype=np.float64):
    random = np.random.default_rng(0)
    params = scale * random.normal(size=(rows, 3 * BINS + 1))
    return random.uniform(-np.pi, np.pi, rows).astype(dtype), params.astype(dtype)


def oracle(x, params):
    """arXiv:1906.04032, eq. 4 and 5, on the circle, then the phase."""
    widths, heights, raw = params[: 3 * BINS].reshape(3, BINS)

    def ends(raw):
        share = MIN_BIN + (1 - MIN_BIN * BINS) * np.exp(raw) / np.exp(raw).sum()
        return -np.pi + 2 * np.pi * np.append(0, np.cumsum(share))

    xs, ys = ends(widths), ends(heights)
    slopes = MIN_SLOPE + np.log1p(np.exp(raw + math.log(math.expm1(1 - MIN_SLOPE))))
    d = np.append(slopes, slopes[0])
    k = min(max(bisect.bisect_right(list(xs), x) - 1, 0), BINS - 1)
    height, width = ys[k + 1] - ys[k], xs[k + 1] - xs[k]
    s, xi = height / width, (x - xs[k]) / width
    under = s + (d[k + 1] + d[k] - 2 * s) * xi * (1 - xi)
    y = ys[k] + height * (s * xi**2 + d[k] * xi * (1 - xi)) / under
    slope = s**2 * (d[k + 1] * xi**2 + 2 * s * xi * (1 - xi) + d[k] * (1 - xi) ** 2) / under**2
    return y + params[-1], math.log(slope)


def apart(a, b):
    """The distance of two angles."""
    return np.abs(np.angle(np.exp(1j * (np.asarray(a, np.float64) - np.asarray(b, np.float64)))))


def test_it_is_the_formula_turned_by_the_phase():
    x, params = draw(300, 2.0)
    with jax.enable_x64(True):
        y, log_dydx = program(0)(x, params)
    expected = np.array([oracle(v, p) for v, p in zip(x, params, strict=True)])
    assert apart(y, expected[:, 0]).max() < 1e-12
    assert np.abs(y).max() <= np.pi
    np.testing.assert_allclose(log_dydx, expected[:, 1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_round_trip(scale):
    """In float32: an error of a few roundings of the circle, and as many more as the slope explains."""
    x, params = draw(4000, scale, np.float32)
    near = np.nextafter(np.float32(np.pi), np.float32(0))
    x[:6] = np.float32([np.pi, -np.pi, near, -near, 0, 1e-38])
    for first in (0, 1):
        middle, log_slope = (np.asarray(a) for a in program(first)(x, params))
        back, log_back = program(1 - first)(middle, params)
        assert np.abs(middle).max() <= np.float32(np.pi)
        assert np.isfinite(log_slope).all()
        assert np.isfinite(log_back).all()
        assert (apart(back, x) / (1 + np.exp(-log_slope.astype(np.float64)))).max() < 2e-6


def test_the_cut_cannot_be_seen():
    """Both sides of the cut have one image and one slope, and with a phase the slope is continuous at every image."""
    step = 1e-9
    params = np.repeat(draw(20)[1], 2, axis=0)
    with jax.enable_x64(True):
        y, log_dydx = program(0)(np.tile([-np.pi + step, np.pi - step], 20), params)
        x, _ = program(1)(np.tile([-np.pi + step, np.pi - step], 20), params)
    for values in (y, x):
        left, right = np.asarray(values).reshape(20, 2).T
        assert apart(left, right).max() < 1e-6
    np.testing.assert_allclose(log_dydx[::2], log_dydx[1::2], atol=1e-6)
    assert np.abs(log_dydx).max() > 0.3  # the slope there is free


def test_outside_the_density_is_zero():
    x = np.float32([3.2, -3.2, 1e30, -np.inf])
    for direction in (0, 1):
        y, log_slope = program(direction)(x, draw(4, 1.0, np.float32)[1])
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(log_slope, [-np.inf] * 4)
        assert np.isnan(
            program(direction)(np.full(4, np.nan, np.float32), draw(4, 1.0, np.float32)[1])[0]
        ).all()


def test_many_bins_are_searched_in_another_way_to_the_same_end(monkeypatch):
    x, params = draw(30)
    with jax.enable_x64(True):
        for direction in (0, 1):
            few = program(direction)(x, params)
            with monkeypatch.context() as patch:
                patch.setattr(splines, "_FEW_BINS", 0)
                many = program.__wrapped__(direction)(x, params)
            for a, b in zip(few, many, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_gradients_are_finite_at_the_edges():
    random = np.random.default_rng(1)
    x, params = draw(4000, 0.0, np.float32)
    params += random.choice([-1, 0, 1], params.shape).astype(np.float32) * np.float32(1e15)
    x[:1000] = random.choice(np.float32([np.pi, -np.pi, 0.0, 1e30, 4.0]), 1000)
    for direction in (0, 1):
        for gradient in program(direction, gradient=True)(x, params):
            assert np.isfinite(gradient).all()


def test_wrap():
    angle = np.float32([0, 3, -3, 4, -4, 10, -10, np.pi, -np.pi, 1e6, 1e30])
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(circle.wrap)))(angle)
    assert apart(value, angle)[:-2].max() < 2e-6
    assert np.abs(value).max() <= np.float32(np.pi)
    np.testing.assert_array_equal(slope, np.ones(11))
    np.testing.assert_array_equal(np.asarray(value)[:3], angle[:3])


def test_without_a_phase_the_cut_stays():
    parts = jnp.zeros((3, BINS)) + jnp.arange(BINS)
    y, _ = circle.circular_spline(jnp.float32(np.pi), *parts, None)
    np.testing.assert_allclose(y, np.pi, rtol=1e-6)
