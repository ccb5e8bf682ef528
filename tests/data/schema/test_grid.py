import numpy as np
import pytest

from pushforward.data.schema.grid import Grid, find_decimals, find_grid, find_masses, find_origin

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([1, 2, 1e14], 0),
        ([0.5, 0.25], 2),
        ([0.1 + 0.2], None),  # 0.30000000000000004
        ([0.3, -7.125], 3),
        ([1e-12], 12),
        ([1e-13], None),
        ([1e16], None),
        ([1 / 3], None),
    ],
)
def test_decimals(values, decimals):
    assert find_decimals(np.array(values)) == decimals


def test_decimals_of_short_floats():
    assert find_decimals(np.array([0.1, 0.25], np.float32)) == 2
    assert find_decimals(np.array([0.1, 0.25], np.float32).astype(np.float64)) is None
    assert find_decimals(np.array([0.1, 100.3], np.float16)) is None  # it is 100.3125


@pytest.mark.parametrize(
    ("values", "decimals", "grid"),
    [
        (RNG.integers(0, 40, 500), 0, Grid(1, 0)),
        (RNG.integers(0, 40, 500) * 5 + 2, 0, Grid(1, 2)),
        (RNG.integers(0, 40, 2000) * 5 + 2, 0, Grid(5, 2)),  # with 1,000 rows and more it is no chance
        (np.round(RNG.normal(size=500), 2), 2, "0.01"),
        (np.round(RNG.normal(size=500), 4), 4, None),  # finer than a thousandth of the width
        (RNG.normal(size=500), None, None),
        (RNG.integers(0, 20_000, 5000), 0, None),
        (np.repeat(RNG.integers(0, 5000, 300), 20), 0, "1"),  # tied, so that 1/10,000 is enough
        (np.r_[np.zeros(5000), np.repeat(RNG.integers(0, 5000, 90), 20)], 0, None),  # but not beside a mass
        (RNG.integers(0, 30, 2000) * 0.7 - 3.14159, 5, Grid(0.7, -3.14159)),
        (np.round(RNG.integers(0, 30, 2000) / 7 - 1.2345, 5), 5, "0.142857"),
    ],
)
def test_grids(values, decimals, grid):
    found = find_grid(np.asarray(values, np.float64), decimals)
    if isinstance(grid, str):
        assert found is not None
        assert found.step == pytest.approx(float(grid), abs=1e-6)
    elif grid is None:
        assert found is None
    else:
        assert found is not None
        assert found.step == pytest.approx(grid.step, rel=1e-9)
        assert found.start == pytest.approx(grid.start, abs=1e-9)


def test_masses_between_continuous_values_and_among_tied_ones():
    values = np.concatenate([RNG.normal(size=900), np.zeros(80), np.full(20, 3.0)])
    assert find_masses(values) == ((0.0, 0.08), (3.0, 0.02))
    assert find_masses(RNG.normal(size=1000)) == ()
    tied = [np.zeros(9000), np.repeat(np.arange(100, 1000, 18.3), 12), np.full(140, 7.5), np.full(120, 7.0)]
    assert [value for value, _ in find_masses(np.concatenate(tied))] == [0.0, 7.0, 7.5]


@pytest.mark.parametrize(
    ("values", "origin"),
    [
        (RNG.normal(size=100), 0),
        (1000 + RNG.uniform(-50, 50, 100), 0),
        (np.linspace(2010, 2020, 50), 2020),
        (1e6 + np.linspace(0, 0.5, 50), 1_000_000),
        (np.full(9, 7.0), 0),
        (np.r_[1e6 + np.linspace(0, 0.5, 50), 1e-9], 0),  # 1e-9 would be lost
    ],
)
def test_origins(values, origin):
    assert find_origin(values) == pytest.approx(origin, abs=10 if origin else 0)
    assert np.array_equal((values - find_origin(values)) + find_origin(values), values)


def test_origins_are_round_numbers():
    assert find_origin(1234.5678 + np.linspace(0, 0.05, 99)) == 1234.6
    assert find_origin(1234567.0 + np.linspace(0, 900, 99)) == 1235000
