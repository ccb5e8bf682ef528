"""Pushforward with no option set: what `pushforward fit TABLE` runs, on rows in the table's own units."""

import jax.random as jr
import numpy as np

import pushforward as pf


def fit(split, budget):
    # The flow contains its own preprocessing, so it gets raw rows; the standardised density is the raw one
    # times the product of the scales.
    density, about = fit_default(split.original("train"), split.original("validation"), budget)
    log_scale = np.log(split.scale).sum()
    about["validation"] += log_scale
    return lambda rows: density(rows * split.scale + split.location) + log_scale, about


def fit_default(train, validation, budget):
    """Fit the default flow within budget.left() seconds: log_prob of NumPy rows, and {"steps", "ended"}."""
    found = pf.fit_table(
        train, key=jr.key(budget.seed), validation=validation, max_seconds=budget.left(), progress=False
    )

    def log_prob(rows):
        return np.asarray(found.flow.log_prob(rows), dtype=np.float64)

    about = {
        "steps": found.steps,
        "epochs": round(found.steps * found.settings.batch_size / len(train), 2),
        "ended": "early stopping" if found.stopped == "patience" else found.stopped,
        "retries": 0,
        "validation": found.validation_log_prob,
    }
    return log_prob, about


METHODS = {"pushforward": fit}
