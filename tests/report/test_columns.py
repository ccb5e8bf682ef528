import numpy as np

from pushforward.data.schema import Column
from pushforward.report.columns import MOST_LEVELS, column_view, edges_of


def test_levels_have_bars():
    column = Column("c", "categorical", "string", categories=("a", "b", "c"))
    view = column_view(column, np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 2, 2]))
    assert view.histograms is None
    assert list(view.shares.labels) == ["a", "b", "c"]
    np.testing.assert_array_equal(view.shares.data, [0.5, 0.5, 0])
    np.testing.assert_array_equal(view.shares.samples, [0.25, 0.25, 0.5])
    assert view.distance == 0.5


def test_of_many_levels_the_frequent_ones_are_shown():
    column = Column("c", "categorical", "string", categories=tuple(f"{k:02d}" for k in range(40)))
    codes = np.repeat(np.arange(40.0), np.arange(40) + 1)
    view = column_view(column, codes, codes)
    assert len(view.shares.labels) == MOST_LEVELS
    assert view.shares.labels[0] == "39"
    assert view.shares.labels[-1] == f"{41 - MOST_LEVELS} others"
    assert view.shares.data.sum() == view.shares.samples.sum() == 1


def test_values_have_histograms_in_their_units_and_masses_have_bars():
    column = Column("x", "interval", "double", origin=100.0, low=0.0, high=1.0, masses=(0.0,), missing=True)
    generator = np.random.default_rng(0)
    codes = np.where(np.arange(1000) % 4 == 0, 0.0, generator.beta(2, 2, size=1000))
    codes[:100] = np.nan
    view = column_view(column, codes, codes)
    data, _ = view.histograms
    assert data.edges[0] >= 100
    assert data.edges[-1] <= 101
    # The histogram is of the values that are neither missing nor a mass.
    assert 0.98 < np.sum(data.density * np.diff(data.edges)) <= 1
    assert list(view.shares.labels) == ["100", "missing", "others"]
    np.testing.assert_allclose(view.shares.data, [0.225, 0.1, 0.675])


def test_few_counts_have_bars_and_many_have_bins_of_whole_cells():
    column = Column("n", "count", "int64", step=1.0, start=0.0, low=0.0)
    view = column_view(column, np.array([0.0, 1, 3, 3]), np.array([0.0, 2, 2, 3]))
    assert list(view.shares.labels) == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(view.shares.data, [0.25, 0.25, 0, 0.5])
    many = np.arange(1000.0)
    edges = edges_of(column, many, 44)
    widths = np.diff(edges)
    np.testing.assert_allclose(widths, 23)
    np.testing.assert_allclose(edges % 1, 0.5)
    assert np.histogram(many, edges)[0][1:-2].std() == 0  # no comb of full and empty bins


def test_angles_go_once_round():
    edges = edges_of(Column("a", "angle", "double", low=-180.0, period=360.0), np.array([0.0, 1.0]), 36)
    assert (edges[0], edges[-1], len(edges)) == (-180, 180, 37)
