"""Pushforward without an option: `fit_table` on the training rows, and minus the log-density of each test row."""

import jax.random as jr
import numpy as np
from sets import Split, jitter_steps, reduced

import pushforward as pf

DRAWS = 8


def flow(split: Split, seed: int, seconds: float) -> tuple[np.ndarray, dict]:
    """The default flow; columns with many ties get uniform noise of their step, and test rows the mean over 8 draws.

    The mean density over the noise is that of the rounded value, divided by the step.
    """
    small, how = reduced(split)
    rng, steps = np.random.default_rng(seed), jitter_steps(small.train)

    def noisy(rows: np.ndarray) -> np.ndarray:
        return rows + steps * rng.uniform(-0.5, 0.5, rows.shape)

    found = pf.fit_table(
        noisy(small.train),
        key=jr.key(seed),
        validation=0.1 if len(small.train) >= 50 else 0,
        max_seconds=seconds,
        # Without validation rows nothing stops the training but this.
        max_epochs=None if len(small.train) >= 50 else 50,
        progress=False,
    )
    draws = DRAWS if steps.any() else 1
    with np.errstate(over="ignore"):
        logs = [np.asarray(found.flow.log_prob(noisy(small.test)), np.float64) for _ in range(draws)]
    # Rows so far out that their density is no number in float32 are the most anomalous.
    scores = -np.logaddexp.reduce(np.nan_to_num(logs, nan=-1e30, neginf=-1e30), axis=0)
    about = {
        "columns": how,
        "jittered": int((steps > 0).sum()),
        "steps": found.steps,
        "ended": found.stopped,
        "validation": found.validation_log_prob,
        "training": found.train_log_prob,
    }
    return scores, about


METHODS = {"pushforward": flow}
