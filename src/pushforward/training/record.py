"""What a run is: the part that stays the same, and the part that a check replaces."""

from dataclasses import dataclass

from jaxtyping import PRNGKeyArray, PyTree

from ..distributions.base import Distribution
from ..objectives.base import Objective
from .history import Check
from .layout import Layout
from .optimizer import AnyOptimizer
from .plan import Plan
from .rows import Split
from .settling import as_given
from .step import TrainState, initial_state
from .stream_split import StreamSplit


@dataclass(frozen=True)
class Job:
    """What stays the same during a run.

    Attributes:
        params: the trainable arrays of the flow at the start, None in all other places.
        fixed: the flow without them.
        split: the rows.
        plan: when to look up and end.
        objective: the loss to minimise.
        optimizer: how to minimise it.
        key: of the run; its streams are made by name.
        layout: the devices that share each batch; None for one.
    """

    params: PyTree
    fixed: Distribution
    split: Split | StreamSplit
    plan: Plan
    objective: Objective
    optimizer: AnyOptimizer
    key: PRNGKeyArray
    layout: Layout | None = None


@dataclass(frozen=True)
class Record:
    """All that a run is at a check. It is replaced whole, so an interrupt never finds half of it.

    Attributes:
        state: of the compiled training.
        best: the parameters to return, with the statistics of the training rows that belong to them.
        best_loss: their validation loss in nats; infinity while there is none.
        best_step: when they were found.
        checks: the history.
        scale: the guard's factor on the rate, 1 until it had to act.
        retries: how often it had to.
        progress: of the schedule, in [0, 1].
        seconds: used so far.
    """

    state: TrainState
    best: PyTree
    best_loss: float
    best_step: int
    checks: tuple[Check, ...] = ()
    scale: float = 1.0
    retries: int = 0
    progress: float = 0.0
    seconds: float = 0.0

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.state.step)

    @classmethod
    def fresh(cls, job: Job) -> "Record":
        """Return the record of a run that has not begun."""
        state = initial_state(job.params, job.optimizer)
        best = as_given(state.params, job.fixed)
        if job.layout is not None:
            state, best = job.layout.replicated((state, best))
        return cls(state=state, best=best, best_loss=float("inf"), best_step=0)
