"""The training loop on the host: slices of compiled steps, checks, and what is remembered in between."""

import dataclasses
import time
from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from .autopsy import explain
from .clock import Clock
from .feed import make_feed
from .guard import Fault, Guard
from .history import Check, Stopped
from .layout import SharedClock
from .progress import Display
from .record import Job, Record
from .rows import Split
from .settling import Settler
from .step import Span, TrainState, evaluate, to_chunks, train_steps
from .streams import stream


class Loop:
    """Trains from a record until something ends it.

    Args:
        job: what to do.
        record: where to begin.
        clock: running since `fit` was called.
        display: what shows the progress.
        save: writes a record somewhere safe, called after every check.

    Attributes:
        record: the run at its last check.
        latest: the state after the last good slice, which is what there is before the first check.
    """

    def __init__(
        self,
        job: Job,
        record: Record,
        clock: Clock | SharedClock,
        display: Display,
        save: Callable[[Record], None] | None,
    ) -> None:
        self.job = job
        self.record = record
        self.latest = record.state
        self._clock = clock
        self._display = display
        self._save = save
        self._guard = Guard(record)
        layout, held_out = job.layout, job.split.validation
        self._feed = make_feed(job.split, job.plan.deal, stream(job.key, "shuffle"), layout)
        self._chunks = None if held_out is None else to_chunks(held_out, layout)
        self._settler = Settler(job.fixed, job.split.training, layout)
        noise_key = stream(job.key, "noise")
        self._noise_key = noise_key if layout is None else layout.replicated(noise_key)

    def run(self) -> Stopped:
        """Train. Ctrl-C ends it like any other reason; `record` and `latest` are whole at every moment."""
        try:
            if self._reason() is None:
                self._warm_up()
            while (reason := self._reason()) is None:
                try:
                    self._round()
                except Fault as fault:
                    self._go_back(fault)
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            self._feed.close()
        return reason

    def shown(self, state: TrainState) -> PyTree:
        """Return the parameters to validate and to hand out, with the statistics that belong to them."""
        return self._settler(state.shown())

    def _warm_up(self) -> None:
        """Compile, so that the clock sees steps alone; and let the flow as it came be the first best one."""
        record = self.record
        jax.block_until_ready(self._train(record.state, self._span(record.step, 0, record.progress)[0]))
        shown = self.shown(record.state)
        loss = self._validate(shown)
        if loss is None:
            return
        if self._clock.limited:
            start = time.perf_counter()
            self._validate(self.shown(record.state))
            self._clock.saw_check(time.perf_counter() - start)
        if not record.checks and np.isfinite(loss):
            self.record = dataclasses.replace(record, best=shown, best_loss=loss)
            self._guard.passed(self.record)

    def _reason(self) -> Stopped | None:
        """Return why the run should end now, or None."""
        record, plan = self.record, self.job.plan
        if plan.max_steps is not None and record.step >= plan.max_steps:
            return "epochs"
        if plan.patient_steps is not None and record.step - record.best_step >= plan.patient_steps:
            return "patience"
        return "time" if record.checks and self._clock.is_over() else None

    def _round(self) -> None:
        """Train up to the next check, or till the time is over, and check."""
        state, progress = self.record.state, self.record.progress
        step, target = self.record.step, self.job.plan.next_check(self.record.step)
        while step < target and not (step > self.record.step and self._clock.is_over()):
            state, step, progress = self._slice(state, step, progress, target)
            self.latest = state
            self._tell(step, progress)
        self._check(state, step, progress)

    def _slice(
        self, state: TrainState, step: int, progress: float, target: int
    ) -> tuple[TrainState, int, float]:
        """Take as many steps as fit between two looks of the host and into the rows at hand."""
        start = time.perf_counter()
        stop = min(target, self._feed.portion(step).stop)
        count = self._clock.slice_steps(stop - step)
        span, progress = self._span(step, count, progress)
        new = self._train(state, span)
        reached, bad = jax.device_get((new.step, new.bad))
        self._clock.saw_steps(int(reached) - step, time.perf_counter() - start)
        if bad:
            raise Fault(int(reached), float(new.loss), float(new.norm), state, span)
        return new, int(reached), progress

    def _span(self, step: int, count: int, progress: float) -> tuple[Span, float]:
        """Return the next `count` steps with the schedule along them, and the progress at their end.

        Without a time limit the progress of a step depends on its number alone, so a run is the same bit for
        bit wherever the host looks.
        """
        total, scale = self.job.plan.max_steps, self.record.scale
        end = self._clock.advance(progress, count)
        by_steps = 0.0 if total is None else (step + count) / total
        if not self._clock.limited:
            slope = 0.0 if total is None else 1 / total
            return Span.of(step + count, start=0.0, origin=0, slope=slope, scale=scale), by_steps
        end = max(end, by_steps)
        slope = (end - progress) / max(count, 1)
        return Span.of(step + count, start=progress, origin=step, slope=slope, scale=scale), end

    def _train(self, state: TrainState, span: Span) -> TrainState:
        job, portion = self.job, self._feed.portion(int(state.step))
        return train_steps(
            state,
            job.fixed,
            portion.rows,
            portion.order,
            span,
            self._noise_key,
            portion.first,
            deal=job.plan.deal,
            objective=job.objective,
            optimizer=job.optimizer,
            layout=job.layout,
        )

    def _validate(self, shown: PyTree) -> float | None:
        if self._chunks is None:
            return None
        return float(evaluate(shown, self.job.fixed, self._chunks, objective=self.job.objective))

    def _tell(self, step: int, progress: float) -> None:
        self._display.moved(progress, step / self.job.plan.deal.steps, self._seconds_left(step))

    def _seconds_left(self, step: int) -> float | None:
        total = self.job.plan.max_steps
        return self._clock.seconds_left(None if total is None else total - step)

    def _check(self, state: TrainState, step: int, progress: float) -> None:
        """Validate, remember, save and tell."""
        start = time.perf_counter()
        old, shown = self.record, self.shown(state)
        loss = self._validate(shown)
        # A loss that is not finite need not be a fault: a density may be zero at a row. It is never better
        # than a finite one; while there is none, the latest flow is the best.
        lower = loss is not None and np.isfinite(loss) and loss < old.best_loss
        better = loss is None or lower or old.best_loss == float("inf")
        best_loss = loss if loss is not None and lower else old.best_loss
        check = self._measured(state, step, loss, best_loss)
        # The sums of a record are always zero: a check uses them up.
        zero = old.state.loss_sum
        self.record = dataclasses.replace(
            old,
            state=state._replace(loss_sum=zero, weight_sum=zero),
            best=shown if better else old.best,
            best_loss=best_loss,
            best_step=step if better else old.best_step,
            checks=(*old.checks, check),
            progress=progress,
            seconds=check.seconds,
        )
        self._guard.passed(self.record)
        if self._save is not None:
            self._save(self.record)
        self._display.checked(check)
        self._clock.saw_check(time.perf_counter() - start)

    def _measured(self, state: TrainState, step: int, loss: float | None, best_loss: float) -> Check:
        loss_sum, weight_sum, rate = (
            float(number) for number in jax.device_get((state.loss_sum, state.weight_sum, state.rate))
        )
        return Check(
            epoch=step / self.job.plan.deal.steps,
            step=step,
            train_loss=loss_sum / weight_sum,
            validation_loss=loss,
            best_validation_loss=None if loss is None else best_loss,
            learning_rate=rate,
            seconds=self._clock.elapsed(),
            seconds_left=self._seconds_left(step),
            retries=self.record.retries,
        )

    def _go_back(self, fault: Fault) -> None:
        """Return to an earlier record with half the rate, or raise if that was tried often enough."""
        anchor = self._guard.retreat(fault)
        if anchor is None:
            raise self._explained(fault)
        scale, retries = 0.5 * self.record.scale, self.record.retries + 1
        self.record = dataclasses.replace(anchor, scale=scale, retries=retries)
        self.latest = self.record.state
        self._display.went_back(
            f"Step {fault.step}: loss {fault.loss:g}, gradient norm {fault.norm:g}. "
            f"Back to step {anchor.step}, learning rate times {scale:g}."
        )

    def _explained(self, fault: Fault) -> Exception:
        """Repeat the slice up to the step before the bad one, and look there for what broke."""
        stop = fault.span._replace(stop=np.asarray(fault.step, np.int32))
        state = self._train(fault.before, stop)
        rows, numbers = self._feed.batch(fault.step)
        settled = eqx.combine(self._settler(state.params), self.job.fixed)
        batch = Split(rows, None, numbers)
        return explain(fault, state.params, settled, batch, np.arange(len(numbers)), self._guard.tries - 1)
