"""The counts of a run: rows per step, steps per epoch and per check, and the rules for what was left open."""

import math
from dataclasses import dataclass

from ..errors import ConfigError

DEFAULT_STEPS = 20_000
PATIENT_STEPS = 2_000
STEPS_BETWEEN_CHECKS = 500
# Validation is one pass forward; a training step costs about three.
_FORWARD_SHARE = 1 / 3
_VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Deal:
    """How an epoch deals its rows out to its steps: evenly, so that batches differ by at most one row.

    The first batches are the larger ones. So no batch is a small rest, whose step would be mostly noise.

    Attributes:
        rows: training rows.
        steps: steps in an epoch, at most as many as rows.
    """

    rows: int
    steps: int

    @property
    def batch(self) -> int:
        """Rows of the largest batch, the shape of the compiled step."""
        return -(-self.rows // self.steps)

    @property
    def small(self) -> int:
        """Rows of the smaller batches."""
        return self.rows // self.steps

    @property
    def larger(self) -> int:
        """How many batches, the first ones, have one row more than the others."""
        return self.rows % self.steps


@dataclass(frozen=True)
class Plan:
    """When the run looks up and ends.

    Attributes:
        deal: how the rows are dealt out.
        checks_per_epoch: how often in an epoch the flow is validated, always at its end.
        max_steps: the run ends there; None if only time ends it.
        patient_steps: the run ends after so many steps without a better validation loss; None if never.
    """

    deal: Deal
    checks_per_epoch: int
    max_steps: int | None
    patient_steps: int | None

    def next_check(self, step: int) -> int:
        """Return the first step after `step` at which the flow is validated."""
        epoch, within = divmod(step, self.deal.steps)
        ends = (k * self.deal.steps // self.checks_per_epoch for k in range(1, self.checks_per_epoch + 1))
        return epoch * self.deal.steps + next(end for end in ends if end > within)


def make_plan(
    rows: int,
    held_out: int,
    batch_size: int,
    max_epochs: int | None,
    max_seconds: float | None,
    patience: float | None,
) -> Plan:
    """Work out the counts, with these rules for what is None.

    - `max_epochs`, if `max_seconds` is None too: as many as make about 20,000 steps, at least 10, at most
      1000.
    - `patience`: as many epochs as make about 2,000 steps, at least 10.
    - The flow is validated at the end of every epoch; in longer epochs several times, every 500 steps or
      more, as long as validation takes no more than about a tenth of the time.

    Args:
        rows: training rows.
        held_out: validation rows; without any there is no patience.
        batch_size: the most rows of a step.
        max_epochs: the most epochs, or None.
        max_seconds: the most seconds, or None.
        patience: epochs without a better validation loss, or None; infinity for no limit.

    Raises:
        ConfigError: if a number is out of its range.
    """
    _check_count("batch_size", batch_size)
    if max_epochs is not None:
        _check_count("max_epochs", max_epochs)
    for name, value in (("max_seconds", max_seconds), ("patience", patience)):
        if value is not None and not value > 0:
            raise ConfigError(f"fit: expected {name} to be a positive number or None, got {value!r}.")
    steps = -(-rows // batch_size)
    if max_epochs is None and max_seconds is None:
        max_epochs = min(max(round(DEFAULT_STEPS / steps), 10), 1000)
    if patience is None:
        patience = max(math.ceil(PATIENT_STEPS / steps), 10)
    pause = max(STEPS_BETWEEN_CHECKS, _FORWARD_SHARE / _VALIDATION_SHARE * held_out / batch_size)
    return Plan(
        deal=Deal(rows, steps),
        checks_per_epoch=max(int(steps / pause), 1),
        max_steps=None if max_epochs is None else max_epochs * steps,
        patient_steps=math.ceil(patience * steps) if held_out and math.isfinite(patience) else None,
    )


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ConfigError(f"fit: expected {name} to be a whole number of at least 1, got {value!r}.")
