import numpy as np
import pytest

from pushforward.numerics import masks


@pytest.mark.parametrize(("units", "features"), [(1, 2), (5, 3), (16, 5), (7, 12), (512, 63)])
def test_degrees_are_sorted_and_even(units, features):
    degrees = masks.hidden_degrees(units, features)
    counts = np.bincount(degrees, minlength=features)[1:]
    assert (np.diff(degrees) >= 0).all()
    assert degrees.min() >= 1
    assert degrees.max() <= features - 1
    assert counts.max() - counts.min() <= 1


def test_a_context_has_units_that_no_input_decides():
    assert masks.hidden_degrees(6, 3, lowest=0).tolist() == [0, 0, 1, 1, 2, 2]
    assert masks.hidden_degrees(4, 1).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("lowest", [0, 1])
@pytest.mark.parametrize(
    ("rows", "columns", "features"), [(256, 256, 21), (512, 130, 63), (200, 150, 1), (130, 512, 2)]
)
def test_a_staircase_has_room_for_every_connection_and_no_more_columns_than_its_last_row(
    rows, columns, features, lowest
):
    degrees = masks.hidden_degrees(rows, features, lowest=lowest)
    below = masks.hidden_degrees(columns, features, lowest=lowest)
    steps = masks.staircase(degrees, below)
    assert 2 <= len(steps) <= 4
    assert sum(count for count, _ in steps) == rows
    start = 0
    for count, used in steps:
        mask = degrees[start : start + count, None] >= below
        assert not mask[:, used:].any()
        assert used == max(mask[-1].sum(), 1)
        start += count


def test_a_small_matrix_is_one_product():
    assert masks.staircase(np.arange(100), np.arange(300)) is None
    assert masks.staircase(np.arange(300), np.arange(100)) is None
