"""What to say about a loss that stayed not finite: the step, the rows, the layer."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PyTree

from ..bijectors.base import Bijector
from ..bijectors.frozen import trainable
from ..distributions.base import Distribution
from ..distributions.flow import Flow
from ..errors import NonFiniteLoss
from .guard import Fault
from .rows import Split

_SHOWN = 8


def explain(
    fault: Fault, params: PyTree, fixed: Distribution, split: Split, places: np.ndarray, retries: int
) -> NonFiniteLoss:
    """Return the error that ends a run. The replay is deterministic: dropout is off.

    Args:
        fault: the bad step.
        params: the parameters before it.
        fixed: the flow without them, or with others in their places.
        split: the rows of the run.
        places: which training rows the step saw.
        retries: how often the run went back before.
    """
    x = split.training.x[places]
    context = None if split.training.context is None else split.training.context[places]
    index = split.index[places]
    flow = eqx.combine(params, fixed)
    densities, norms = (np.asarray(values) for values in _row_by_row(flow, x, context))
    if not np.isfinite(densities).all():
        rows, what = np.flatnonzero(~np.isfinite(densities)), "log-density"
    else:
        rows, what = np.flatnonzero(~np.isfinite(norms)), "gradient"
    largest = max(
        (float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(params) if leaf.size), default=0.0
    )
    parts = [
        f"fit: step {fault.step} gave loss {fault.loss:g} and gradient norm {fault.norm:g}, "
        f"also after going back {retries} times with half the learning rate each time.",
        _about_rows(index, rows, what),
    ]
    if len(rows):
        row = rows[0]
        parts.append(_about_layers(flow, x[row], None if context is None else context[row], what))
    parts.append(f"The largest |parameter| is {largest:g}.")
    return NonFiniteLoss(" ".join(part for part in parts if part))


@eqx.filter_jit
def _row_by_row(flow: Distribution, x: Any, context: Any) -> tuple[Array, Array]:
    """Return log-density and gradient norm of every row; one row at a time, so that memory stays small."""
    params, fixed = eqx.partition(flow, trainable(flow))

    def one(row: tuple[Array, Array | None]) -> tuple[Array, Array]:
        value, gradient = jax.value_and_grad(lambda p: eqx.combine(p, fixed)._log_prob(*row))(params)
        return value, optax.tree.norm(gradient)

    return jax.lax.map(one, (x, context))


def _about_rows(index: np.ndarray, rows: np.ndarray, what: str) -> str:
    if not len(rows):
        return (
            f"Each of the {len(index)} rows of the batch alone has a finite log-density and gradient "
            "without randomness, so the cause is in the objective, in dropout, or in their sum."
        )
    named = ", ".join(str(row) for row in index[rows[:_SHOWN]])
    more = f", and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    noun = "row" if len(rows) == 1 else "rows"
    return f"No finite {what} in {noun} {named}{more} of x ({len(rows)} of {len(index)} in the batch)."


def _about_layers(flow: Distribution, x: Array, context: Array | None, what: str) -> str:
    if not isinstance(flow, Flow):
        return ""
    layers = flow.layers()
    values, found = _first_bad_value(flow, layers, x, context)
    if found is None and what == "gradient":
        found = _first_bad_gradient(flow, layers, values, context)
    return "" if found is None else f"{found}."


def _first_bad_value(
    flow: Flow, layers: list[Bijector], x: Array, context: Array | None
) -> tuple[list[Array], str | None]:
    """Go from data to base; return what went into each layer and then the base, and the first that broke."""
    values = [jnp.asarray(x)]
    for index, layer in reversed(list(enumerate(layers))):
        y, log_det = layer.inverse_and_log_det(values[-1], flow._of(layer, context))
        values.append(y)
        for name, result in (("value", y), ("log-determinant", log_det)):
            if not _finite(result):
                return (
                    values,
                    f"From data to base, the first {name} that is not finite is {_named(layers, index)}",
                )
    if not _finite(flow.base._log_prob(values[-1], flow._of(flow.base, context))):
        return (
            values,
            f"All layers are finite; the base law's log-density ({type(flow.base).__name__}) is not",
        )
    return values, None


def _first_bad_gradient(
    flow: Flow, layers: list[Bijector], values: list[Array], context: Array | None
) -> str | None:
    """Go back from base to data with the gradient; return the first layer in which it broke."""
    gradient = _pulled(
        lambda base, z: base._log_prob(z, flow._of(base, context)), flow.base, values[-1], None
    )
    if not _finite(gradient):
        return f"The gradient breaks in the base law ({type(flow.base).__name__})"
    for index, (layer, value) in enumerate(zip(layers, reversed(values[:-1]), strict=True)):
        gradient = _pulled(
            lambda part, y: part.inverse_and_log_det(y, flow._of(part, context)), layer, value, gradient[1]
        )
        if not _finite(gradient):
            return f"From base to data, the first gradient that is not finite is {_named(layers, index)}"
    return None


def _pulled(function: Any, part: Any, value: Array, cotangent: Array | None) -> tuple[PyTree, Array]:
    """Return the gradients with respect to a part's parameters and its input."""
    params, fixed = eqx.partition(part, trainable(part))
    out, pull = jax.vjp(lambda p, v: function(eqx.combine(p, fixed), v), params, value)
    if cotangent is None:
        return pull(jnp.ones_like(out))
    return pull((cotangent, jnp.ones_like(out[1])))


def _finite(tree: PyTree) -> bool:
    return all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


def _named(layers: list[Bijector], index: int) -> str:
    return f"that of layer {index} ({type(layers[index]).__name__}) of {len(layers)}, counted from the base"
