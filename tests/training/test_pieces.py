import numpy as np
import pytest

from pushforward.errors import ConfigError
from pushforward.training.pieces import Cutter, Numbered, joined
from pushforward.training.rows import Rows


def piece(*numbers):
    array = np.asarray(numbers, float)
    return Numbered(Rows(array, -array[:, None], None), np.asarray(numbers, int))


def test_rows_are_taken_in_other_lengths_than_they_come():
    cutter = Cutter(iter([piece(0, 1), piece(), piece(2, 3, 4), piece(5)]))
    assert list(cutter.peek().numbers) == [0]
    assert list(cutter.take(3).numbers) == [0, 1, 2]
    assert list(cutter.take(1).rows.context[:, 0]) == [-3]
    assert not cutter.is_empty()
    assert list(cutter.take(2).rows.x) == [4, 5]
    assert cutter.is_empty()
    with pytest.raises(ConfigError) as caught:
        cutter.peek()
    assert str(caught.value) == "fit: the source gave other rows than its sizes say. Did its files change?"


def test_pieces_become_one_and_are_picked_from():
    whole = joined([piece(7), piece(8, 9)])
    assert (whole.count, list(whole.at(np.array([2, 0])).rows.x)) == (3, [9, 7])
    assert joined([whole]) is whole
