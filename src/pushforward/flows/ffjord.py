"""FFJORD: a free-form continuous flow."""

from typing import Literal

from jaxtyping import PRNGKeyArray

from ..bijectors import Bijector, Continuous, Solver
from ..bijectors.continuous import Adjoint, Divergence, Method
from ..distributions import Flow
from ..nets.timed import Smooth, TimeMLP
from ..numerics.divergence import Probe
from ._parts import base_law, check_hidden, check_sizes, context_shape, repeated
from .registry import register


@register
def ffjord(
    key: PRNGKeyArray,
    *,
    features: int,
    context_features: int = 0,
    layers: int = 1,
    hidden: tuple[int, ...] = (64, 64),
    activation: Smooth = "tanh",
    method: Method = "tsit5",
    rtol: float = 1e-5,
    atol: float = 1e-5,
    max_steps: int = 1024,
    adjoint: Adjoint = "checkpoint",
    unconverged: Literal["raise", "nan"] = "nan",
    divergence: Divergence = "auto",
    probe: Probe = "rademacher",
    base: str = "normal",
) -> Flow:
    """Continuous flow: dx/dt = f(t, x; context) from the base at time 0 to the data at time 1, f any smooth network.

    Densities and samples cost one solve each: a few passes of the network for each step of the solver and, for
    densities, as many of its Jacobian-vector products, times `features` where the divergence is exact. A step of
    training by likelihood costs a solve and its gradient, one by `objectives.flow_matching` a pass and its gradient;
    `objectives.regularised_likelihood` makes for straighter paths, which take fewer steps.

    Args:
        key: for the initial weights.
        features: size of an event.
        context_features: size of the context; 0 for none.
        layers: continuous layers one after the other, each with its own network. Flow matching needs 1.
        hidden: hidden layers of each network.
        activation: tanh, softplus, silu or gelu.
        method: "tsit5", "dopri5" or "dopri8".
        rtol: relative error of a step; see `Solver`.
        atol: absolute error of a step.
        max_steps: the most steps of one solve.
        adjoint: "checkpoint", "backsolve" (the paper's) or "direct".
        unconverged: what an event becomes that takes more steps: "nan", which training recovers from, or "raise".
        divergence: in training "exact", "estimate" (the paper's) or "auto", exact up to 16 features. Without a key,
            as in `log_prob`, it is always exact.
        probe: "rademacher" or "normal".
        base: "normal", "logistic" or "student_t".

    Returns:
        A Flow that starts as its base.

    Raises:
        ConfigError: if an argument does not fit.

    Reference: Grathwohl et al. 2019, FFJORD, arXiv:1810.01367.
    """
    check_sizes("ffjord", features=features, layers=layers)
    check_sizes("ffjord", least=0, context_features=context_features)
    check_hidden("ffjord", hidden)
    solver = Solver(method, rtol, atol, max_steps, adjoint, unconverged)

    def layer(key: PRNGKeyArray) -> Bijector:
        net = TimeMLP(key, features, context_features=context_features, hidden=hidden, activation=activation)
        shape = context_shape(context_features)
        return Continuous(net, (features,), shape, solver=solver, divergence=divergence, probe=probe)

    stacked = layer(key) if layers == 1 else repeated(layer, key, layers)
    return Flow(base_law("ffjord", base, features), stacked)
