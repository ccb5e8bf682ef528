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
