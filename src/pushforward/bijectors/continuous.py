"""Continuous flows: the solution map of an ordinary differential equation."""

import dataclasses
import types
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from ..numerics.convergence import unless_failed
from ..numerics.divergence import Local, Probe, draw_probe, estimated, exact
from .base import Bijector, Cheap

Method = Literal["tsit5", "dopri5", "dopri8"]
Adjoint = Literal["checkpoint", "backsolve", "direct"]
Divergence = Literal["auto", "exact", "estimate"]

_EXACT_UP_TO = 16
"""Numbers of an event up to which "auto" takes the exact divergence, also while a key is given."""
_LEAST_TOLERANCE = 8
"""Rounding errors below which no tolerance goes: no step would ever be good enough."""


@dataclasses.dataclass(frozen=True)
class Solver:
    """How a continuous flow is solved, and what happens where it cannot be.

    Attributes:
        method: a Runge-Kutta pair with adaptive steps: "tsit5" or "dopri5" (order 5), or "dopri8" (order 8, for tight
            tolerances).
        rtol: relative error of a step, of x and of the log-determinant. Values below 8 rounding errors of the numbers'
            float type count as that.
        atol: absolute error of a step, in the same way.
        max_steps: the most steps of one solve, rejected ones included.
        adjoint: how gradients go back. "checkpoint": through the steps taken, which are exact gradients of the numbers
            computed; memory grows as the root of `max_steps`. "backsolve": by a second equation solved backwards, whose
            memory does not grow with the steps, and whose gradients are as exact as the tolerances. "direct": as
            "checkpoint", with more memory, and in forward mode too, which the others refuse with a TypeError.
        unconverged: what happens to an event that takes more than `max_steps`. "raise": `NotConverged`, for the whole
            batch; in compiled code as `numerics.convergence.unless_failed` says.
            "nan": the event alone becomes NaN, which training meets with the guard of `fit`.

    Raises:
        ConfigError: if a field does not fit.

    Reference: the adjoint equation in Chen et al. 2018, arXiv:1806.07366, eq. 3-5.
    """

    method: Method = "tsit5"
    rtol: float = 1e-5
    atol: float = 1e-5
    max_steps: int = 1024
    adjoint: Adjoint = "checkpoint"
    unconverged: Literal["raise", "nan"] = "raise"

    def __post_init__(self) -> None:
        for name, kinds in (
            ("method", Method),
            ("adjoint", Adjoint),
            ("unconverged", Literal["raise", "nan"]),
        ):
            if getattr(self, name) not in get_args(kinds):
                raise ConfigError(
                    f"Solver: expected {name} {' or '.join(get_args(kinds))}, got {getattr(self, name)!r}."
                )
        for name in ("rtol", "atol"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"Solver: expected {name} between 0 and 1, got {getattr(self, name)!r}.")
        if type(self.max_steps) is not int or self.max_steps < 1:
            raise ConfigError(
                f"Solver: expected max_steps to be a whole number of at least 1, got {self.max_steps!r}."
            )


class Costs(NamedTuple):
    """What a path costs, as integrals over the time from 0 to 1; both are 0 for the identity.

    Attributes:
        kinetic: of |f|^2, shape ().
        jacobian: of |df/dx|^2, the squared Frobenius norm, shape ().
    """

    kinetic: Array
    jacobian: Array


class _State(NamedTuple):
    """What is solved for: the event, the log-determinant or None, the costs or None."""

    x: Array
    log_det: Any
    costs: Any


class Continuous(Bijector):
    """The solution at time 1 of dx/dt = f(t, x; context) that starts at time 0 in the base point.

    log|det dy/dx| is the integral of tr(df/dx) along the path. Both directions solve the equation by the same adaptive
    steps, the inverse with time running back, so that neither is cheaper than the other.

    Args:
        velocity: f, called as velocity(t, x, context) with t of shape (); returns an array of x's shape. It should be
            smooth, and grow at most linearly, else solutions may leave for infinity: see `nets.TimeMLP`.
        shape: shape of an event.
        context_shape: shape of the context that the velocity takes, or None.
        solver: method, tolerances and limits.
        divergence: how tr(df/dx) is found while a key is given, that is in training: "exact", by as many
            Jacobian-vector products as an event has numbers; "estimate", without bias by one product with a random
            probe, which stays the same along a path; "auto": exact up to 16 numbers. Without a key it is always exact,
            so that densities are deterministic.
        probe: "rademacher" (signs) or "normal".

    Raises:
        ConfigError: if divergence or probe is another word.
        NotConverged: when called, if `solver.max_steps` do not do, see `Solver`.

    Gradients: finite where the velocity's are. Events and contexts that are not finite become NaN.
    Accuracy: that of the tolerances: with rtol = atol = 1e-5 errors of about 1e-5 in x and in nats, in float64 with
        1e-10 about 1e-9 (tests/bijectors/test_continuous.py::test_a_linear_velocity_is_the_matrix_exponential).
    Reference: Chen et al. 2018, Neural Ordinary Differential Equations, arXiv:1806.07366, eq. 8; Grathwohl et al. 2019,
        FFJORD, arXiv:1810.01367.
    """

    velocity: Callable
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    solver: Solver = eqx.field(static=True)
    divergence: Divergence = eqx.field(static=True)
    probe: Probe = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(
        self,
        velocity: Callable,
        shape: Sequence[int],
        context_shape: Sequence[int] | None = None,
        *,
        solver: Solver = Solver(),
        divergence: Divergence = "auto",
        probe: Probe = "rademacher",
    ) -> None:
        for name, value, kinds in (("divergence", divergence, Divergence), ("probe", probe, Probe)):
            if value not in get_args(kinds):
                raise ConfigError(
                    f"Continuous: expected {name} {' or '.join(get_args(kinds))}, got {value!r}."
                )
        self.velocity = velocity
        self.in_shape = tuple(shape)
        self.context_shape = None if context_shape is None else tuple(context_shape)
        self.solver = solver
        self.divergence = divergence
        self.probe = probe
        self.cheap = "neither"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Follow the velocity from time 0 to 1; a key is for the probe. See `Bijector`."""
        end = self._solve("forward_and_log_det", x, context, key)
        return end.x, end.log_det

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Follow the velocity back from time 1 to 0; a key is for the probe. See `Bijector`."""
        end = self._solve("inverse_and_log_det", y, context, key)
        return end.x, end.log_det

    # The steps taken depend on the error of the log-determinant, so no compiler can leave it out by itself.

    def forward(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return y alone, without any divergence; it may differ from the other y by the tolerances."""
        return self._solve("forward", x, context, key, log_det=False).x

    def inverse(self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return x alone, without any divergence; it may differ from the other x by the tolerances."""
        return self._solve("inverse", y, context, key, log_det=False).x

    def inverse_with_costs(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array, Costs]:
        """Map one data event to the base side, and say what the path costs.

        Args:
            y: the event, shape `out_shape`.
            context: the condition, shape `context_shape`.
            key: for the probe, with which the Jacobian's norm is estimated too.

        Returns:
            x, log|det dx/dy|, and the costs.

        Reference: Finlay et al. 2020, How to Train Your Neural ODE, arXiv:2002.02798, section 3.
        """
        end = self._solve("inverse_with_costs", y, context, key, costs=True)
        return end.x, end.log_det, end.costs

    def _solve(
        self,
        method: str,
        event: Array,
        context: Array | None,
        key: PRNGKeyArray | None,
        *,
        log_det: bool = True,
        costs: bool = False,
    ) -> _State:
        # The solver's loop must keep its dtype: start with the one that parameters and context lead to.
        inexact = jax.tree.leaves(eqx.filter((self.velocity, context), eqx.is_inexact_array))
        event = event.astype(jnp.result_type(event, *inexact))
        # A row that is not finite would take all steps there are: it is solved as zero, and NaN in the end.
        finite = jnp.all(jnp.isfinite(event)) & (context is None or jnp.all(jnp.isfinite(context)))
        event, context = jax.tree.map(lambda leaf: jnp.where(finite, leaf, 0), (event, context))
        estimate = self.divergence == "estimate" or (self.divergence == "auto" and event.size > _EXACT_UP_TO)
        probe = draw_probe(key, event, self.probe) if log_det and estimate and key is not None else None
        zero = jnp.zeros((), event.dtype)
        start = _State(event, zero if log_det else None, Costs(zero, zero) if costs else None)
        backwards = method.startswith("inverse")
        end, solved = _solution(
            _Motion(self.velocity, context, probe), start, self.solver, backwards=backwards
        )
        end = _checked(f"Continuous.{method}", end, solved, self.solver)
        if end.costs is not None:  # time runs back, and costs do not
            end = end._replace(costs=Costs(-end.costs.kinetic, -end.costs.jacobian))
        return jax.tree.map(lambda leaf: jnp.where(finite & solved, leaf, jnp.nan), end)


class _Motion(eqx.Module):
    """The right side of the equation for everything that is solved for: x, log-determinant and costs."""

    velocity: Callable
    context: Array | None
    probe: Array | None

    def __call__(self, t: Array, state: _State, args: None) -> _State:
        del args

        def field(x: Array) -> Array:
            return self.velocity(t, x, self.context)

        if state.log_det is None:
            return _State(field(state.x), None, None)
        local: Local = exact(field, state.x) if self.probe is None else estimated(field, state.x, self.probe)
        costs = None if state.costs is None else Costs(jnp.sum(jnp.square(local.value)), local.squared_norm)
        return _State(local.value, local.divergence, costs)


def _diffrax() -> types.ModuleType:
    """Import diffrax where it is first needed: it takes half a second that `import pushforward` shall not."""
    # The first call may be traced, and the module's constants must not be.
    with jax.ensure_compile_time_eval():
        import diffrax
    return diffrax


def _solution(motion: _Motion, start: _State, solver: Solver, *, backwards: bool) -> tuple[_State, Array]:
    """Solve from time 0 to 1, or back; return the end and whether it was reached."""
    diffrax = _diffrax()
    dtype = start.x.dtype
    least = _LEAST_TOLERANCE * float(jnp.finfo(dtype).eps)
    tolerances = {"rtol": max(solver.rtol, least), "atol": max(solver.atol, least)}

    def size(error: _State) -> Array:
        """The larger error of x and of the log-determinant, so that many features do not hide the latter's."""
        error = jax.lax.stop_gradient(error)  # the steps are no function to differentiate
        x = jnp.sqrt(jnp.mean(jnp.square(error.x)))
        return x if error.log_det is None else jnp.maximum(x, jnp.abs(error.log_det))

    methods = {"tsit5": diffrax.Tsit5, "dopri5": diffrax.Dopri5, "dopri8": diffrax.Dopri8}
    if solver.adjoint == "backsolve":
        # The parameters' gradients are integrals that nothing feeds back on: their errors decide no step.
        back = diffrax.PIDController(**tolerances, norm=diffrax.adjoint_rms_seminorm)
        adjoint = diffrax.BacksolveAdjoint(stepsize_controller=back)
    elif solver.adjoint == "direct":
        adjoint = diffrax.DirectAdjoint()
    else:
        adjoint = diffrax.RecursiveCheckpointAdjoint()
    t0, t1 = (1.0, 0.0) if backwards else (0.0, 1.0)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(motion),
        methods[solver.method](),
        jnp.asarray(t0, dtype),
        jnp.asarray(t1, dtype),
        None,
        start,
        stepsize_controller=diffrax.PIDController(**tolerances, norm=size),
        adjoint=adjoint,
        max_steps=solver.max_steps,
        throw=False,
    )
    end = jax.tree.map(lambda leaf: leaf[0], solution.ys)
    return end, solution.result == diffrax.RESULTS.successful


def _checked(who: str, end: _State, solved: Array, solver: Solver) -> _State:
    """Return the end, or raise if it was not reached and the solver is to raise."""
    if solver.unconverged == "nan":
        return end
    message = (
        f"{who}: expected {solver.method} to meet rtol={solver.rtol:g} and atol={solver.atol:g} within "
        f"max_steps={solver.max_steps}, got no solution. Allow more steps or larger errors, or train with "
        "objectives.regularised_likelihood."
    )
    return unless_failed(end, ~solved, message)
