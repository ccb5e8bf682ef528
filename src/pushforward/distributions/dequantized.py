"""Dequantized: a law over rows of mixed columns, made of a flow over normal scores."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.truncated import truncated_normal
from .encoding import Box, Encoder
from .flow import Flow
from .keyed import Keyed

_CHUNK = 1024
"""Rows that become boxes at a time, so that any number of rows meets one program."""


class Dequantized(Keyed):
    """Rows whose columns may be continuous, discrete, partly both, missing or circular, by a flow over their scores.

    A row stands for a box of scores (`Encoder`), a point where all its columns are continuous, and its probability is
    the flow's integral over the box. With draws z from a law q over the box,

        log p(row) >= E log(mean_k p(z_k) / q(z_k)),

    which is exact for a point, for a flow whose coordinates are independent, and in the limit of many draws. q is the
    standard normal law cut to the box. `log_prob` takes the same `draws` points of every box, evenly spread, so equal
    rows have equal values whatever stands beside them; in training one point is drawn for each row. Units:
    probabilities for levels, grids and missing values, densities per unit for continuous columns, in nats.

    Args:
        flow: over the scores, events of shape (encoder.features,).
        encoder: from the codes of a row to a box, and back.
        draws: how many points of a box `log_prob` looks at; one if all columns are continuous.

    Raises:
        ShapeError: if the flow does not fit the encoder.
        ConfigError: if there is not at least one draw.

    Reference: Theis et al. 2016, A note on the evaluation of generative models, arXiv:1511.01844, section 3.1 (uniform
        dequantisation); Ho et al. 2019, Flow++, arXiv:1902.00275, section 3.1 (other laws q); Burda et al. 2016,
        arXiv:1509.00519, eq. 8 (several draws); Nielsen et al. 2020, SurVAE flows, arXiv:2007.02731 (rounding as a
        surjection).
    """

    flow: Flow
    encoder: Encoder
    draws: int = eqx.field(static=True)

    def __init__(self, flow: Flow, encoder: Encoder, draws: int = 16) -> None:
        if flow.event_shape != (encoder.features,):
            raise ShapeError(
                f"Dequantized: expected a flow over events of shape {(encoder.features,)}, one number for each "
                f"coordinate of the encoder, got one over {flow.event_shape}."
            )
        if type(draws) is not int or draws < 1:
            raise ConfigError(
                f"Dequantized: expected draws to be a whole number of at least 1, got {draws!r}."
            )
        self.flow, self.encoder, self.draws = flow, encoder, draws

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of a row of codes."""
        return (self.encoder.columns,)

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context: the flow's."""
        return self.flow.context_shape

    def boxes(self, rows: ArrayLike) -> Box:
        """Return the boxes of rows of codes, shape (n, columns); see `Encoder.box`."""
        return boxes(self.encoder, rows)

    def to_base(self, x: ArrayLike, context: ArrayLike | None = None) -> Array:
        """Return base points of rows: those of one point of each box, with half of its probability on each side."""
        return self._map_events("to_base", self._to_base, x, context)

    def _to_base(self, x: Array, context: Array | None) -> Array:
        box = self.encoder.box(x)
        z, _ = place(box, jnp.full_like(box.lower, 0.5), self.encoder.angles)
        return self.flow._to_base(z, context)

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        box = self.encoder.box(x)
        if key is not None:
            return drawn(self.flow, box, self.encoder.angles, context, key)
        return bound(self.flow, box, self.encoder.angles, context, self.draws if self.encoder.noisy else 1)

    def _for_step(self, key: PRNGKeyArray) -> "Dequantized":
        return Dequantized(self.flow._for_step(key), self.encoder, self.draws)

    def _sample(self, key: PRNGKeyArray, context: Array | None) -> Array:
        return self.encoder.codes(self.flow._sample(key, context))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        x = self._sample(key, context)
        return x, self._log_prob(x, context)


def boxes(encoder: Encoder, rows: ArrayLike) -> Box:
    """Return the boxes of rows of codes, shape (n, columns), n of any size but 0; see `Encoder.box`."""
    codes = np.asarray(rows, jnp.result_type(float))
    filled = np.pad(codes, ((0, -len(codes) % _CHUNK), (0, 0)), mode="edge")
    found = [_boxes(encoder, filled[start : start + _CHUNK]) for start in range(0, len(filled), _CHUNK)]
    return Box(*(jnp.asarray(np.concatenate(leaves)[: len(codes)]) for leaves in zip(*found, strict=True)))


@eqx.filter_jit
def _boxes(encoder: Encoder, codes: Array | np.ndarray) -> Box:
    return jax.vmap(encoder.box)(jnp.asarray(codes))


def drawn(flow: Flow, box: Box, angles: tuple[int, ...], context: Array | None, key: PRNGKeyArray) -> Array:
    """Return log p(z) / q(z) at one point drawn from a box: an unbiased estimate of a lower bound."""
    of_point, of_flow = jr.split(key)
    u = jr.uniform(of_point, box.lower.shape, box.lower.dtype)
    z, log_q = place(box, u, angles)
    return flow._log_prob(z, context, of_flow) - log_q + box.log_weight


def bound(flow: Flow, box: Box, angles: tuple[int, ...], context: Array | None, draws: int) -> Array:
    """Return log of the mean of p(z) / q(z) over points spread evenly over a box."""
    points = jnp.asarray(spread(draws, box.lower.shape[0]), box.lower.dtype)

    def one(u: Array) -> Array:
        z, log_q = place(box, u, angles)
        return flow._log_prob(z, context) - log_q

    ratios = jax.vmap(one)(points)
    return jax.scipy.special.logsumexp(ratios) - math.log(draws) + box.log_weight


def place(box: Box, u: Array, angles: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the point of a box that belongs to u in (0, 1)^features, and log q of it, in nats.

    An angle's two coordinates are the direction times a radius r of density r exp(-r^2 / 2), as a standard normal law
    has it; with the area element r dr, what counts is r / (r exp(-r^2 / 2)), of which the logarithm is r^2 / 2.
    """
    z, log_q = truncated_normal(u, box.lower, box.upper)
    total = jnp.sum(log_q)
    for first in angles:
        radius = jnp.sqrt(-2 * jnp.log1p(-u[first]))
        z = z.at[first : first + 2].multiply(radius)
        total = total - jnp.square(radius) / 2
    return z, total


def spread(count: int, size: int) -> np.ndarray:
    """Return points spread evenly over the unit cube, shape (count, size): the middle for one point.

    Points 1/2 + k a of the torus, with a of the generalised golden ratio g, a_j = g^-j, where g^(size + 1) = g + 1.

    Reference: Roberts 2018, The unreasonable effectiveness of quasirandom sequences; Niederreiter 1992, Random number
        generation and quasi-Monte Carlo methods, section 3.1 (Kronecker sequences).
    """
    golden = 2.0
    for _ in range(64):  # a contraction: each step makes the error at least size + 1 times smaller
        golden = (1 + golden) ** (1 / (size + 1))
    steps = golden ** -np.arange(1.0, size + 1)
    points = (0.5 + np.arange(count)[:, None] * steps) % 1
    # Away from the ends, where quantiles are infinite, by what float32 can tell from 1.
    return np.clip(points, 1e-6, 1 - 1e-6)
