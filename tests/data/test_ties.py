from pathlib import Path

import numpy as np
import pytest

from pushforward.data.read import read_table
from pushforward.data.table import Table
from pushforward.data.ties import find_ties, grid_places, jitter, jitter_widths
from pushforward.errors import BadTable, ConfigError

GAS_TURBINE = Path(__file__).parents[2] / "examples" / "gas-turbine"


def only(values):
    (report,) = find_ties(Table(("v",), np.asarray(values, dtype=float)[:, None]))
    return report


def normal(rows, seed=0):
    return np.random.default_rng(seed).normal(size=rows)


def five_digits(values):
    return np.array([float(f"{value:.5g}") for value in values])


@pytest.mark.parametrize(
    "values",
    [
        normal(20_000),
        normal(20_000).astype(np.float32),
        five_digits(normal(20_000)),
        five_digits(np.exp(2 * normal(20_000))),
        five_digits(np.random.default_rng(1).uniform(-1, 1, 20_000)),
        five_digits(10 + normal(20_000)),
        np.round(normal(20_000), 4),
        np.round(normal(30), 1),
    ],
    ids=["double", "single", "digits", "skewed", "uniform", "offset", "decimals", "few rows"],
)
def test_continuous_columns_are_not_reported(values):
    report = only(values)
    assert report.kind == "continuous"
    assert report.masses == ()
    assert jitter_widths([report]) == {}


@pytest.mark.parametrize(
    ("values", "resolution"),
    [
        (np.round(normal(20_000), 1), 0.1),
        (np.round(normal(20_000), 1) - 0.123456, 0.1),
        (np.round(normal(20_000) * 10) / 3, 1 / 3),
        (np.random.default_rng(0).poisson(20, 5000), 1.0),
        (normal(500) > 0, 1.0),
        (np.random.default_rng(0).choice([200, 250, 315, 400, 500, 630, 20_000], 1000), 50.0),
        (np.where(normal(20_000) < 1, 0, np.round(np.abs(normal(20_000, 1)), 1)), 0.1),
        (np.where(normal(20_000) < 1.8, 0, 100 + np.round(10 * normal(20_000, 1))), 1.0),
    ],
    ids=["rounded", "shifted", "thirds", "counts", "truth", "uneven", "mostly zero", "far from zero"],
)
def test_columns_on_coarse_steps_are_discrete_with_their_resolution(values, resolution):
    report = only(values)
    assert report.kind == "discrete"
    assert report.resolution == pytest.approx(resolution, rel=1e-6)
    assert jitter_widths([report]) == {"v": report.resolution}


def test_point_masses_are_found_with_their_shares():
    values = normal(10_000)
    values[:3000], values[3000:3100], values[3100:3105] = 0.0, 1.5, -1.0
    report = only(values)
    assert report.kind == "mass"
    assert report.masses == ((0.0, 0.3), (1.5, 0.01))
    assert (report.top_value, report.top_share) == (0.0, 0.3)
    assert str(report) == "'v': 6898 different values, but 30.0% of the rows are 0, 1.0% of the rows are 1.5"


def test_a_narrow_peak_of_rounded_values_is_no_mass():
    values = np.round(np.concatenate([normal(5000), 0.02 * normal(5000, 1)]), 3)
    assert only(values).top_share > 0.005
    assert only(values).kind == "continuous"


def test_counts_shares_and_words():
    report = only([1, 1, 2, 4] * 10)
    assert (report.distinct, report.distinct_share) == (3, 3 / 40)
    assert (report.top_value, report.top_share, report.repeated_share) == (1.0, 0.5, 1.0)
    assert (report.step, report.resolution) == (1.0, 1.0)
    assert str(report) == "'v': 3 different values, nearly all at least 1 apart"
    assert only([2.5, 2.5]).kind == "constant"
    assert str(only([2.5, 2.5])) == "'v': all values are 2.5"
    assert only([1.0]).step is None


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (np.round(normal(2000), 2), 0.01),
        (np.round(normal(2000) * 7) * 0.35 + 0.01234, 0.35),
        (np.arange(256) / 255, 1 / 255),
        (five_digits(np.round(normal(2000), 2) - 0.123456), 0.01),
        (np.concatenate([np.arange(0, 40, 2), np.arange(1, 90, 3)]), 1.0),
        ([0, 20, 50, 90], 10.0),
    ],
)
def test_the_grid_of_rounded_values_is_found(values, step):
    assert only(values).step == pytest.approx(step, rel=1e-3)


def test_continuous_values_lie_on_no_grid():
    for seed in range(50):
        assert only(normal(30, seed)).step is None


def test_the_example_data():
    reports = {report.column: report for report in find_ties(read_table(GAS_TURBINE))}
    assert {name: report.kind for name, report in reports.items() if report.kind != "continuous"} == {
        "AP": "discrete",
        "TIT": "discrete",
    }
    assert str(reports["TIT"]) == "'TIT': 799 different values, nearly all at least 0.1 apart"


def test_a_table_without_rows_is_refused():
    with pytest.raises(BadTable) as caught:
        find_ties(Table(("a",), np.empty((0, 1)), ("x.csv",)))
    assert str(caught.value) == "x.csv: expected at least 1 row, got 0 rows."


@pytest.fixture
def table():
    rounded = np.round(normal(20_000), 1)
    return Table(
        ("a", "b", "c"), np.stack([normal(20_000, 1), rounded, 10 * rounded], axis=1), ("x.csv",), ("n",)
    )


def test_auto_spreads_the_tied_columns_alone_and_notes_them(table):
    noisy = jitter(table, "auto", np.random.default_rng(0))
    noise = noisy.values - table.values
    assert np.array_equal(noise[:, 0], np.zeros(20_000))
    assert np.unique(noisy.values[:, 1]).size == 20_000
    assert noisy.notes == (
        "n",
        "x.csv: uniform noise of +-0.05 was added to column 'b'.",
        "x.csv: uniform noise of +-0.5 was added to column 'c'.",
    )
    assert (noisy.columns, noisy.sources) == (table.columns, table.sources)
    assert np.array_equal(np.round(noisy.values[:, 1], 1), table.values[:, 1])


def test_the_noise_is_uniform(table):
    noise = (jitter(table, {"c": 0.4}, np.random.default_rng(0)).values - table.values)[:, 2]
    # Kolmogorov-Smirnov: a right sampler exceeds 0.0191 with a probability of 1e-6 (DKW bound).
    empirical = np.arange(1, 20_001) / 20_000
    assert np.max(np.abs(np.sort(noise) / 0.4 + 0.5 - empirical)) < 0.0191


def test_columns_by_name_get_their_resolution_and_widths_are_taken_as_given(table):
    by_name = jitter(table, ["b"], np.random.default_rng(3))
    by_width = jitter(table, {"b": find_ties(table)[1].resolution}, np.random.default_rng(3))
    assert np.array_equal(by_name.values, by_width.values)
    assert not np.array_equal(jitter(table, ["b"], np.random.default_rng(4)).values, by_name.values)
    assert np.array_equal(jitter(table, [], np.random.default_rng(0)).values, table.values)


@pytest.mark.parametrize(
    ("columns", "kind", "message"),
    [
        ("b", ConfigError, "jitter: expected 'auto', names or widths by name, got 'b'."),
        ({"b": 0.0}, ConfigError, "jitter: expected a positive width for column 'b', got 0."),
        ({"b": np.nan}, ConfigError, "jitter: expected a positive width for column 'b', got nan."),
        ({"z": 1.0}, BadTable, "x.csv: columns missing: 'z'. It has: 'a', 'b', 'c'."),
        (["z"], BadTable, "x.csv: columns missing: 'z'. It has: 'a', 'b', 'c'."),
    ],
)
def test_wrong_requests(table, columns, kind, message):
    with pytest.raises(kind) as caught:
        jitter(table, columns, np.random.default_rng(0))
    assert str(caught.value) == message


def test_a_constant_column_has_no_width():
    constant = Table(("a",), np.ones((3, 1)))
    with pytest.raises(ConfigError) as caught:
        jitter(constant, ["a"], np.random.default_rng(0))
    assert str(caught.value) == "jitter: expected a positive width for column 'a', got 0."
    assert jitter(constant, "auto", np.random.default_rng(0)).notes == ()


def test_places_on_a_grid_are_counted_from_the_first_value():
    assert grid_places(np.array([-0.3, 0.71, 3.7]), 1.0).tolist() == [0, 1, 4]
