import math

import numpy as np

from pushforward.cli.totals import Totals


def test_batches_give_the_moments_of_the_whole():
    values = np.random.default_rng(0).normal(
        1e6, 2.0, size=1000
    )  # far from zero: sums of squares would cancel
    totals = Totals()
    for batch in np.split(values, [1, 1, 300, 650]):
        totals.add(batch, len(batch) + 2)
    assert (totals.rows, totals.scored, totals.not_finite) == (1010, 1000, 0)
    np.testing.assert_allclose(totals.mean.value, values.mean(), rtol=1e-14)
    np.testing.assert_allclose(totals.mean.standard_error, values.std(ddof=1) / 1000**0.5, rtol=1e-9)
    assert totals.mean_of_finite == totals.mean


def test_one_row_has_no_standard_error():
    totals = Totals()
    assert math.isnan(totals.mean.standard_error)
    totals.add(np.array([2.0]), 1)
    assert totals.mean.value == 2.0
    assert math.isnan(totals.mean.standard_error)


def test_infinity_is_counted_and_not_hidden():
    totals = Totals()
    totals.add(np.array([1.0, -np.inf, 2.0]), 3)
    totals.add(np.array([0.0, -np.inf]), 2)
    assert (totals.scored, totals.not_finite) == (5, 2)
    assert not math.isfinite(totals.mean.value)
    assert math.isnan(totals.mean.standard_error)
    assert totals.mean_of_finite.value == 1.0
