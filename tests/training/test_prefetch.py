import itertools
import threading
import time

import pytest

from pushforward.training.prefetch import Prefetch


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "pushforward-rows"]


def test_items_come_in_order_and_the_end_stays_the_end():
    ahead = Prefetch(iter(range(5)))
    assert [ahead.take() for _ in range(5)] == list(range(5))
    for _ in range(2):
        with pytest.raises(StopIteration):
            ahead.take()
    ahead.close()


def test_what_the_iterator_raises_comes_in_its_turn():
    def items():
        yield 1
        raise OSError("the disk is gone")

    ahead = Prefetch(items())
    assert ahead.take() == 1
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is gone"):
            ahead.take()
    ahead.close()


def test_it_runs_ahead_but_not_far_and_ends_when_told():
    made = []

    def items():
        for number in itertools.count():
            made.append(number)
            yield number

    before = len(threads())
    ahead = Prefetch(items())
    deadline = time.monotonic() + 5
    while len(made) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(made) == 3  # two wait, one is held
    ahead.close()
    assert len(threads()) == before
