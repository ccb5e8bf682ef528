import numpy as np
import pytest

from pushforward.data.blocks import Block
from pushforward.data.screen import Screen, rebatch
from pushforward.errors import BadTable, ConfigError

NAN, INF = np.nan, np.inf
GOOD = Block(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 0]))
BAD = Block(np.array([[NAN, 1.0], [INF, NAN], [5.0, 6.0], [NAN, -INF]]), np.array([1, 0]))


def run(nonfinite, *blocks):
    screen = Screen("x.csv", ("a", "b"), nonfinite, "--drop")
    return screen, [screen(block).tolist() for block in blocks]


def test_a_bad_table_is_refused_after_its_last_row_with_all_counts():
    screen, passed = run("refuse", GOOD, BAD, GOOD, BAD)
    assert passed == [GOOD.values.tolist(), [], [], []]
    with pytest.raises(BadTable) as caught:
        screen.close(1)
    assert str(caught.value) == (
        "x.csv: 6 of 12 rows with values that are missing or not finite ('a' 2 missing, 2 NaN, 2 infinite; "
        "'b' 2 NaN, 2 infinite). Drop such rows with --drop."
    )
    assert screen.notes() == ()


def test_bad_rows_are_dropped_and_noted():
    screen, passed = run("drop", GOOD, BAD)
    assert passed == [GOOD.values.tolist(), [[5.0, 6.0]]]
    screen.close(3)
    assert screen.notes() == (
        "x.csv: 3 of 6 rows with values that are missing or not finite ('a' 1 missing, 1 NaN, 1 infinite; "
        "'b' 1 NaN, 1 infinite); they were dropped.",
    )
    with pytest.raises(BadTable) as caught:
        screen.close(4)
    assert str(caught.value) == "x.csv: expected at least 4 rows for 2 columns, got 3 left after dropping 3."


def test_bad_rows_are_kept():
    screen, passed = run("keep", BAD)
    np.testing.assert_array_equal(passed[0], BAD.values)
    screen.close(4)
    assert screen.notes() == ()


@pytest.mark.parametrize(
    ("blocks", "minimum", "message"),
    [
        ([], 1, "x.csv: expected at least 1 row, got 0 rows."),
        ([GOOD], 3, "x.csv: expected at least 3 rows for 2 columns, got 2 rows."),
        (
            [Block(GOOD.values[:1], GOOD.missing)],
            2,
            "x.csv: expected at least 2 rows for 2 columns, got 1 row.",
        ),
    ],
)
def test_too_few_rows(blocks, minimum, message):
    screen, _ = run("refuse", *blocks)
    screen.close(minimum - 1 if blocks else 0)
    with pytest.raises(BadTable) as caught:
        screen.close(minimum)
    assert str(caught.value) == message


def test_an_unknown_choice_is_refused():
    with pytest.raises(ConfigError) as caught:
        run("skip")
    assert str(caught.value) == "x.csv: expected nonfinite 'refuse', 'drop' or 'keep', got 'skip'."


@pytest.mark.parametrize("sizes", [[], [0], [7], [1] * 7, [3, 0, 4], [2, 5], [6, 1], [20, 1]])
@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_batches_have_one_size_and_keep_every_row_in_order(sizes, rows):
    numbers = np.arange(sum(sizes), dtype=float)[:, None]
    blocks = np.split(numbers, np.cumsum(sizes)[:-1]) if sizes else []
    batches = list(rebatch(iter(blocks), rows))
    assert [len(batch) for batch in batches[:-1]] == [rows] * (len(batches) - 1)
    assert all(0 < len(batch) <= rows for batch in batches)
    assert np.array_equal(np.concatenate([*batches, numbers[:0]]), numbers)
