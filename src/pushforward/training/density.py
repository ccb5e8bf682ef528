"""fit_to_density: from an unnormalised density to a flow that draws from it."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..bijectors.frozen import trainable
from ..distributions.base import Distribution
from ..errors import ConfigError, NonFiniteLoss, ShapeError
from ..numerics.programs import make_room, program
from ..objectives.reverse_kl import Gradient, LogDensity, reverse_kl
from .clock import Clock
from .guard import TRIES, Fault, Guard
from .history import Check, FitResult, History
from .optimizer import AnyOptimizer, Optimizer
from .progress import Display, display
from .record import Record
from .step import Span, TrainState, initial_state, updated
from .streams import stream

_CHECKS = 100
"""How many checks there are in a run, if it has that many steps."""

_WHO = "fit_to_density"


@dataclasses.dataclass(frozen=True)
class Plan:
    """The settings that the compiled steps hold.

    Attributes:
        samples: draws of a step.
        gradient: see `reverse_kl`.
        anneal: where the power of the target starts, and in how many steps it would rise by one; None for 1.
    """

    samples: int
    gradient: Gradient
    anneal: tuple[float, int] | None

    def beta(self, step: Array) -> Array:
        """Return the power of the target at a step counted from 0."""
        start, steps = (1.0, 1) if self.anneal is None else self.anneal
        return jnp.minimum(1.0, start + step / steps)


def fit_to_density(
    flow: Distribution,
    log_density: LogDensity,
    *,
    key: PRNGKeyArray,
    samples: int = 256,
    steps: int = 5000,
    gradient: Gradient = "total",
    anneal: tuple[float, int] | None = None,
    optimizer: AnyOptimizer | None = None,
    progress: bool | Callable[[Check], Any] = True,
) -> FitResult:
    """Train a flow to draw from a density that is known up to a constant, by the reverse KL divergence.

    No data are needed: each step draws from the flow and asks the density what it thinks of the draws. Many steps run
    in one compiled call. Ctrl-C ends the training and returns the flow so far. A loss or gradient that is not finite
    makes the run go back to the last checks with half the learning rate. On the CPU the same call gives the same bits.

    A flow that is fitted so may leave out modes of the density altogether: `diagnostics.log_normalizer` tells how well
    it fits where it draws. `anneal` helps against that.

    Args:
        flow: what to train, without context. Its draws must depend smoothly on its parameters, and their direction,
            base to data, should be cheap. It must draw only where the density is positive.
        log_density: unnormalised log-density of ONE event, shape event_shape, in nats, a scalar written in JAX.
        key: a JAX random key; it decides the draws.
        samples: draws of a step.
        steps: how many steps.
        gradient: "total" or "path", whose noise vanishes near a perfect fit, but which also takes the flow's inverse;
            see `reverse_kl`.
        anneal: (start, rise): step t fits the density's power min(1, start + t / rise), which is flatter at first. The
            paper takes (0.01, 10000). None: the density itself.
        optimizer: an `Optimizer`; or any transformation of Optax, with its own learning rate and no average.
        progress: True for a bar on standard error if that is a terminal or a notebook; False for nothing; or a
            callable that receives a `Check` a hundred times. The whole run counts as one epoch.

    Returns:
        The trained flow with the history: `train_loss` is KL(q || p) - log Z in nats, its mean since the check before,
        of the flattened density while `anneal` is at work.

    Raises:
        ConfigError: if an argument is out of its range, or the flow takes a context or has nothing to train.
        ShapeError: if the log-density is no single number.
        NonFiniteLoss: if a loss or gradient stays not finite in eight tries; names the step, and says whether the flow
            or the density is to blame.

    Example:
        result = fit_to_density(flow, lambda x: -jnp.sum(x**4), key=jax.random.key(0))

    Reference: Rezende and Mohamed 2015, Variational Inference with Normalizing Flows, arXiv:1505.05770, section 4.2
        and eq. 20.
    """
    clock = Clock()
    make_room()
    shown = display(progress)
    plan = _checked(flow, log_density, samples, steps, gradient, anneal)
    params, fixed = eqx.partition(flow, trainable(flow))
    if not jax.tree.leaves(params):
        raise ConfigError(f"{_WHO}: {type(flow).__name__} has nothing to train.")
    optimizer = Optimizer() if optimizer is None else optimizer
    program = Program(fixed, log_density, plan, optimizer, stream(key, "noise"))
    run = _Run(program, initial_state(params, optimizer), steps, clock, shown)
    with shown:
        try:
            run.run()
            stopped = "steps"
        except KeyboardInterrupt:
            stopped = "interrupted"
    return FitResult(
        flow=eqx.combine(run.latest.shown(), fixed),
        history=History.of(run.record.checks),
        best_epoch=int(run.latest.step) / steps,
        best_validation_loss=None,
        stopped=stopped,
        steps=int(run.latest.step),
        seconds=clock.elapsed(),
        retries=run.record.retries,
    )


@dataclasses.dataclass(frozen=True)
class Program:
    """What the steps of a run have in common: the flow without its parameters, the density, settings and randomness."""

    fixed: Distribution
    log_density: LogDensity
    plan: Plan
    optimizer: AnyOptimizer
    key: PRNGKeyArray

    def __call__(self, state: TrainState, span: Span) -> TrainState:
        """Train from a state up to the end of a span, or up to the first step that is not finite."""
        return _density_steps(
            state, self.fixed, self.log_density, span, self.key, plan=self.plan, optimizer=self.optimizer
        )

    def blame(self, params: PyTree, step: int) -> str:
        """Say what is not finite at the draws of a step."""
        keys = jr.split(jr.fold_in(self.key, step), self.plan.samples)
        flow = eqx.combine(params, self.fixed)
        x, log_q = jax.vmap(lambda key: flow._sample_and_log_prob(key, None))(keys)
        log_p = np.asarray(jax.vmap(self.log_density)(x))
        bad_q, bad_p = (~np.isfinite(np.asarray(values)) for values in (log_q, log_p))
        text = f"Of its {len(keys)} draws, {bad_q.sum()} have no finite log-density under the flow and {bad_p.sum()} "
        text += "none under the target"
        if bad_p.any():
            first = np.array2string(np.asarray(x)[np.argmax(bad_p)].ravel()[:8], precision=4)
            text += f", first at x = {first}: the flow must draw only where the target is positive"
        return f"{text}."


@program
def _density_steps(
    state: TrainState,
    fixed: Distribution,
    log_density: LogDensity,
    span: Span,
    key: PRNGKeyArray,
    *,
    plan: Plan,
    optimizer: AnyOptimizer,
) -> TrainState:
    def goes_on(state: TrainState) -> Array:
        return (state.step < span.stop) & ~state.bad

    def step(state: TrainState) -> TrainState:
        def loss_of(params: PyTree) -> Array:
            flow = eqx.combine(params, fixed)
            noise, beta = jr.fold_in(key, state.step), plan.beta(state.step)
            options = {"samples": plan.samples, "gradient": plan.gradient}
            return reverse_kl(flow, log_density, noise, beta=beta, **options)

        loss, gradient = jax.value_and_grad(loss_of)(state.params)
        return updated(state, loss, gradient, jnp.ones((), float), span, optimizer)

    return jax.lax.while_loop(goes_on, step, state)


class _Run:
    """The loop on the host: slices of compiled steps, checks, and the way back from what is not finite."""

    def __init__(self, program: Program, state: TrainState, steps: int, clock: Clock, shown: Display) -> None:
        self.record = Record(state=state, best=None, best_loss=float("inf"), best_step=0)
        self.latest = state
        self._program, self._steps, self._clock, self._display = program, steps, clock, shown
        self._guard = Guard(self.record)

    def run(self) -> None:
        """Train to the end; `record` and `latest` are whole at every moment."""
        every = max(self._steps // _CHECKS, 1)
        jax.block_until_ready(self._program(self.latest, self._span(0)))  # compiles
        while self.record.step < self._steps:
            target = min((self.record.step // every + 1) * every, self._steps)
            try:
                while int(self.latest.step) < target:
                    self.latest = self._slice(self.latest, target)
                self._check()
            except Fault as fault:
                self._go_back(fault)

    def _span(self, stop: int) -> Span:
        return Span.of(stop, start=0.0, origin=0, slope=1 / self._steps, scale=self.record.scale)

    def _slice(self, state: TrainState, target: int) -> TrainState:
        step = int(state.step)
        span = self._span(step + self._clock.slice_steps(target - step))
        start = time.perf_counter()
        new = self._program(state, span)
        reached, bad = jax.device_get((new.step, new.bad))
        self._clock.saw_steps(int(reached) - step, time.perf_counter() - start)
        if bad:
            raise Fault(int(reached), float(new.loss), float(new.norm), state, span)
        done = int(reached) / self._steps
        self._display.moved(done, done, self._clock.seconds_left(self._steps - int(reached)))
        return new

    def _check(self) -> None:
        state, old = self.latest, self.record
        sums = jax.device_get((state.loss_sum, state.weight_sum, state.rate))
        loss_sum, weight_sum, rate = (float(number) for number in sums)
        step = int(state.step)
        check = Check(
            epoch=step / self._steps,
            step=step,
            train_loss=loss_sum / weight_sum,
            validation_loss=None,
            best_validation_loss=None,
            learning_rate=rate,
            seconds=self._clock.elapsed(),
            seconds_left=self._clock.seconds_left(self._steps - step),
            retries=old.retries,
        )
        zero = jnp.zeros_like(state.loss_sum)
        self.latest = state._replace(loss_sum=zero, weight_sum=zero)
        self.record = dataclasses.replace(old, state=self.latest, checks=(*old.checks, check))
        self._guard.passed(self.record)
        self._display.checked(check)

    def _go_back(self, fault: Fault) -> None:
        anchor = self._guard.retreat(fault)
        if anchor is None:
            stop = fault.span._replace(stop=np.asarray(fault.step, np.int32))
            blame = self._program.blame(self._program(fault.before, stop).params, fault.step)
            raise NonFiniteLoss(
                f"{_WHO}: step {fault.step} gave loss {fault.loss:g} and gradient norm {fault.norm:g}, also after "
                f"going back {TRIES} times with half the learning rate each time. {blame}"
            )
        scale, retries = 0.5 * self.record.scale, self.record.retries + 1
        self.record = dataclasses.replace(anchor, scale=scale, retries=retries)
        self.latest = self.record.state
        self._display.went_back(f"Step {fault.step}: loss {fault.loss:g}. Learning rate times {scale:g}.")


def _checked(
    flow: Distribution, log_density: LogDensity, samples: int, steps: int, gradient: Gradient, anneal: Any
) -> Plan:
    if not isinstance(flow, Distribution):
        raise ConfigError(f"{_WHO}: expected a flow or another Distribution, got {type(flow).__name__}.")
    if flow.context_shape is not None:
        raise ConfigError(
            f"{_WHO}: expected a flow without context, got one with contexts of shape {flow.context_shape}."
        )
    for name, value in (("samples", samples), ("steps", steps)):
        if type(value) is not int or value < 1:
            raise ConfigError(f"{_WHO}: expected {name} to be a whole number of at least 1, got {value!r}.")
    if gradient not in get_args(Gradient):
        raise ConfigError(f"{_WHO}: expected gradient total or path, got {gradient!r}.")
    if anneal is not None and not (len(anneal) == 2 and 0 < anneal[0] <= 1 and anneal[1] > 0):
        raise ConfigError(f"{_WHO}: expected anneal to be (start in (0, 1], steps > 0), got {anneal!r}.")
    found = jax.eval_shape(log_density, jax.ShapeDtypeStruct(flow.event_shape, jnp.zeros(()).dtype))
    if getattr(found, "shape", None) != ():
        raise ShapeError(
            f"{_WHO}: expected a log_density that returns one number for one event of shape {flow.event_shape}, got "
            f"{getattr(found, 'shape', found)}."
        )
    return Plan(samples, gradient, None if anneal is None else (float(anneal[0]), int(anneal[1])))
