"""Maximum likelihood with penalties on the paths of continuous flows."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ..bijectors.base import BATCH_AXIS, Bijector
from ..bijectors.compose import Chain, Stack
from ..bijectors.continuous import Continuous, Costs
from ..distributions.base import Distribution
from ..distributions.flow import Flow
from ..distributions.keyed import Keyed
from ..errors import ConfigError
from ..numerics.batching import in_pieces
from .base import weighted_mean
from .likelihood import negative_log_likelihood


def regularised_likelihood(
    flow: Distribution,
    x: Array,
    context: Array | None,
    weights: Array,
    key: PRNGKeyArray | None = None,
    *,
    kinetic: float = 0.01,
    jacobian: float = 0.01,
) -> Array:
    """The weighted mean of -log p(x | context) + kinetic * K(x) + jacobian * J(x).

    K and J are the integrals of |f|^2 and |df/dx|^2 along the path from x to the base, summed over the `Continuous`
    layers of the flow. Straight paths take fewer steps to solve, in training and ever after, and the density hardly
    suffers. Other strengths than the defaults: `functools.partial(regularised_likelihood, kinetic=0.1)`.

    Args:
        flow: a `Flow` whose bijector is a `Continuous`, or a `Chain` or `Stack` with such among its parts.
        x: events, shape (batch, *event_shape).
        context: conditions, shape (batch, *context_shape), or None if the law takes none.
        weights: shape (batch,), not negative; rows of weight 0 are padding.
        key: for the probes and what else is random; see `negative_log_likelihood`. Without a key, that is in
            validation, the penalties are left out: the best flow is the one of the highest likelihood.
        kinetic: strength of K, at least 0; the paper's is 0.01, for K and J divided by the number of features.
        jacobian: strength of J, at least 0.

    Returns:
        A scalar in nats; 0 if all weights are 0.

    Raises:
        ConfigError: if a strength is negative, or the flow holds no `Continuous` in these places.

    Reference: Finlay et al. 2020, How to Train Your Neural ODE, arXiv:2002.02798, section 3.
    """
    if kinetic < 0 or jacobian < 0:
        raise ConfigError(
            f"regularised_likelihood: expected strengths of at least 0, got kinetic={kinetic} and jacobian={jacobian}."
        )
    if not isinstance(flow, Flow) or not _continuous(flow.bijector):
        raise ConfigError(
            "regularised_likelihood: expected a Flow of Continuous layers, alone or in a Chain or Stack, got "
            f"{type(flow.bijector if isinstance(flow, Flow) else flow).__name__}."
        )
    if key is None:
        return negative_log_likelihood(flow, x, context, weights)
    rows = x.shape[0]
    drawn = flow._for_step(jr.fold_in(key, rows))  # the keys of the rows are numbered from 0 to rows - 1

    def loss(row: Array, condition: Array | None, row_key: PRNGKeyArray) -> Array:
        map_key, base_key = jr.split(row_key)
        z, log_det, costs = _inverse(drawn.bijector, row, condition, map_key)
        told = None if drawn.base.context_shape is None else condition
        if isinstance(drawn.base, Keyed):
            log_prob = drawn.base._log_prob(z, told, base_key) + log_det
        else:
            log_prob = drawn.base._log_prob(z, told) + log_det
        return kinetic * costs.kinetic + jacobian * costs.jacobian - log_prob

    losses = in_pieces(loss, x, context, jr.split(key, rows), whole=BATCH_AXIS)
    return weighted_mean(losses, weights)


def _parts(bijector: Chain | Stack) -> list[Bijector]:
    return (
        list(bijector) if isinstance(bijector, Chain) else [bijector.layer(i) for i in range(bijector.depth)]
    )


def _continuous(bijector: Bijector) -> bool:
    """Whether costs are found in a bijector."""
    if isinstance(bijector, Stack):
        return _continuous(bijector.stacked)
    if isinstance(bijector, Chain):
        return any(_continuous(part) for part in bijector)
    return isinstance(bijector, Continuous)


def _inverse(
    bijector: Bijector, y: Array, context: Array | None, key: PRNGKeyArray
) -> tuple[Array, Array, Costs]:
    """Map one event to the base side; return x, the log-determinant and the costs of all continuous layers."""
    told = None if bijector.context_shape is None else context
    if isinstance(bijector, Continuous):
        return bijector.inverse_with_costs(y, told, key=key)
    zero = jnp.zeros((), y.dtype)
    log_det, costs = zero, Costs(zero, zero)
    if not _continuous(bijector):
        return *bijector.inverse_and_log_det(y, told, key=key), costs
    for index, part in reversed(list(enumerate(_parts(bijector)))):  # pyright: ignore[reportArgumentType]
        y, more, spent = _inverse(part, y, context, jr.fold_in(key, index))
        log_det = log_det + more
        costs = Costs(costs.kinetic + spent.kinetic, costs.jacobian + spent.jacobian)
    return y, log_det, costs
