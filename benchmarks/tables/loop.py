"""Training with early stopping under a wall-time budget: one loop for every peer flow."""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass
class Budget:
    """The seconds a method may use, from building the model to its last validation."""

    seconds: float
    threads: int
    seed: int = 0
    schedule: str = "constant"  # of the learning rate: or "cosine", to zero at the end of the seconds
    start: float = field(default_factory=time.perf_counter)

    def used(self) -> float:
        """Seconds since the start; imports and reading the table came before."""
        return time.perf_counter() - self.start

    def left(self) -> float:
        """Seconds that remain."""
        return self.seconds - self.used()

    def rate(self, initial: float) -> float:
        """The learning rate now."""
        if self.schedule == "constant":
            return initial
        return 0.5 * initial * (1 + math.cos(math.pi * min(1.0, self.used() / self.seconds)))


class Trainable(Protocol):
    """What the loop needs of a model. Rows are named by their index in the training rows."""

    def step(self, rows: np.ndarray, learning_rate: float) -> Any:
        """One optimiser step; returns the loss, perhaps not computed yet."""

    def validate(self) -> float:
        """Mean log density of the validation rows, nats."""

    def snapshot(self) -> Any:
        """The weights, safe from later steps."""

    def restore(self, weights: Any) -> None:
        """Return to a snapshot, with a fresh optimiser state."""


def train(
    model: Trainable,
    count: int,
    budget: Budget,
    *,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    patience: int = 20,
    check_steps: int = 500,
) -> dict:
    """Train until `patience` checks bring nothing better or the time is over, and restore the best weights.

    A check (the mean validation log density) comes after every epoch, or every `check_steps` steps if epochs
    are longer. When the loss or the check is not finite, the best weights come back and the learning rate
    halves.
    """
    rng = np.random.default_rng(budget.seed)
    batches = count // batch_size
    every = min(batches, check_steps)
    model.validate()  # compiles where that is needed, so that the next one tells how long a check takes
    begin = time.perf_counter()
    score, best_weights = model.validate(), model.snapshot()
    best, check_seconds = score if math.isfinite(score) else -math.inf, time.perf_counter() - begin
    fruitless, retries, steps, ended = 0, 0, 0, ""
    while not ended:
        order = rng.permutation(count)
        for i in range(batches):
            loss = model.step(order[i * batch_size : (i + 1) * batch_size], budget.rate(learning_rate))
            steps += 1
            out_of_time = budget.left() < 1.5 * check_seconds
            broken = (steps % 10 == 0 or out_of_time) and not math.isfinite(float(loss))
            if steps % every == 0 or out_of_time or broken:
                begin = time.perf_counter()
                score = -math.inf if broken else model.validate()
                check_seconds = time.perf_counter() - begin
                if score > best:
                    best, best_weights, fruitless = score, model.snapshot(), 0
                else:
                    fruitless += 1
                if not math.isfinite(score):
                    model.restore(best_weights)
                    learning_rate, retries = learning_rate / 2, retries + 1
                ended = "time" if out_of_time else "early stopping" if fruitless >= patience else ""
                if ended:
                    break
    model.restore(best_weights)
    return {
        "steps": steps,
        "epochs": round(steps / batches, 2),
        "ended": ended,
        "retries": retries,
        "validation": best,
    }
