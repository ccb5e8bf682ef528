"""What is learned from the codes of training rows."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from pushforward.data.encoding import cells_of, learn_encoder
from pushforward.data.schema import Column, infer_schema
from pushforward.distributions.dequantized import boxes
from pushforward.distributions.encoding import Cells
from pushforward.errors import ConfigError

RNG = np.random.default_rng(0)


def cells(column, values):
    return cells_of([column], np.asarray(values, float)[:, None])[0]


def test_each_kind_of_column_has_its_cells():
    levels = Column("a", "categorical", "string", categories=("x", "y", None))
    assert cells(levels, [0, 1, 2]) == Cells("levels", count=3, step=1.0)
    count = Column("a", "count", "int64", low=0.0, step=1.0, start=3.0, decimals=0)
    assert cells(count, [3, 4, 9]) == Cells("values", start=3.0, step=1.0, low=0.0, density=False)
    rounded = Column("a", "real", "double", step=0.1, start=0.0, decimals=1)
    assert cells(rounded, [0.1, 0.7]) == Cells("values", start=0.0, step=0.1, density=True)
    angle = Column("a", "angle", "double", low=-180.0, period=360.0)
    assert cells(angle, [0.0, 170.0]) == Cells("angle", start=-180.0, period=360.0)
    mass = Column("a", "real", "double", masses=(2.0,), missing=True)
    assert cells(mass, [2.0, np.nan, 1.0, 3.0]) == Cells("values", masses=(2.0,), missing=True, scale=2.0)


def test_a_half_line_bends_by_what_lies_near_its_end():
    positive = Column("a", "positive", "double", low=0.0)
    found = cells(positive, [0.5, 1.0, 4.0])
    assert (found.low, found.high, found.scale) == (0.0, None, 1.0)


def test_values_at_the_very_end_of_a_support_are_let_in():
    share = Column("a", "proportion", "double", low=0.0, high=1.0)
    found = cells(share, [0.0, 0.5, 1.0])
    assert -1e-4 < found.low < 0
    assert 1 < found.high < 1 + 1e-4


def test_missing_values_must_be_expected():
    with pytest.raises(ConfigError) as caught:
        cells(Column("a", "real", "double"), [1.0, np.nan])
    assert str(caught.value) == "a: expected a value in every row, got 1 that are missing."


def test_edges_have_the_smoothed_shares_also_far_out():
    counts = np.array([10**6, 1, 0, 3, 10**6])
    codes = np.repeat(np.arange(5.0), counts)[:, None]
    encoder = learn_encoder([Cells("levels", count=5, step=1.0)], codes, knots=4)
    edges = np.asarray(encoder.parts[0].edges.value, np.float64)[0]
    shares = (counts + 0.5) / (counts.sum() + 2.5)
    np.testing.assert_allclose(np.diff(norm.cdf(edges)), shares, rtol=2e-2, atol=1e-8)


def test_a_grid_of_few_levels_has_a_knot_at_each_edge_and_a_fine_one_has_not():
    few = RNG.poisson(4, size=2000).astype(float)[:, None]
    cells = Cells("values", step=1.0, low=0.0, density=False)
    found = learn_encoder([cells], few, knots=8).parts[0].marginals
    levels = np.arange(few.min(), few.max() + 2) - 0.5
    np.testing.assert_array_equal(found.values.value[0], levels.astype(np.float32))
    fine = RNG.integers(0, 10**5, size=2000).astype(float)[:, None]
    assert learn_encoder([cells], fine, knots=8).knots == 8


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(ConfigError) as caught:
        learn_encoder([Cells("levels", count=2, step=1.0)], np.array([[0.0], [2.0]]), knots=4)
    assert str(caught.value) == ("learn_encoder: expected codes of 2 levels, got others among the rows.")
    with pytest.raises(ConfigError) as caught:
        learn_encoder([Cells("values", masses=(1.0,))], np.ones((3, 1)), knots=4)
    assert str(caught.value) == (
        "learn_encoder: expected values besides the point masses and the missing ones, got none."
    )


def test_the_schema_and_the_encoder_agree_on_what_has_no_probability():
    n = 3000
    share = np.concatenate([[0.0, 0.0, 1.0], RNG.uniform(size=n - 3)])
    table = pa.table(
        {
            "count": RNG.poisson(4, size=n),
            "rounded": np.round(RNG.normal(size=n), 2),
            "percent": np.round(100 * RNG.beta(2, 2, size=n), 1),
            "share": share,
            "positive": RNG.gamma(2.0, size=n),
            "with a mass": np.where(RNG.uniform(size=n) < 0.5, 0.0, RNG.gamma(2.0, size=n)),
            "town": pa.array(RNG.choice(["a", "b"], size=n)),
            "day": np.datetime64("2020-01-01") + RNG.integers(0, 900, size=n),
        }
    )
    schema = infer_schema(table)
    kinds = ["count", "real", "interval", "proportion", "positive", "positive", "categorical", "datetime"]
    assert [column.kind for column in schema.modelled] == kinds
    codes = schema.encode(table)
    encoder = learn_encoder(cells_of(schema.modelled, codes), codes, knots=16)
    for place, column in enumerate(schema.modelled):
        step, ends = column.step or 1.0, [end for end in (column.low, column.high) if end is not None]
        shifts = (
            np.zeros(1) if column.kind == "categorical" else step * np.array([0.0, 0.15, 0.2, 0.3, 0.45, 1.0])
        )
        probes = np.concatenate(
            [codes[50, place] + shifts, *(end + sign * shifts for end in ends for sign in (1, -1))]
        )
        rows = np.tile(codes[50], (len(probes) + 1, 1))
        rows[:, place] = [*probes, -1.0]
        has_some = np.isfinite(np.asarray(boxes(encoder, rows).log_weight))
        np.testing.assert_array_equal(schema.inside(rows)[:, place], has_some, err_msg=column.name)
    # What is finer than the column's decimals has a density; what is no whole number has no probability.
    rows = np.tile(codes[50], (2, 1)) + np.eye(2, codes.shape[1]) * [0.5] * np.where(
        np.arange(8) == 1, 0.01, 1.0
    )
    assert np.isfinite(np.asarray(boxes(encoder, rows).log_weight)).tolist() == [False, True]
