import numpy as np
import pytest

from pushforward.errors import ConfigError, ShapeError
from pushforward.training.stream_split import Without, as_rows, chosen, divide, split_source
from row_sources import Groups, cut

SEED = (3, 4)
ROWS = np.arange(10_000.0)[:, None] * [1, -1]


opened = as_rows


def source(**options):
    return Groups(cut(ROWS, 3000, 0, 1000, 6000), block=999, **options)


def test_held_out_rows_are_a_random_share_and_never_among_the_others():
    remaining, held = divide(source(), opened, 0.1, SEED)
    numbers = held.x[:, 0].astype(int)
    assert abs(len(numbers) - 1000) < 120
    assert abs(numbers.mean() - 5000) < 400
    assert (np.diff(numbers) > 0).all()
    left = np.concatenate([np.empty((0, 2)), *remaining.read([3, 0, 1, 2])])[:, 0].astype(int)
    assert sum(remaining.sizes) == len(left)
    np.testing.assert_array_equal(np.sort([*numbers, *left]), np.arange(10_000))
    assert [len(np.concatenate(list(remaining.read([group])))) for group in (0, 2, 3)] == [
        remaining.sizes[group] for group in (0, 2, 3)
    ]
    np.testing.assert_array_equal(chosen(source(), 0.1, SEED, 10**6), numbers)
    assert not np.array_equal(chosen(source(), 0.1, (3, 5), 10**6), numbers)


def test_no_rows_left_out_and_all_of_a_group():
    assert Without(source(), np.arange(0)).sizes == (3000, 0, 1000, 6000)
    ours = Without(source(), np.arange(2999, 4001))
    assert ours.sizes == (2999, 0, 0, 5999)
    np.testing.assert_array_equal(
        np.concatenate(list(ours.read([2, 0, 3])))[:, 0], [*range(2999), *range(4001, 10_000)]
    )


def test_no_more_rows_than_told_are_held_out():
    assert abs(len(divide(source(), opened, 0.5, SEED, most=200)[1]) - 200) < 60


def test_contexts_are_divided_with_their_rows():
    pairs = Groups([(ROWS[:4000], ROWS[:4000, :1] + 0.5), (ROWS[4000:], ROWS[4000:, :1] + 0.5)])
    remaining, held = divide(pairs, opened, 0.3, SEED)
    np.testing.assert_array_equal(held.context[:, 0], held.x[:, 0] + 0.5)
    for x, context in remaining.read([0, 1]):
        np.testing.assert_array_equal(context[:, 0], x[:, 0] + 0.5)


def test_too_few_rows_to_divide():
    message = (
        "fit: expected enough rows to train on some and validate on others, got 2 and a share of 0.01. "
        "Pass validation=0 to train on all rows."
    )
    with pytest.raises(ConfigError) as caught:
        divide(Groups([ROWS[:2]]), opened, 0.01, SEED)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"context": ROWS},
            ShapeError,
            "fit: expected no context beside a source, whose blocks are tuples (x, context).",
        ),
        (
            {"weights": ROWS[:, 0]},
            ConfigError,
            "fit: expected no weights with a source: its rows count alike.",
        ),
        (
            {"validation": 1.0},
            ConfigError,
            "fit: expected validation to be a fraction in [0, 1) or rows, got 1.0.",
        ),
        (
            {"source": Groups([ROWS[:0]]), "validation": 0},
            ConfigError,
            "fit: expected at least one row in the source to train on, got 0.",
        ),
    ],
)
def test_arguments_that_do_not_fit(affine, arguments, error, message):
    call = {"source": source(), "context": None, "weights": None, "validation": 0.1} | arguments
    with pytest.raises(error) as caught:
        split_source(affine(), **call, key=(1, 2))
    assert str(caught.value) == message


def test_blocks_that_do_not_fit_the_flow(affine):
    split = split_source(affine(), source(), None, None, 0, (1, 2))
    with pytest.raises(ShapeError) as caught:
        split.opened(ROWS[:, :1])
    assert (
        str(caught.value) == "fit: expected a block of the source of shape (rows, 2), got shape (10000, 1)."
    )
    with pytest.raises(ShapeError, match=r"blocks to be x alone, as the flow takes no context\.$"):
        split.opened((ROWS, ROWS))
    pairs = Groups([(ROWS, ROWS[:, :1])])
    opened = split_source(affine(context_features=1), pairs, None, None, 0, (1, 2)).opened
    assert opened((ROWS, ROWS[:, :1])).context.dtype == np.float32
    with pytest.raises(ShapeError, match=r"blocks to be tuples \(x, context\)\.$"):
        opened(ROWS)
    with pytest.raises(ShapeError, match=r"expected as many contexts as rows in a block, 10000, got 9\.$"):
        opened((ROWS, ROWS[:9, :1]))
