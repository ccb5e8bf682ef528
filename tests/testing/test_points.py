import numpy as np
import pytest

from pushforward.bijectors import Affine, Chain, Elementwise, RationalQuadraticSpline
from pushforward.testing import points


@pytest.mark.parametrize("interval", [(0.0, 1.0), (0.0, np.inf), (-np.inf, 2.0)])
def test_draws_lie_in_the_interval(interval):
    drawn = points.draw(np.random.default_rng(0), 24, (3,), interval)
    assert drawn.dtype == np.float32
    assert drawn.shape == (24, 3)
    assert ((drawn > interval[0]) & (drawn < interval[1])).all()


def test_draws_without_an_interval_reach_far():
    drawn = points.draw(np.random.default_rng(0), 24, (3,), None)
    assert 90 < np.abs(drawn).max() < 110
    assert (np.abs(drawn).max(axis=1) < 3).sum() >= 8


def test_bounds_of_modules_inside():
    inner = Elementwise(RationalQuadraticSpline(4, 2.5), (2,))
    assert points.bounds(Chain([inner, Elementwise(Affine(bound=3.0), (2,))])) == (2.5, 3.0)


def test_extremes_hold_kinks_and_their_neighbours():
    numbers = points.extremes((5.0,), None)
    kink = np.float32(5.0)
    for wanted in (kink, np.nextafter(kink, np.float32(np.inf)), np.nextafter(kink, np.float32(0)), 1e4, 0.0):
        assert {np.float32(wanted), np.float32(-wanted)} <= set(numbers)
    assert np.signbit(numbers[numbers == 0]).tolist().count(True) == 1
    assert np.abs(numbers).max() == np.finfo(np.float32).max / 2


def test_extremes_stay_inside_an_open_interval():
    numbers = points.extremes((), (0.0, 1.0))
    assert ((numbers > 0) & (numbers < 1)).all()
    assert {np.finfo(np.float32).tiny, np.nextafter(np.float32(1), np.float32(0))} <= set(numbers)


def test_edge_events_put_a_number_everywhere_first_and_last():
    events, places = points.edge_events(np.array([9.0], np.float32), np.array([1.0, 2.0, 3.0]))
    assert events.tolist() == [[9, 9, 9], [9, 2, 3], [1, 2, 9]]
    assert [place.split(" = ")[0] for place in places] == [
        "every element",
        "the first element",
        "the last element",
    ]


def test_edge_events_of_one_number():
    events, _ = points.edge_events(np.array([9.0, 8.0], np.float32), np.array(1.0))
    assert events.tolist() == [9.0, 8.0]


def test_rows_are_repeated():
    assert points.to_rows(np.array([1, 2, 3]), 5).tolist() == [1, 2, 3, 1, 2]
    assert points.to_rows(np.array([1, 2, 3]), 2).tolist() == [1, 2]


def test_description_of_events():
    assert points.describe(np.arange(10.0).reshape(2, 5)) == [
        "row 0 [0, 1, 2, 3, ...]",
        "row 1 [5, 6, 7, 8, ...]",
    ]
