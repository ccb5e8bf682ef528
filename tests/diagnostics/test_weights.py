"""Weighted sums in blocks against the plain formulas."""

import numpy as np
import pytest

from pushforward.diagnostics.weights import Weighted, warn_if_few
from pushforward.errors import DomainError


def in_blocks(logs, values):
    found = Weighted()
    for part, rows in zip(np.split(logs, [3, 40]), np.split(values, [3, 40]), strict=True):
        found.add(part, rows)
    return found


@pytest.mark.parametrize("shift", [0.0, -2000.0, 600.0])
def test_blocks_give_the_plain_sums_on_any_scale(shift):
    random = np.random.default_rng(0)
    logs, values = random.normal(size=100), random.normal(2.0, 1.0, size=(100, 2))
    logs[5] = -np.inf
    values[5] = np.nan  # has no weight
    found = in_blocks(logs + shift, values)
    weights, kept = np.exp(logs), np.nan_to_num(values)
    assert found.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-12)
    assert found.log_mean == pytest.approx(np.log(weights.mean()) + shift, rel=1e-12)
    assert found.mean_log == -np.inf
    value, error = found.ratio()
    expected = (weights[:, None] * kept).sum(axis=0) / weights.sum()
    spread = np.sqrt((weights[:, None] ** 2 * (kept - expected) ** 2).sum(axis=0)) / weights.sum()
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(error, spread, rtol=1e-9)


def test_mean_of_weighted_values():
    random = np.random.default_rng(1)
    logs, values = random.normal(size=100), random.normal(2.0, 1.0, size=100)
    value, error = in_blocks(logs, values).mean()
    terms = np.exp(logs) * values
    assert value == pytest.approx(terms.mean(), rel=1e-12)
    assert error == pytest.approx(terms.std(ddof=1) / 10, rel=1e-9)
    assert in_blocks(logs, values).mean_log == pytest.approx(logs.mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("logs", "what"),
    [
        ([0.0, np.nan, np.inf], "2 that are NaN or infinite among 3"),
        ([-np.inf] * 2, "none above zero among 2"),
    ],
)
def test_bad_weights(logs, what):
    found = Weighted()
    found.add(np.array(logs), np.ones(len(logs)))
    with pytest.raises(DomainError) as caught:
        found.check("who")
    assert str(caught.value) == f"who: expected finite weights, got {what} draws."


def test_warning():
    warn_if_few("who", 100.0, 1000)
    with pytest.warns(RuntimeWarning, match=r"who: 1000 draws count as 99\.0 effective ones, too few"):
        warn_if_few("who", 99.0, 1000)
