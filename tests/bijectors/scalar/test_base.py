import pytest

from pushforward.bijectors import ScalarMap
from pushforward.bijectors.scalar.base import check_bins, check_bound, check_range
from pushforward.errors import ConfigError


def test_a_map_must_say_how_many_parameters_it_takes():
    class Nameless(ScalarMap):
        def forward(self, params, x):
            return x, x

        def inverse(self, params, y):
            return y, y

    with pytest.raises(TypeError, match="num_params"):
        Nameless()

    class Named(Nameless):
        num_params = 3

    assert Named().num_params == 3


def test_bounds_are_positive_numbers():
    check_bound("f", 1)
    check_bound("f", 0.5)
    with pytest.raises(ConfigError) as caught:
        check_bound("f", -1)
    assert str(caught.value) == "f: expected a finite bound above 0, got -1."


def test_bins_and_ranges():
    check_bins("f", 2)
    check_range("f", "slope", 3, 0.5, 3)
    with pytest.raises(ConfigError) as caught:
        check_bins("f", True)
    assert str(caught.value) == "f: expected 2 to 512 bins, got True."
    with pytest.raises(ConfigError) as caught:
        check_range("f", "slope", 0.25, 0.5, 3)
    assert str(caught.value) == "f: expected slope from 0.5 to 3, got 0.25."
