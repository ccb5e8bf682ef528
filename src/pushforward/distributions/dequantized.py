"""Dequantized: a law over rows of mixed columns, made of a flow over normal scores."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..nets import MLP
from ..numerics.elementary import soft_bound
from ..numerics.truncated import truncated_normal
from .door import map_events
from .encoding import Box, Encoder
from .flow import Flow
from .keyed import Keyed

_EDGE = 1e-6
"""How near points come to the ends of an interval, where quantiles are infinite."""

_CHUNK = 1024
"""Rows that become boxes at a time, so that any number of rows meets one program."""


class Dequantized(Keyed):
    """Rows whose columns may be continuous, discrete, partly both, missing or circular, by a flow over their scores.

    A row stands for a box of scores (`Encoder`), a point where all its columns are continuous, and its probability is
    the flow's integral over the box. With draws z from a law q over the box,

        log p(row) >= E log(mean_k p(z_k) / q(z_k)),

    which is exact for a point, for a flow whose coordinates are independent, and in the limit of many draws. q is the
    standard normal law cut to the box, or, with a dequantizer, a law that is learned with the flow (variational
    dequantisation): each coordinate's place in its interval is bent by an amount that a network reads off the row.
    `log_prob` takes the same `draws` points of every box, evenly spread, so equal rows have equal values whatever
    stands beside them; in training one point is drawn for each row. Units: probabilities for levels, grids and missing
    values, densities per unit for continuous columns, in nats.

    Args:
        flow: over the scores, events of shape (encoder.features,).
        encoder: from the codes of a row to a box, and back.
        draws: how many points of a box `log_prob` looks at; one if all columns are continuous.
        dequantizer: a network from the middle of a row's box, shape (features,), to 2 * features numbers; None for a q
            that is not learned.

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
    dequantizer: MLP | None
    draws: int = eqx.field(static=True)

    def __init__(self, flow: Flow, encoder: Encoder, draws: int = 16, dequantizer: MLP | None = None) -> None:
        if flow.event_shape != (encoder.features,):
            raise ShapeError(
                f"Dequantized: expected a flow over events of shape {(encoder.features,)}, one number for each "
                f"coordinate of the encoder, got one over {flow.event_shape}."
            )
        if type(draws) is not int or draws < 1:
            raise ConfigError(
                f"Dequantized: expected draws to be a whole number of at least 1, got {draws!r}."
            )
        self.flow, self.encoder, self.draws, self.dequantizer = flow, encoder, draws, dequantizer

    @property
    def law(self) -> "BoxLaw":
        """The law of a box, which is what is trained."""
        draws = self.draws if self.encoder.noisy else 1
        return BoxLaw(self.flow, self.dequantizer, self.encoder.angles, draws)

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
        return map_events(self, "to_base", x, context)

    def _to_base(self, x: Array, context: Array | None) -> Array:
        box = self.encoder.box(x)
        z, _ = self.law.place(box, jnp.full_like(box.lower, 0.5))
        return self.flow._to_base(z, context)

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        return self.law.log_prob(self.encoder.box(x), context, key)

    def _for_step(self, key: PRNGKeyArray) -> "Dequantized":
        return Dequantized(self.flow._for_step(key), self.encoder, self.draws, self.dequantizer)

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


class BoxLaw(eqx.Module):
    """The probability of a box under a flow over its points; see `Dequantized`.

    Args:
        flow: over points.
        dequantizer: as in `Dequantized`.
        angles: the first of the two coordinates of every angle.
        draws: how many points `log_prob` looks at without a key.
    """

    flow: Flow
    dequantizer: MLP | None
    angles: tuple[int, ...] = eqx.field(static=True)
    draws: int = eqx.field(static=True)

    def log_prob(self, box: Box, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        """Return the log of the mean of p(z) / q(z) over points spread evenly over a box.

        With a key, log p(z) / q(z) at one point that is drawn: an unbiased estimate of a lower bound.
        """
        if key is not None:
            of_point, of_flow = jr.split(key)
            u = jr.uniform(of_point, box.lower.shape, box.lower.dtype)
            z, log_q = self.place(box, u)
            return self.flow._log_prob(z, context, of_flow) - log_q + box.log_weight
        points = jnp.asarray(spread(self.draws, box.lower.shape[0]), box.lower.dtype)

        def one(u: Array) -> Array:
            z, log_q = self.place(box, u)
            return self.flow._log_prob(z, context) - log_q

        return logsumexp(jax.vmap(one)(points)) - math.log(self.draws) + box.log_weight

    def place(self, box: Box, u: Array) -> tuple[Array, Array]:
        """Return the point of a box that belongs to u in (0, 1)^features, and log q of it, in nats."""
        if self.dequantizer is None:
            return place(box, u, self.angles)
        free = (box.upper > box.lower).at[np.array(self.angles, int)].set(True)
        bent, log_slope = bend(u, *jnp.split(self.dequantizer((box.lower + box.upper) / 2), 2))
        z, log_q = place(box, jnp.where(free, bent, u), self.angles)
        return z, log_q - jnp.sum(jnp.where(free, log_slope, 0.0))


def bend(u: Array, scale: Array, shift: Array) -> tuple[Array, Array]:
    """Send (0, 1) to itself, by a straight line between logits: logit v = exp(s) logit u + t.

    s and t are `scale` and `shift`, softly bounded by 2 and 6; a small s draws points to one place of an interval.

    Args:
        u: in [0, 1], any shape; held 1e-6 away from the ends.
        scale: of u's shape.
        shift: of u's shape.

    Returns:
        v, and log dv/du in nats, both of u's shape.
    """
    inner = jnp.clip(u, _EDGE, 1 - _EDGE)
    s, t = soft_bound(scale, 2.0), soft_bound(shift, 6.0)
    logit = jnp.log(inner) - jnp.log1p(-inner)
    out = jnp.exp(s) * logit + t
    log_slope = s + jax.nn.log_sigmoid(out) + jax.nn.log_sigmoid(-out) - jnp.log(inner) - jnp.log1p(-inner)
    return jnp.clip(jax.nn.sigmoid(out), _EDGE, 1 - _EDGE), log_slope


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
    return np.clip(points, _EDGE, 1 - _EDGE)
