"""Maps onto the simplex against plain loops and the determinant of their Jacobian."""

import functools

import jax
import numpy as np
import pytest

from pushforward.numerics import simplex


def plain_softmax(x):
    weights = np.append(np.exp(x), 1.0)
    return weights / weights.sum()


def plain_stick(x):
    """Stan's reference manual, stick by stick."""
    left, pieces, parts = 1.0, [], len(x) + 1
    for k, value in enumerate(x, start=1):
        share = 1 / (1 + np.exp(-(value + np.log(1 / (parts - k)))))
        pieces.append(left * share)
        left -= pieces[-1]
    return np.array([*pieces, left])


MAPS = {
    "softmax": (simplex.softmax_centered, simplex.softmax_centered_inverse, plain_softmax),
    "stick": (simplex.stick_breaking, simplex.stick_breaking_inverse, plain_stick),
}


@functools.cache
def program(name, direction, *, gradient=False):
    function = MAPS[name][direction]

    def total(value):
        out, log_det = function(value)
        return out[0] - out[-1] + log_det

    return jax.jit(jax.vmap(jax.grad(total) if gradient else function))


@pytest.mark.parametrize("parts", [2, 3, 6])
@pytest.mark.parametrize("name", MAPS)
def test_values_log_determinants_and_inverse(name, parts):
    x = 2 * np.random.default_rng(parts).normal(size=(20, parts - 1))
    with jax.enable_x64(True):
        y, log_det = program(name, 0)(x)
        # The convention: the Jacobian of the first K - 1 numbers.
        jacobian = jax.jit(jax.vmap(jax.jacfwd(lambda v: MAPS[name][0](v)[0][:-1])))(x)
        back, log_back = program(name, 1)(np.asarray(y))
    np.testing.assert_allclose(y, [MAPS[name][2](row) for row in x], rtol=1e-12)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(np.asarray(jacobian))[1], rtol=1e-10)
    np.testing.assert_allclose(back, x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(log_back, -np.asarray(log_det), rtol=1e-12)


@pytest.mark.parametrize("name", MAPS)
def test_zeros_are_the_centre(name):
    np.testing.assert_allclose(MAPS[name][0](np.zeros(4, np.float32))[0], np.full(5, 0.2), rtol=1e-6)


@pytest.mark.parametrize("name", MAPS)
def test_small_parts_keep_their_digits(name):
    """A last or first part of 1e-30 comes back in float32, where 1 minus the others is 0."""
    y = np.float32([[0.3, 0.7, 1e-30], [1e-30, 0.6, 0.4], [0.5, 1e-20, 0.5]])
    x, log_det = (np.asarray(a, np.float64) for a in program(name, 1)(y))
    np.testing.assert_allclose(log_det, -np.log(y.astype(np.float64)).sum(axis=1), rtol=1e-6)
    back, forward = program(name, 0)(x.astype(np.float32))
    np.testing.assert_allclose(back, y, rtol=2e-5)
    np.testing.assert_allclose(forward, -log_det, rtol=1e-6)


@pytest.mark.parametrize("name", MAPS)
def test_at_the_edges(name):
    edges = np.float32([0, 1e-38, 1e4, 1e15, 1.7e38])
    x = np.random.default_rng(0).choice([*edges, *-edges], (400, 2)).astype(np.float32)
    y, log_det = program(name, 0)(x)
    np.testing.assert_allclose(np.sum(y, axis=1), 1, rtol=1e-6)
    assert np.isfinite(log_det).all()
    assert np.isfinite(program(name, 0, gradient=True)(x)).all()


@pytest.mark.parametrize("name", MAPS)
def test_off_the_simplex(name):
    outside = np.float32([[0, 0.5, 0.5], [-0.1, 0.6, 0.5], [0.2, 1.0, 0.1], [0.5, 0.5, 0], [0.3, 9, 0.3]])
    x, log_det = program(name, 1)(outside)
    np.testing.assert_array_equal(x, outside[:, :-1])
    np.testing.assert_array_equal(log_det, [-np.inf] * 5)
    assert np.isfinite(program(name, 1, gradient=True)(outside)).all()
    missing = np.full((5, 3), 0.3, np.float32)
    missing[:, 2] = np.nan
    assert np.isnan(program(name, 1)(missing)[1]).all()
    # Only ratios count.
    one, half = (program(name, 1)(np.tile(np.float32([0.2, 0.3, 0.5]) * scale, (5, 1))) for scale in (1, 0.5))
    for a, b in zip(one, half, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
