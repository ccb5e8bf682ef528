import numpy as np
import pytest

from pushforward.diagnostics import class_information, dependent_pairs, distance


def test_information_of_levels_is_exact():
    first = np.repeat([0.0, 1.0], 5000)
    assert class_information(first, first) == pytest.approx(np.log(2), abs=1e-3)
    assert class_information(first, np.tile([0.0, 1.0], 5000)) == 0
    # A missing value says as much as any level.
    assert class_information(first, np.where(first == 0, np.nan, 3.0)) == pytest.approx(np.log(2), abs=1e-3)


def test_information_of_normals_is_near_the_closed_form():
    generator = np.random.default_rng(0)
    x = generator.normal(size=50_000)
    y = 0.8 * x + 0.6 * generator.normal(size=50_000)
    truth = -0.5 * np.log(1 - 0.8**2)
    assert 0.85 * truth < class_information(x, y) < truth
    assert class_information(x, generator.normal(size=50_000)) < 1e-3


def test_pairs_come_in_the_order_of_their_information():
    generator = np.random.default_rng(1)
    x, noise = generator.normal(size=(2, 2000))
    level = (x > 0).astype(float)
    codes = np.stack([noise, x, level, x + 0.01 * noise], axis=1)
    found = dependent_pairs(codes, most=2)
    assert [pair[:2] for pair in found] == [(1, 3), (1, 2)]
    assert dependent_pairs(codes[:, :1]) == []


def test_distances():
    assert distance([0, 0, 1, 1], [0, 1, 1, 1], levels=True) == pytest.approx(0.25)
    assert distance([1, 2, 3, 4], [1, 2, 3, 4], levels=False) == 0
    assert distance([1, 2], [3, 4], levels=False) == 1
    assert distance([np.nan, 1], [1, 1], levels=True) == pytest.approx(0.5)
