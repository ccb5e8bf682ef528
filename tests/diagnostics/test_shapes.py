import numpy as np
import pytest

from pushforward.diagnostics import compare, histogram, region
from pushforward.diagnostics.shapes import MASSES, shown
from pushforward.errors import ShapeError


def test_histogram_is_a_density_of_all_points():
    edges = np.array([0.0, 1.0, 3.0])
    found = histogram([0.5, 0.6, 2.0, 99.0], edges)
    np.testing.assert_allclose(found.density, [0.5, 0.125])


def test_region_levels_hold_their_shares():
    x, y = np.random.default_rng(0).normal(size=(2, 200_000))
    edges = np.linspace(-5, 5, 101)
    found = region(x, y + 0.2, edges, edges)
    assert found.density.shape == (100, 100)
    assert found.density.sum() == pytest.approx(1.0)
    assert (np.diff(found.levels) > 0).all()
    held = [found.density[found.density >= level].sum() for level in found.levels]
    np.testing.assert_allclose(held, MASSES, atol=0.01)
    # Row and column of the densest cell: y up, x along.
    row, column = np.unravel_index(found.density.argmax(), found.density.shape)
    assert abs(found.y[row] - 0.2) < 0.4
    assert abs(found.x[column]) < 0.4
    # The level of mass m around a standard normal is at radius sqrt(-2 log(1 - m)).
    middle = found.density[np.abs(found.y - 0.2).argmin()]
    radius = np.abs(found.x[middle >= found.levels[0]]).max()
    assert radius == pytest.approx(np.sqrt(-2 * np.log(0.05)), abs=0.25)


def test_smoothing_loses_nothing_at_the_edge():
    edges = np.linspace(0, 1, 11)
    found = region(np.array([0.01]), np.array([0.99]), edges, edges)
    assert found.density.sum() == pytest.approx(1.0)
    assert found.density.argmax() == 90


def test_region_of_few_points_has_distinct_levels():
    edges = np.linspace(0, 1, 11)
    found = region(np.array([]), np.array([]), edges, edges)
    assert np.isfinite(found.density).all()
    assert len(found.levels) == 1


def test_shown_leaves_outliers_out():
    column = np.concatenate([np.linspace(0, 1, 10_000), [1e6]])
    low, high = shown(column)
    assert -0.1 < low < 0.0
    assert 1.0 < high < 1.1
    assert shown(np.full(5, 2.0)) == (1.5, 2.5)


def test_compare_shows_both_clouds_on_the_same_grid():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(1000, 3)), rng.normal(1.0, 1.0, size=(500, 3))
    found = compare(first, second, bins=20)
    assert found.limits.shape == (3, 2)
    assert sorted(found.regions) == [(0, 1), (0, 2), (1, 2)]
    for ours, theirs in found.histograms:
        np.testing.assert_array_equal(ours.edges, theirs.edges)
        assert ours.edges.shape == (21,)
    ours, theirs = found.regions[1, 2]
    np.testing.assert_array_equal(ours.x, theirs.x)
    assert theirs.x @ theirs.density.sum(axis=0) > ours.x @ ours.density.sum(axis=0) + 0.3
    assert compare(first, second, pairs=False).regions == {}


@pytest.mark.parametrize("shape", [(3,), (4, 2), (0, 3)])
def test_compare_needs_clouds_of_the_same_columns(shape):
    message = (
        rf"^compare: expected points of shapes \(n, d\) and \(m, d\), got \(5, 3\) and \({shape[0]},.*\)\.$"
    )
    with pytest.raises(ShapeError, match=message):
        compare(np.zeros((5, 3)), np.zeros(shape))
