import math
import re

import pytest

from pushforward.errors import ConfigError
from pushforward.training.plan import Deal, Plan, make_plan


def plan(rows=1000, held_out=100, batch_size=256, max_epochs=None, max_seconds=None, patience=None):
    return make_plan(rows, held_out, batch_size, max_epochs, max_seconds, patience)


@pytest.mark.parametrize(("rows", "steps"), [(10, 3), (7, 7), (1, 1), (1025, 5)])
def test_batches_differ_by_at_most_one_row(rows, steps):
    deal = Deal(rows, steps)
    sizes = [deal.small + (turn < deal.larger) for turn in range(steps)]
    assert sum(sizes) == rows
    assert max(sizes) == deal.batch
    assert max(sizes) - min(sizes) <= 1


def test_steps_are_as_few_as_the_batch_size_allows():
    assert plan(rows=1024).deal == Deal(1024, 4)
    assert plan(rows=1025).deal == Deal(1025, 5)
    assert plan(rows=3).deal == Deal(3, 1)


@pytest.mark.parametrize(
    ("rows", "epochs"), [(256, 1000), (25_600, 200), (256_000_000, 10)], ids=["small", "middle", "large"]
)
def test_the_rule_for_epochs(rows, epochs):
    chosen = plan(rows=rows)
    assert chosen.max_steps == epochs * chosen.deal.steps


def test_a_time_limit_alone_leaves_the_epochs_open():
    assert plan(max_seconds=5.0).max_steps is None
    assert plan(max_seconds=5.0, max_epochs=3).max_steps == 12


def test_the_rule_for_patience():
    assert plan(rows=1024).patient_steps == 2000
    assert plan(rows=256_000).patient_steps == 10 * 1000
    assert plan(rows=1024, patience=1.5).patient_steps == 6
    assert plan(patience=math.inf).patient_steps is None
    assert plan(held_out=0).patient_steps is None


def test_long_epochs_are_checked_several_times_as_long_as_validation_is_cheap():
    assert plan(rows=256 * 499).checks_per_epoch == 1
    assert plan(rows=256 * 1600).checks_per_epoch == 3
    # 600 batches of validation cost as much as 200 steps, so they are due every 2000 steps at most.
    assert plan(rows=256 * 4500, held_out=256 * 600).checks_per_epoch == 2


def test_checks_are_spread_over_the_epoch_and_end_it():
    chosen = Plan(Deal(100, 10), checks_per_epoch=3, max_steps=None, patient_steps=None)
    steps, step = [], 0
    for _ in range(6):
        step = chosen.next_check(step)
        steps.append(step)
    assert steps == [3, 6, 10, 13, 16, 20]
    assert chosen.next_check(4) == 6


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"batch_size": 0}, "batch_size to be a whole number of at least 1, got 0."),
        ({"batch_size": 2.5}, "batch_size to be a whole number of at least 1, got 2.5."),
        ({"max_epochs": 0}, "max_epochs to be a whole number of at least 1, got 0."),
        ({"max_epochs": True}, "max_epochs to be a whole number of at least 1, got True."),
        ({"max_seconds": 0}, "max_seconds to be a positive number or None, got 0."),
        ({"max_seconds": math.nan}, "max_seconds to be a positive number or None, got nan."),
        ({"patience": -1}, "patience to be a positive number or None, got -1."),
    ],
)
def test_refusals(setting, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(f'fit: expected {message}')}$"):
        plan(**setting)
