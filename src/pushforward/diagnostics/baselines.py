"""Simple laws to hold a flow against: the full-covariance normal, and a mixture chosen by validation."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from ..distributions.mixture import NormalMixture
from ..distributions.normal import MultivariateNormal
from ..errors import ConfigError, DomainError, ShapeError
from . import em

_SINGULAR = 1e-7
"""A column of whose standard deviation the others leave a smaller share is, but for rounding, their sum."""


class MixtureChoice(NamedTuple):
    """A mixture of normals and how it was chosen.

    Attributes:
        law: the mixture with the highest held-out log-likelihood, in the units of the rows.
        components: how many normals it has.
        held_out: for every number of components tried, the mean log-density of the held-out rows, in nats.
    """

    law: NormalMixture
    components: int
    held_out: dict[int, float]


def fit_normal(rows: ArrayLike) -> MultivariateNormal:
    """Return the normal law with the mean and the covariance of the rows, shape (n, d).

    Raises:
        ShapeError: if the rows are no matrix, or not more than their columns.
        DomainError: if a value is not finite.
        ConfigError: if a column is constant or a linear combination of the others.
    """
    values = _checked("fit_normal", "rows", rows)
    mean, factor = _whitener("fit_normal", values)
    return MultivariateNormal(jnp.asarray(mean), factor=jnp.asarray(factor))


def fit_mixture(
    rows: ArrayLike,
    held_out: ArrayLike,
    *,
    components: int = 64,
    steps: int = 200,
    tolerance: float = 1e-3,
) -> MixtureChoice:
    """Fit mixtures of 1, 2, 4, ... full-covariance normals and return the one that held-out rows prefer.

    The rows are whitened first. Each mixture starts from the one before it with every component split in two:
    nothing is random. On the gas turbine table it ends higher than scikit-learn, which starts from k-means.

    Args:
        rows: training rows, shape (n, d).
        held_out: rows that choose the number of components, shape (m, d).
        components: the most components; powers of two up to it are tried.
        steps: the most steps of expectation-maximisation for each number of components.
        tolerance: a mixture is finished when a step gains less, in nats per row.

    Returns:
        The choice, with the held-out log-likelihood of every number tried.

    Raises:
        ShapeError: if the arrays are no matrices of equally many columns, or there are too few rows.
        DomainError: if a value is not finite.
        ConfigError: if `components` is less than 1, or a column is constant or a sum of the others.
    """
    if components < 1:
        raise ConfigError(f"fit_mixture: expected at least 1 component, got {components}.")
    training, rest = _checked("fit_mixture", "rows", rows), _checked("fit_mixture", "held_out", held_out)
    if rest.shape[1] != training.shape[1]:
        raise ShapeError(
            f"fit_mixture: expected held_out of shape (m, {training.shape[1]}), got shape {rest.shape}."
        )
    mean, factor = _whitener("fit_mixture", training)
    white, white_rest = _whiten(training, mean, factor), _whiten(rest, mean, factor)
    log_det = float(np.log(np.diag(factor)).sum())
    mixture, best, held = em.one_component(white), None, {}
    for count in [2**power for power in range(components.bit_length())]:
        if count > 1:
            mixture = em.refine(white, em.split_components(mixture), steps=steps, tolerance=tolerance)[0]
        held[count] = float(em.log_density(white_rest, mixture).mean()) - log_det
        if best is None or held[count] > held[len(best.weights)]:
            best = mixture
    return MixtureChoice(_in_units(best or mixture, mean, factor), max(held, key=lambda k: held[k]), held)


def _checked(who: str, name: str, rows: ArrayLike) -> np.ndarray:
    values = np.asarray(rows, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ShapeError(f"{who}: expected {name} of shape (n, d), got shape {values.shape}.")
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise DomainError(f"{who}: expected finite {name}, got {bad} of {values.size} values that are not.")
    return values


def _whitener(who: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the Cholesky factor of the covariance."""
    count, size = rows.shape
    if count <= size:
        raise ShapeError(f"{who}: expected more rows than the {size} columns, got {count}.")
    covariance = np.atleast_2d(np.cov(rows.T, bias=True))
    scale = np.sqrt(np.diag(covariance))
    try:
        # Factored as a correlation matrix: whether that is singular does not depend on the columns' units.
        factor = np.linalg.cholesky(covariance / np.maximum(np.outer(scale, scale), 1e-300))
    except np.linalg.LinAlgError:
        factor = np.zeros((size, size))
    if np.diag(factor).min() < _SINGULAR:
        raise ConfigError(f"{who}: a column is constant or a linear combination of the others: leave it out.")
    return rows.mean(axis=0), scale[:, None] * factor


def _whiten(rows: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return np.linalg.solve(factor, (rows - mean).T).T


def _in_units(mixture: em.Components, mean: np.ndarray, factor: np.ndarray) -> NormalMixture:
    covariances = factor @ mixture.covariances @ factor.T
    # Rounding breaks the symmetry in the last bit, and the law checks it.
    return NormalMixture(
        mixture.weights, mean + mixture.means @ factor.T, (covariances + covariances.swapaxes(1, 2)) / 2
    )
