import numpy as np
import pytest

from pushforward.data.schema import rules

RNG = np.random.default_rng(0)


def test_words_of_names():
    assert rules.words_of("passenger_id") == rules.words_of("PassengerId") == {"passenger", "id"}
    assert rules.words_of("humidity (%)") == {"humidity", "%"}
    assert "id" not in rules.words_of("fluid") | rules.words_of("bid2")


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("a", np.arange(30), True),
        ("a", RNG.permutation(30) + 1, True),
        ("a", np.arange(20), False),  # few rows prove nothing
        ("a", np.arange(30) + 1990, False),  # years
        ("a", np.arange(30) * 2, False),
        ("price", RNG.permutation(10**6)[:10_000], False),
        ("user_id", RNG.permutation(10**6)[:10_000], True),
        ("user_id", np.array([5, 5, 7]), False),
        ("id", np.array([5]), False),
    ],
)
def test_identifiers(name, values, expected):
    assert rules.is_identifier(name, values) is bool(expected)


def test_levels():
    assert rules.has_few_levels(np.array([9, 1]))
    assert not rules.has_few_levels(np.array([8, 1]))
    assert rules.has_few_levels(np.full(20, 10))
    assert not rules.has_few_levels(np.full(21, 100))
    assert not rules.has_few_levels(np.array([100, 100, 9]))


def test_circles_need_a_name_and_values_all_around():
    for period, low in ((360, 0), (360, -180), (2 * np.pi, 0), (2 * np.pi, -np.pi)):
        around = RNG.uniform(low, low + period, 1000)
        assert rules.find_circle("wind_direction", around) == (period, low)
        assert rules.find_circle("wind", around) is None
        assert rules.find_circle("wind_direction", around[around < low + 0.8 * period]) is None
    assert rules.find_circle("heading", RNG.uniform(0, 400, 1000)) is None


def test_counts_have_zero_near():
    assert rules.is_count(np.array([0, 1, 5]))
    assert rules.is_count(np.array([1, 40, 60]))
    assert rules.is_count(np.array([17, 37, 90]))
    assert not rules.is_count(np.array([20, 37, 90]))
    assert not rules.is_count(np.array([9, 55, 95])), "degrees of Fahrenheit, which may be below 0 next year"
    assert not rules.is_count(np.array([-1, 3, 5]))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("a", [0.01, 0.5, 0.99], ("proportion", 0, 1)),
        ("a", [0.06, 0.5, 0.99], None),
        ("a", [0.01, 0.5, 0.94], None),
        ("share of seats", [0.3, 0.5], ("proportion", 0, 1)),
        ("a", [0.01, 0.99, 1.01], None),
        ("a", [0.5, 99.5], ("interval", 0, 100)),
        ("a", [1.5, 99.5], None),
        ("pct_full", [1.5, 99.5], ("interval", 0, 100)),
        ("pct_full", [1.5, 98.5], None),
        ("pct_full", [0.5, 100.5], None),
        ("a", [-0.01, 1.0], None),
    ],
)
def test_ends(name, values, expected):
    assert rules.find_ends(name, np.array(values)) == expected


def test_positive_columns():
    assert rules.is_positive(np.array([1.0, 10, 30]), zeros_apart=False)
    assert not rules.is_positive(np.array([1.1, 10, 30]), zeros_apart=False)
    assert not rules.is_positive(np.array([0, 1.0, 10, 30]), zeros_apart=False)
    assert rules.is_positive(np.array([0, 1.0, 10, 30]), zeros_apart=True)
    # Temperatures of some warm years: the next one brings frost.
    assert not rules.is_positive(np.array([0.5, 17, 20, 30]), zeros_apart=False)
    assert rules.is_positive(np.array([0, 1.0, 17, 20]), zeros_apart=True)
    assert not rules.is_positive(np.array([-1e-9, 1.0, 10]), zeros_apart=True)


def test_heavy_tails():
    """Samples of 20,000; the shares beyond have standard errors below 0.001, and the seed is fixed."""
    draw = np.random.default_rng(1)
    assert not rules.is_heavy_tailed(draw.normal(size=20_000))
    assert not rules.is_heavy_tailed(draw.exponential(size=20_000))
    assert not rules.is_heavy_tailed(draw.logistic(size=20_000))
    assert not rules.is_heavy_tailed(np.concatenate([draw.normal(size=20_000), np.full(400, 5.0)]))
    assert not rules.is_heavy_tailed(np.concatenate([np.zeros(20_000), draw.normal(size=20)]))
    assert rules.is_heavy_tailed(draw.standard_t(2.5, size=20_000))
    assert rules.is_heavy_tailed(draw.standard_cauchy(size=20_000))
    assert rules.is_heavy_tailed(draw.lognormal(size=20_000))
