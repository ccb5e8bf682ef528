"""What a run remembers and returns, as plain data."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ..distributions.base import Distribution

Stopped = Literal["patience", "epochs", "steps", "time", "interrupted"]


class Check(NamedTuple):
    """The numbers of one check: one row of the history, and the event that a progress callable receives.

    Attributes:
        epoch: epochs done; a fraction where an epoch has several checks.
        step: steps done.
        train_loss: mean loss of the steps since the check before, in nats, each at the parameters of its
            time.
        validation_loss: loss of the validation rows, in nats; None without such rows.
        best_validation_loss: the lowest so far; None without validation rows.
        learning_rate: what the last update was multiplied with.
        seconds: since the start of the run.
        seconds_left: until its end at the latest, as far as known.
        retries: how often the guard has taken the run back so far.
    """

    epoch: float
    step: int
    train_loss: float
    validation_loss: float | None
    best_validation_loss: float | None
    learning_rate: float
    seconds: float
    seconds_left: float | None
    retries: int


@dataclass(frozen=True)
class History:
    """The checks of a run as lists of equal length; losses in nats. See `Check` for what each holds.

    Without validation rows `validation_loss` is empty.
    """

    epoch: list[float] = field(default_factory=list)
    step: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, checks: tuple[Check, ...]) -> "History":
        """Turn rows into columns."""
        return cls(
            epoch=[check.epoch for check in checks],
            step=[check.step for check in checks],
            train_loss=[check.train_loss for check in checks],
            validation_loss=[c.validation_loss for c in checks if c.validation_loss is not None],
            learning_rate=[check.learning_rate for check in checks],
            seconds=[check.seconds for check in checks],
        )

    def __repr__(self) -> str:
        return f"History({len(self.step)} checks)"


@dataclass(frozen=True)
class FitResult:
    """What `fit` returns.

    Attributes:
        flow: the trained flow: the best by validation, or without validation rows the last.
        history: the course of the training.
        best_epoch: the epoch after which `flow` was as it is; 0.0 if training never improved it.
        best_validation_loss: its validation loss in nats, None without validation rows.
        stopped: why training ended: "patience", "epochs", "steps", "time" or "interrupted".
        steps: steps done.
        seconds: time taken, compilation included; for a resumed run of all its parts.
        retries: how often a loss was not finite and training went back.
    """

    flow: Distribution
    history: History
    best_epoch: float
    best_validation_loss: float | None
    stopped: Stopped
    steps: int
    seconds: float
    retries: int

    def __repr__(self) -> str:
        best = self.best_validation_loss
        loss = "" if best is None else f", validation loss {best:.4f} nats"
        return (
            f"FitResult(stopped by {self.stopped} after {self.steps} steps in {self.seconds:.1f} s; "
            f"best epoch {self.best_epoch:.4g}{loss})"
        )
