from types import SimpleNamespace

from pushforward.training.guard import TRIES, Fault, Guard


def at(step):
    return SimpleNamespace(step=step)


def fault(step):
    return Fault(step, float("nan"), float("nan"), None, None)


def test_it_goes_back_to_the_last_check_and_then_to_the_one_before():
    guard = Guard(at(0))
    for step in (10, 20, 30):
        guard.passed(at(step))
    steps = [guard.retreat(fault(33)).step for _ in range(TRIES)]
    assert steps == [30, 30, 30, 30, 20, 20, 20, 20]
    assert guard.retreat(fault(33)) is None


def test_before_the_first_check_there_is_only_the_start():
    guard = Guard(at(0))
    assert [guard.retreat(fault(3)).step for _ in range(TRIES)] == [0] * TRIES
    assert guard.retreat(fault(3)) is None


def test_passing_the_furthest_fault_forgives_and_coming_near_it_does_not():
    guard = Guard(at(0))
    guard.passed(at(10))
    for _ in range(TRIES):
        guard.retreat(fault(25))
    guard.passed(at(10))
    guard.passed(at(20))
    assert guard.tries == TRIES
    guard.passed(at(30))
    assert guard.tries == 0


def test_a_check_that_is_repeated_takes_the_place_of_the_old_one():
    guard = Guard(at(0))
    guard.passed(at(10))
    guard.passed(at(20))
    guard.passed(at(10))
    again = at(20)
    guard.passed(again)
    assert guard.retreat(fault(25)) is again
    for _ in range(TRIES // 2 - 1):
        guard.retreat(fault(25))
    assert guard.retreat(fault(25)).step == 10
