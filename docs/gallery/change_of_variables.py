"""The change of variables in one dimension.

A flow draws `z` from a simple law and moves it: `x = f(z)`. Mass is neither made nor lost on the way. What
lies between two base points lies between their images afterwards, only on an interval of another length.
Where `f` is steep the interval is stretched and the density falls; where `f` is flat it is squeezed and the
density rises:

    p(x) = p(z) / f'(z),        log p(x) = log p(z) - log f'(z).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri

import pushforward as pf
from pushforward import plots


class Bend(pf.Bijector):
    """x = z / 2 + 3/2 tanh(3/2 z + 1/4): steep in the middle, flatter outside. A bijector needs two methods."""

    in_shape = out_shape = (1,)
    context_shape = None
    cheap = "forward"

    def forward_and_log_det(self, x, context=None, *, key=None):
        bend = jnp.tanh(1.5 * x + 0.25)
        return 0.5 * x + 1.5 * bend, jnp.sum(jnp.log(0.5 + 2.25 * (1 - bend**2)))

    def inverse_and_log_det(self, y, context=None, *, key=None):
        def halve(_, ends):
            middle = (ends[0] + ends[1]) / 2
            above = self.forward(middle) > y
            return jnp.where(above, ends[0], middle), jnp.where(above, middle, ends[1])

        low, high = jax.lax.fori_loop(0, 40, halve, (2 * y - 3, 2 * y + 3))  # the tanh is within -1 and 1
        x = (low + high) / 2
        return x, -self.forward_and_log_det(x)[1]


def pictures(quick=False):
    count = 200 if quick else 2001
    flow = pf.Flow(pf.distributions.StandardNormal((1,)), Bend())

    z = jnp.linspace(-3.5, 3.5, count)
    x = flow.to_data(z[:, None])[:, 0]
    log_base, log_data = flow.base.log_prob(z[:, None]), flow.log_prob(x[:, None])

    strips = 10
    bounds = ndtri(jnp.linspace(0, 1, strips + 1)).clip(-3.5, 3.5)
    picture = plots.change_of_variables(
        *(np.asarray(values) for values in (z, x, jnp.exp(log_base), jnp.exp(log_data), bounds)),
        note=f"Every strip holds 1/{strips}\nof the mass, on either side.",
    )
    yield (
        picture,
        "Follow one colour from the base below, up to the graph and over to the data on the left. Each strip "
        "holds a tenth of the mass on both sides. The steep part in the middle makes the gap between the two "
        "modes.",
        "A normal density below the graph of a monotone map, and on the left the two-humped density that the "
        "map makes of it, both cut into ten strips of equal mass in matching colours.",
    )

    density = np.exp(log_data)
    held = np.append(0, np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(x)))  # trapezoids up to each x
    masses = np.diff(np.interp(bounds, z, held))
    yield (
        "The strips on the left are integrals of `exp(flow.log_prob(x))`. By the trapezoidal rule they hold "
        f"from {min(masses):.4f} to {max(masses):.4f} of the mass, and {sum(masses):.4f} in all."
    )
    yield (
        plots.log_terms(*(np.asarray(values) for values in (z, log_base, log_base - log_data))),
        "The same in logarithms, along the base: the density of the base, what the map's slope adds or takes "
        "away, and the sum, which is what `flow.log_prob` returns.",
        "Three curves over z: log p(z) is a parabola, minus log f'(z) falls where the map is steep, and "
        "their sum has two humps.",
    )
