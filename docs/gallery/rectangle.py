"""A rectangle sent to the unit square.

Take the density `p(x) = (x1 - 1) x2 / 9` on the rectangle `[1, 4] x [0, 2]`, and rescale it to the unit
square by `u1 = (x1 - 1) / 3` and `u2 = x2 / 2`. Writing the old density in the new letters gives `2/3 u1 u2`.
It is no density: the square is six times smaller than the rectangle, and the mass was not told. With the
Jacobian, `|det dx/du| = 3 * 2 = 6`, it is `4 u1 u2`.
"""

import jax.numpy as jnp
import numpy as np

import pushforward as pf
from pushforward import plots
from pushforward.bijectors import Affine, Elementwise
from pushforward.diagnostics import field

RECTANGLE, SQUARE = ((1.0, 4.0), (0.0, 2.0)), ((0.0, 1.0), (0.0, 1.0))


class Wedge(pf.Distribution):
    """The law with density (x1 - 1) x2 / 9 on the rectangle. A law needs two methods."""

    event_shape = (2,)
    context_shape = None

    def _log_prob(self, x, context):
        inside = (x[0] > 1) & (x[0] < 4) & (x[1] > 0) & (x[1] < 2)
        return jnp.where(inside, jnp.log(jnp.where(inside, (x[0] - 1) * x[1], 1)) - jnp.log(9), -jnp.inf)

    def _sample_and_log_prob(self, key, context):
        x = jnp.asarray([1, 0]) + jnp.asarray([3, 2]) * jnp.sqrt(
            pf.distributions.Uniform(jnp.zeros(2), jnp.ones(2)).sample(key)
        )
        return x, self._log_prob(x, context)


def pictures(quick=False):
    size = 60 if quick else 300
    wedge = Wedge()
    # u = x * scale + shift, with the raw scale of Affine("exp") such that the scales are 1/3 and 1/2.
    scale, shift = jnp.asarray([1 / 3, 1 / 2]), jnp.asarray([-1 / 3, 0.0])
    squeeze = Elementwise(
        Affine(bound=3.0), (2,), jnp.stack([3 * jnp.arctanh(jnp.log(scale) / 3), shift], axis=1)
    )
    flow = pf.Flow(wedge, squeeze)

    before = field(wedge.log_prob, RECTANGLE, size=size)
    naive = field(lambda u: wedge.log_prob(flow.to_base(u)), SQUARE, size=size)
    after = field(flow.log_prob, SQUARE, size=size)
    fields = (before, naive, after)
    titles = ("the rectangle", "the square, without the Jacobian", "the square, with it")
    shown = [((0.5, 4.5), (-0.5, 2.5)), *[((-1.5, 2.5), (-1.0, 2.0))] * 2]
    yield (
        plots.density_surfaces(
            fields,
            [f"{title}\nvolume {density.mass():.3f}" for title, density in zip(titles, fields, strict=True)],
            [("x1", "x2"), ("u1", "u2"), ("u1", "u2")],
            limits=shown,
        ),
        "Height is density, so mass is volume. All three are drawn to one scale. In the middle the height is "
        "kept while the ground shrinks: of a mass of one, a sixth is left. On the right it is six times as "
        "high.",
        "Three solids: a low wedge over a wide rectangle, a tiny one over the unit square, and a high one "
        "over the unit square, of volumes 1, 0.167 and 1.",
    )
    log_det = flow.bijector.forward_and_log_det(jnp.asarray([2.0, 1.0]))[1]
    yield (
        "| density | on | integral by the midpoint rule |\n|---|---|---:|\n| `(x1 - 1) x2 / 9` | the "
        f"rectangle | {before.mass():.6f} |\n| `2/3 u1 u2`, without the Jacobian | the unit square | "
        f"{naive.mass():.6f} |\n| `4 u1 u2`, `Flow.log_prob` | the unit square | {after.mass():.6f} |\n\nThe "
        f"map from the rectangle to the square reports `log|det du/dx| = {float(log_det):.6f}`, and log(1/6) "
        f"is {np.log(1 / 6):.6f}. At the centre of the square the right density is "
        f"{float(jnp.exp(flow.log_prob(jnp.asarray([0.5, 0.5])))):.6f}; the formula `4 u1 u2` gives 1."
    )
