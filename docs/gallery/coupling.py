"""Inside one coupling layer.

An affine coupling splits an event in two. One half passes unchanged. A network, the conditioner, looks at
that half and returns a scale and a shift for the other:

    y1 = x1,        y2 = s(x1) x2 + t(x1).

The network may be anything, for it is never inverted: whoever has `y1` has `x1`, so `s` and `t` again, and
`x2 = (y2 - t(x1)) / s(x1)`. The Jacobian is triangular, and its determinant is the product of the diagonal,
`s(x1)`. Here the conditioner is written by hand.
"""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pushforward import plots
from pushforward.bijectors import Affine, Coupling
from pushforward.diagnostics import jacobian


def conditioner(known, context=None, *, key=None):
    return jnp.stack([0.8 * jnp.sin(1.8 * known + 0.5), 1.2 * jnp.cos(1.2 * known)])  # raw scale, shift


def pictures(quick=False):
    layer = Coupling(Affine(), conditioner, [True, False])
    rows = jax.jit(jax.vmap(layer.forward_and_log_det))

    known = jnp.linspace(-2.5, 2.5, 201)
    at_zero, log_det = rows(jnp.stack([known, jnp.zeros(201)], axis=1))
    chosen, inputs = jnp.linspace(-2, 2, 5), jnp.linspace(-2, 2, 5)
    pairs = jnp.stack(jnp.meshgrid(chosen, inputs, indexing="ij"), axis=-1)
    outputs = rows(pairs.reshape(-1, 2))[0][:, 1].reshape(5, 5)
    before = jr.normal(jr.key(0), (3000, 2))
    before = before[jnp.abs(before[:, 0]) < 2.5]
    point = jnp.asarray([0.5, 1.0])

    numbers = (known, at_zero[:, 0], jnp.exp(log_det), at_zero[:, 1], chosen, inputs, outputs, before)
    picture = plots.CouplingPicture(
        *(np.asarray(values) for values in (*numbers, rows(before)[0], point)), jacobian(layer, point)
    )
    yield (
        plots.coupling_panels(picture),
        "Colour is `x1` throughout. The dashed line in panel 4 is where nothing changes. In panel 5 points "
        "move up and down only. In panel 6 the zero is exact: `y1` does not know of `x2`. The entry below "
        "the diagonal may be anything, as it does not enter the determinant.",
        "Six panels: y1 equals x1; a wavy scale s of x1; a wavy shift t of x1; straight lines from x2 to y2, "
        "one for each x1; a round cloud that is bent into a wave; and the two by two Jacobian with a zero "
        "above its diagonal.",
    )
    back, inverse_log_det = layer.inverse_and_log_det(layer.forward(point))
    yield (
        f"Forward and back, the point ({point[0]:g}, {point[1]:g}) returns as ({back[0]:.6f}, "
        f"{back[1]:.6f}). The log-determinant of the inverse is {float(inverse_log_det):.6f}; the logarithm "
        f"of the Jacobian's determinant is {np.log(np.linalg.det(picture.jacobian)):.6f}."
    )
