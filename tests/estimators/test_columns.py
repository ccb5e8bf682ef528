"""Columns: what has a density, and what is given back."""

import numpy as np
import pytest

from pushforward.errors import ConfigError
from pushforward.estimators.columns import Columns


def rows(count=400):
    random = np.random.default_rng(0)
    x = random.normal(size=count)
    return np.stack(
        [
            x,
            np.full(count, 0.1),
            random.poisson(3.0, count),
            x,
            np.where(random.random(count) < 0.3, 0.0, x + 5),
        ],
        axis=1,
    )


@pytest.fixture(scope="module")
def learned():
    return Columns.learn("Here", rows())


def test_constant_and_equal_columns_are_left_out(learned):
    assert learned.kept.tolist() == [0, 2, 4]
    assert learned.source.tolist() == [0, -1, 2, 0, 4]
    assert learned.constants[1] == 0.1


def test_restore_undoes_reduce(learned):
    reduced, possible = learned.reduce(rows())
    assert possible.all()
    assert (learned.restore(reduced) == rows()).all()


def test_a_row_that_a_left_out_column_contradicts_is_impossible(learned):
    changed = rows(5)
    changed[1, 1] = 0.2
    changed[2, 3] += 1e-3
    assert learned.reduce(changed)[1].tolist() == [True, False, False, True, True]
    assert learned.reduce(rows().astype(np.float32))[1].all()


def test_blur_spreads_rounded_values_within_their_cells(learned):
    reduced, _ = learned.reduce(rows())
    blurred = learned.blur(reduced, np.random.default_rng(1))
    assert (blurred[:, 0] == reduced[:, 0]).all()
    assert len(np.unique(blurred[:, 1])) == len(blurred)
    assert np.abs(blurred[:, 1] - reduced[:, 1]).max() <= 0.5
    assert (learned.restore(blurred)[:, [2, 4]] == reduced[:, 1:]).all()


def test_rounded_values_stay_within_what_was_seen(learned):
    drawn = learned.restore(np.array([[0.0, -3.4, 1.0], [0.0, 2.6, 1.0], [0.0, 99.0, 1.0]]))
    assert drawn[:, 2].tolist() == [0.0, 3.0, rows()[:, 2].max()]


def test_whole_numbers_are_rounded_though_none_repeats():
    learned = Columns.learn("Here", np.arange(0.0, 3000, 7)[:, None])
    assert (learned.widths[0], learned.steps[0]) == (1.0, 1.0)
    assert learned.restore(np.array([[12.4]]))[0, 0] == 12.0


def test_nothing_varies():
    with pytest.raises(ConfigError) as caught:
        Columns.learn("Here", np.ones((5, 2)))
    assert str(caught.value) == (
        "Here: expected a column that varies, got 2 constant ones in 5 rows: they have no density."
    )
