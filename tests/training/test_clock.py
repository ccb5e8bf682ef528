import itertools

import numpy as np
import pytest

from pushforward.training.clock import Clock


class Machine:
    """A machine whose steps and checks take a time that a test decides."""

    def __init__(self, step_seconds):
        self.now = 100.0
        self._step_seconds = iter(step_seconds)

    def run(self, clock, steps):
        start = self.now
        self.now += sum(next(self._step_seconds) for _ in range(steps))
        clock.saw_steps(steps, self.now - start)


def train(machine, max_seconds, check_every=70, check_seconds=0.05):
    """Train as the loop does; return the time taken and the progress at the end of every slice."""
    clock = Clock(max_seconds, now=lambda: machine.now)
    machine.now += 0.1 * max_seconds  # compilation
    clock.saw_check(check_seconds)
    progress, course, step = 0.0, [], 0
    while not clock.is_over():
        count = clock.slice_steps(check_every - step % check_every)
        progress = clock.advance(progress, count)
        machine.run(clock, count)
        step += count
        course.append(progress)
        if step % check_every == 0:
            machine.now += check_seconds
    machine.now += check_seconds
    return clock.elapsed(), course


NOISE = np.random.default_rng(0).lognormal(0, 0.5, 100_000)


@pytest.mark.parametrize("step_seconds", [0.0004, 0.02, 0.3], ids=["fast", "slow", "very slow"])
def test_a_run_ends_on_time_with_the_schedule_at_its_end(step_seconds):
    elapsed, course = train(Machine(step_seconds * NOISE), max_seconds=30.0)
    # One step of the slowest machine may be too much: 0.3 s times a factor of chance.
    assert abs(elapsed - 30) < 0.6 + (step_seconds if step_seconds > 0.1 else 0)
    assert course[-1] == pytest.approx(1.0, abs=0.02)
    assert all(a <= b for a, b in itertools.pairwise(course))


def test_the_schedule_follows_the_time_when_the_machine_slows_down():
    pace = np.where(np.arange(100_000) < 5000, 0.001, 0.004)
    elapsed, course = train(Machine(pace), max_seconds=20.0)
    assert abs(elapsed - 20) < 0.4
    assert course[-1] == pytest.approx(1.0, abs=0.02)


def test_slices_are_short():
    machine = Machine(itertools.repeat(0.01))
    clock = Clock(now=lambda: machine.now)
    assert clock.slice_steps(1000) == 1  # nothing is known yet
    machine.run(clock, 10)
    assert clock.slice_steps(1000) == 30
    assert clock.slice_steps(7) == 7
    short = Clock(5.0, now=lambda: machine.now)
    machine.run(short, 10)
    assert short.slice_steps(1000) == 5


@pytest.mark.parametrize(
    ("step_seconds", "max_seconds", "steps"),
    [(0.05, None, 6), (0.2, None, 4), (0.7, None, 2), (5.0, None, 1), (0.2, 100.0, 4), (0.2, 6.0, 2)],
)
def test_slow_steps_come_several_at_once_where_time_allows(step_seconds, max_seconds, steps):
    machine = Machine(itertools.repeat(step_seconds))
    clock = Clock(max_seconds, now=lambda: machine.now)
    machine.run(clock, 1)
    assert clock.slice_steps(1000) == steps


def test_time_used_before_a_resume_counts():
    clock = Clock(10.0, now=lambda: 0.0)
    clock.credit(4.0)
    assert (clock.elapsed(), clock.left(), clock.is_over()) == (4.0, 6.0, False)
    clock.credit(7.0)
    assert clock.is_over()


def test_seconds_left_is_the_nearer_end():
    clock = Clock(10.0, now=lambda: 0.0)
    assert clock.seconds_left(None) == 10.0
    clock.saw_steps(10, 1.0)
    assert clock.seconds_left(20) == 2.0
    assert Clock(now=lambda: 0.0).seconds_left(20) is None


def test_without_a_limit_time_moves_nothing():
    clock = Clock(now=lambda: 0.0)
    clock.saw_steps(10, 1.0)
    assert (clock.left(), clock.advance(0.3, 10), clock.limited) == (float("inf"), 0.3, False)
