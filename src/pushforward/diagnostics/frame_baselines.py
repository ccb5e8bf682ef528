"""Simple laws of the rows of a table of mixed columns, on the same measure as the law that they are held against."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.random as jr
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from ..bijectors import Identity
from ..data import preprocessing
from ..data.encoding import learn_encoder
from ..distributions import Dequantized, Distribution, Flow, StandardNormal
from ..distributions.dequantized import boxes, place
from ..distributions.encoding import Cells, Encoder
from ..errors import ConfigError, DomainError, ShapeError
from .baselines import fit_mixture, fit_normal

_ROWS = 10_000
"""Rows that a baseline is learned from, at most: its parameters are few."""

_COMPONENTS = 32
_STEPS = 100


class Baseline(NamedTuple):
    """A law to hold another against.

    Attributes:
        name: what it is, in a few words.
        law: over rows of codes; it takes no context. None if it could not be learned.
        note: what was learned, or why it could not be.
    """

    name: str
    law: Dequantized | None
    note: str


def frame_encoder(law: Distribution, codes: ArrayLike) -> Encoder:
    """Return what brings rows of codes to normal scores: the law's own encoder, or one learned from the rows.

    Args:
        law: a flow over rows of codes. Where it has an encoder, it is the one that its training rows gave.
        codes: rows, shape (n, columns); looked at only if the law has none. All columns are continuous then.

    Raises:
        ConfigError: if a column has no two different values.
    """
    base = law.base if isinstance(law, Flow) else law
    if isinstance(base, Dequantized):
        return base.encoder
    rows = np.asarray(codes, np.float64)
    cells = (Cells("values"),) * rows.shape[1]
    return learn_encoder(cells, rows, preprocessing.knots_for(len(rows)))


def frame_baselines(
    law: Distribution, codes: ArrayLike, *, key: PRNGKeyArray, draws: int | None = None
) -> list[Baseline]:
    """Return laws that can take the same columns as a law: independent columns, a Gaussian copula, a Gaussian mixture.

    All three are laws of the columns' normal scores behind one encoder (`frame_encoder`): the standard normal; a normal
    with the covariance of the rows' scores; a mixture of 1, 2, 4, ... up to 32 normals, chosen by a fifth of the rows.
    A row that stands for a box of scores gives one point of it to learn from, drawn by the key. Their log-probabilities
    are densities and probabilities as the law's are, and bounds of the same kind, with equally many draws.

    A law that takes a context is held against laws that ignore it. Independent angles are uniform on their circles.

    Args:
        law: a flow over rows of codes, with a `Dequantized` base or over continuous columns alone.
        codes: rows to learn from, shape (n, columns), in the support; at most 10,000 are, evenly spaced.
        key: for the points of boxes.
        draws: as in `Dequantized`; by default the law's own.

    Returns:
        One entry for each, in the order above.

    Raises:
        ShapeError: if the codes are no rows of the law.
        ConfigError: if a column has no two different values.

    Accuracy: tests/diagnostics/test_frame_baselines.py: closed forms where the columns are normal, and total
        probability 1 where they are levels.
    """
    rows = _checked(law, codes)
    encoder = frame_encoder(law, rows)
    base = law.base if isinstance(law, Flow) else law
    count = draws or (base.draws if isinstance(base, Dequantized) else 1)
    some = rows[np.arange(min(len(rows), _ROWS)) * len(rows) // min(len(rows), _ROWS)]
    scores = frame_scores(encoder, some, key)
    makers: tuple[tuple[str, Callable[[np.ndarray], tuple[Distribution, str]]], ...] = (
        ("independent columns", _independent),
        ("Gaussian copula", _copula),
        ("Gaussian mixture", _mixture),
    )
    return [_made(name, maker, scores, encoder, count) for name, maker in makers]


def _made(
    name: str,
    maker: Callable[[np.ndarray], tuple[Distribution, str]],
    scores: np.ndarray,
    encoder: Encoder,
    draws: int,
) -> Baseline:
    try:
        inner, note = maker(scores)
    except (ConfigError, DomainError, ShapeError) as error:
        return Baseline(name, None, str(error))
    # Of independent coordinates any point of a box tells its whole probability.
    count = 1 if isinstance(inner, StandardNormal) else draws
    return Baseline(name, Dequantized(Flow(inner, Identity((encoder.features,))), encoder, count), note)


def _independent(scores: np.ndarray) -> tuple[Distribution, str]:
    return StandardNormal(scores.shape[1:]), "each column by itself"


def _copula(scores: np.ndarray) -> tuple[Distribution, str]:
    return fit_normal(scores), f"correlated normal scores, learned from {len(scores):,} rows"


def _mixture(scores: np.ndarray) -> tuple[Distribution, str]:
    chosen = np.arange(len(scores)) % 5 == 4
    most = min(_COMPONENTS, max(len(scores) // (10 * scores.shape[1]), 1))
    found = fit_mixture(scores[~chosen], scores[chosen], components=most, steps=_STEPS)
    return found.law, f"{found.components} full-covariance normals of normal scores"


def _checked(law: Distribution, codes: ArrayLike) -> np.ndarray:
    rows = np.asarray(codes, np.float64)
    if rows.ndim != 2 or rows.shape[1:] != law.event_shape or len(rows) < 2:
        raise ShapeError(
            f"frame_baselines: expected codes of shape (n, {law.event_shape[0]}) with n >= 2, got shape {rows.shape}."
        )
    return rows


def frame_scores(encoder: Encoder, codes: ArrayLike, key: PRNGKeyArray) -> np.ndarray:
    """Return normal scores of rows, shape (n, features): one point of each row's box, as in training.

    Args:
        encoder: see `frame_encoder`.
        codes: rows in the support, shape (n, columns).
        key: for the points of boxes; it makes no difference where all columns are continuous.
    """
    box = boxes(encoder, codes)
    u = jr.uniform(key, box.lower.shape, box.lower.dtype, minval=1e-6, maxval=1 - 1e-6)
    points = jax.jit(jax.vmap(lambda own, point: place(own, point, encoder.angles)[0]))(box, u)
    return np.asarray(points, np.float64)
