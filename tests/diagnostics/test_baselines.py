import re

import numpy as np
import pytest
from scipy import stats

from pushforward.diagnostics import fit_mixture, fit_normal
from pushforward.errors import ConfigError, DomainError, ShapeError

SCALES = np.array([1.0, 1e-3, 1e4])


@pytest.fixture
def rows():
    """Four clumps at the corners of a square, in columns of very different scale and far from zero."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 2, size=(2000, 3)) * np.array([9.0, 5.0, 0.0])
    return (corners + rng.normal(size=(2000, 3)) + 100.0) * SCALES


def test_normal(rows):
    law = fit_normal(rows)
    plain = rows / SCALES
    expected = stats.multivariate_normal(plain.mean(axis=0), np.cov(plain.T, bias=True)).logpdf(plain)
    expected -= np.log(SCALES).sum()
    np.testing.assert_allclose(law.log_prob(rows), expected, rtol=1e-3, atol=1e-3)


def test_mixture_is_chosen_by_the_held_out_rows(rows):
    choice = fit_mixture(rows[:1500], rows[1500:], components=16)
    assert choice.components == 4
    assert list(choice.held_out) == [1, 2, 4, 8, 16]
    assert choice.held_out[4] == max(choice.held_out.values())
    assert choice.held_out[4] > choice.held_out[1] + 0.3
    # The law has the log-likelihood by which it was chosen, in the units of the rows.
    assert float(np.mean(choice.law.log_prob(rows[1500:]))) == pytest.approx(choice.held_out[4], abs=2e-3)
    normal = float(np.mean(fit_normal(rows[:1500]).log_prob(rows[1500:])))
    assert choice.held_out[1] == pytest.approx(normal, abs=2e-3)


def test_mixture_has_as_many_components_as_allowed(rows):
    assert list(fit_mixture(rows, rows, components=1).held_out) == [1]
    choice = fit_mixture(rows, rows, components=7)
    assert list(choice.held_out) == [1, 2, 4]
    assert choice.law.weights.shape == (4,)


@pytest.mark.parametrize(
    ("training", "held_out", "error", "message"),
    [
        (np.zeros(3), np.zeros((2, 3)), ShapeError, "expected rows of shape (n, d), got shape (3,)."),
        (np.eye(4), np.zeros((2, 3)), ShapeError, "expected held_out of shape (m, 4), got shape (2, 3)."),
        (np.ones((3, 3)), np.ones((2, 3)), ShapeError, "expected more rows than the 3 columns, got 3."),
        (
            np.array([[0.0, np.nan], [np.inf, 1.0], [0.0, 0.0]]),
            np.zeros((2, 2)),
            DomainError,
            "expected finite rows, got 2 of 6 values that are not.",
        ),
    ],
)
def test_bad_arrays(training, held_out, error, message):
    with pytest.raises(error, match=f"^{re.escape(f'fit_mixture: {message}')}$"):
        fit_mixture(training, held_out)


def test_no_component():
    with pytest.raises(ConfigError, match=r"^fit_mixture: expected at least 1 component, got 0\.$"):
        fit_mixture(np.eye(3), np.eye(3), components=0)


@pytest.mark.parametrize("change", ["constant", "sum"])
def test_rows_without_a_density(rows, change):
    rows[:, 2] = 5.0 if change == "constant" else rows[:, 0] * 3 - rows[:, 1] * 100
    message = "fit_normal: a column is constant or a linear combination of the others: leave it out."
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        fit_normal(rows)
