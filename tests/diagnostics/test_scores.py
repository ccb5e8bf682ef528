import math

import numpy as np
import pytest

from pushforward.diagnostics import ranks, score
from pushforward.errors import ShapeError


def test_score():
    values = np.array([1.0, 2.0, 6.0])
    mean, error = score(values)
    assert mean == 3.0
    assert error == pytest.approx(math.sqrt(7.0 / 3))
    assert math.isnan(score([2.0]).standard_error)


@pytest.mark.parametrize("shape", [(0,), (2, 2), ()])
def test_score_of_no_vector(shape):
    with pytest.raises(
        ShapeError, match=r"^score: expected log-densities of shape \(n,\), n >= 1, got shape "
    ):
        score(np.zeros(shape))


def test_ranks_are_shares_of_lower_references():
    reference = [3.0, 1.0, 2.0, 2.0]
    np.testing.assert_array_equal(ranks([0.0, 1.0, 2.0, 2.5, 9.0], reference), [0.0, 0.0, 0.25, 0.75, 1.0])
    with pytest.raises(ShapeError, match=r"^ranks: expected at least one reference log-density, got none\.$"):
        ranks([1.0], [])
