"""The classifier finds shifts, correlations and shapes, and nothing between two samples of one law."""

import numpy as np
import pytest

from pushforward.diagnostics.audit.classifier import two_sample_scores
from pushforward.diagnostics.audit.statistics import area_under_curve


def area(first, second, seed=0):
    kind, ours, theirs = two_sample_scores(first, second, np.random.default_rng(seed))
    assert len(ours) == len(first) - len(first) // 2
    return kind, *area_under_curve(ours, theirs)


def test_two_samples_of_one_law_are_not_told_apart():
    """40 pairs: |area - 0.5| above 4 standard errors has a chance of 6e-5 each."""
    for seed in range(40):
        random = np.random.default_rng(seed)
        _, found, error = area(random.normal(size=(300, 4)), random.normal(size=(300, 4)), seed)
        assert abs(found - 0.5) < 4 * error


@pytest.mark.parametrize(
    ("name", "change", "least"),
    [
        ("shift", lambda x: x + np.array([0.5, 0, 0]), 0.6),
        ("scale", lambda x: x * [2.0, 1, 1], 0.6),
        ("correlation", lambda x: np.stack([x[:, 0], 0.8 * x[:, 0] + 0.6 * x[:, 1], x[:, 2]], axis=1), 0.7),
    ],
)
def test_differences_are_found(name, change, least):
    random = np.random.default_rng(1)
    first, second = random.normal(size=(2, 2000, 3))
    # Columns on wild scales, one of them with heavy tails.
    warp = lambda x: np.stack([np.sinh(3 * x[:, 0]), 1e6 + x[:, 1], 1e-9 * x[:, 2]], axis=1)  # noqa: E731
    kind, found, _ = area(warp(change(first)), warp(second))
    assert found > least, name
    assert kind == "logistic regression"


def test_a_ring_is_told_from_a_disc_by_neighbours_or_squares_and_a_checkerboard_by_neighbours():
    random = np.random.default_rng(2)
    first, second = random.uniform(0, 4, size=(2, 6000, 2))
    first = first[(np.floor(first).sum(axis=1) % 2 == 0)][:2000]
    kind, found, _ = area(first, second[:2000])
    assert found > 0.65
    assert kind == "25 neighbours"


def test_many_columns_and_ties():
    random = np.random.default_rng(3)
    first, second = random.integers(3, size=(2, 200, 60)).astype(float)
    _, found, error = area(first, second)
    assert abs(found - 0.5) < 4 * error
