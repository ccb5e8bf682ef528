import itertools

import numpy as np
import pytest

from pushforward.errors import ConfigError
from pushforward.training.rows import Rows
from pushforward.training.stream_source import (
    digest_of,
    evenly_spaced,
    is_source,
    mixed,
    numbered,
    picked,
)
from row_sources import Groups, cut

SEED = (1, 2)
SIZES = (30, 0, 50, 20, 40, 60)
ROWS = np.arange(200.0)[:, None] * [1, -1]


def opened(block):
    return Rows(block, None, None)


def source(**options):
    return Groups(cut(ROWS, *SIZES), block=7, **options)


def order(source, epoch=0, start=0, seed=SEED):
    pieces = list(mixed(source, opened, seed, epoch, start))
    rows = np.concatenate([piece.rows.x for piece in pieces])
    np.testing.assert_array_equal(rows, ROWS[np.concatenate([piece.numbers for piece in pieces])])
    return rows[:, 0].astype(int)


@pytest.mark.parametrize("buffer", [1, 32, 64, 199, 200, 10**6])
@pytest.mark.parametrize("in_order", [False, True])
def test_an_epoch_has_every_row_once_and_can_be_entered_anywhere(buffer, in_order):
    ours = source(buffer=buffer, in_order=in_order)
    whole = order(ours)
    assert sorted(whole) == list(range(200))
    for start in (1, 31, 32, 100, 199):
        np.testing.assert_array_equal(order(ours, start=start), whole[start:])


def test_the_order_depends_on_key_and_epoch_alone():
    whole = order(source(buffer=64))
    np.testing.assert_array_equal(whole, order(source(buffer=64)))
    assert (whole != order(source(buffer=64), epoch=1)).any()
    assert (whole != order(source(buffer=64), seed=(1, 3))).any()


def test_no_more_rows_than_the_buffer_are_mixed_and_all_of_those_are():
    firsts = set()
    for epoch in range(4):
        pieces = list(mixed(source(buffer=32, in_order=True), opened, SEED, epoch))
        lengths = [piece.count for piece in pieces]
        firsts.add(lengths[0])
        assert max(lengths) == 32
        assert set(lengths[1:-1]) == {32}
        for piece, low in zip(pieces, itertools.accumulate([0, *lengths]), strict=False):
            assert sorted(piece.numbers) == list(range(low, low + piece.count))
            assert piece.count < 8 or list(piece.numbers) != sorted(piece.numbers)
    assert len(firsts) > 1  # so that the bounds of the windows differ from epoch to epoch


def test_groups_come_in_random_order_and_those_before_the_start_are_not_read():
    ours = source(buffer=16)
    order(ours)
    assert sorted(ours.asked) == [0, 1, 2, 3, 4, 5]
    assert ours.asked != sorted(ours.asked)
    read, ours.asked = ours.asked, []
    order(ours, start=150)
    assert ours.asked == read[-len(ours.asked) :]
    assert len(ours.asked) < 4


def test_rows_are_numbered_through_all_groups():
    found = list(numbered(source(), opened, [3, 0], 25))
    np.testing.assert_array_equal(np.concatenate([piece.numbers for piece in found]), [*range(5, 30)])
    found = list(numbered(source(), opened, [3, 0], 10))
    np.testing.assert_array_equal(
        np.concatenate([piece.numbers for piece in found]), [*range(90, 100), *range(30)]
    )


def test_picked_rows_are_those_asked_for_and_other_groups_are_not_read():
    ours = source()
    found = picked(ours, opened, np.array([3, 29, 80, 99]))
    np.testing.assert_array_equal(found.rows.x, ROWS[[3, 29, 80, 99]])
    assert ours.asked == [0, 3]
    np.testing.assert_array_equal(evenly_spaced(source(), opened, 8).numbers, np.arange(8) * 25)
    np.testing.assert_array_equal(evenly_spaced(source(), opened, 500).numbers, np.arange(200))


@pytest.mark.parametrize("sizes", [(30, 0, 50, 20, 40, 59), (30, 0, 50, 20, 40, 61)])
def test_other_rows_than_the_sizes_say_are_an_error(sizes):
    ours = source(buffer=64)
    ours.sizes = sizes
    ours.read = lambda groups: (ours.arrays[group] for group in groups)
    with pytest.raises(ConfigError) as caught:
        order(ours)
    assert str(caught.value) == "fit: the source gave other rows than its sizes say. Did its files change?"


def test_the_digest_sees_descriptions_sizes_buffer_and_first_rows():
    plain = digest_of(source(), opened)
    assert plain == digest_of(source(), opened)
    others = [source(buffer=5), Groups(cut(ROWS, 31, 0, 49, 20, 40, 60))]
    changed = source()
    changed.arrays = [array + 1e-9 for array in changed.arrays]
    renamed = source()
    renamed.describe = lambda: {"kind": "others"}
    digests = {digest_of(other, opened) for other in (*others, changed, renamed)}
    assert len(digests | {plain}) == 5


def test_what_a_source_is():
    assert is_source(source())
    assert not any(is_source(other) for other in (ROWS, [1.0], None))
