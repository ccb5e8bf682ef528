"""The section on the likelihood of rows, beside that of simple laws of the same columns."""

from typing import NamedTuple

import numpy as np

from ..diagnostics import Baseline, distance, frame_baselines, histogram, log_probs, score, shown
from ..errors import BadTable
from ..plots import column_picture, embed
from .blocks import Block, Grid, Picture, Section, Text
from .subject import Subject
from .words import nats, number

_JUDGED = 10_000
_PICTURED = 4_000
_LEAST = 10


class Compared(NamedTuple):
    """The model beside one baseline, on the same rows.

    Attributes:
        baseline: the law.
        mean, error: of its log-probabilities, in nats a row.
        gain, gain_error: of the model over it, row by row.
    """

    baseline: Baseline
    mean: float
    error: float
    gain: float
    gain_error: float


class Likelihoods(NamedTuple):
    """What the section says, in numbers.

    Attributes:
        mean, error: of the model's log-probabilities of the judged rows, in nats a row.
        rows: how many they are.
        compared: the baselines.
    """

    mean: float
    error: float
    rows: int
    compared: list[Compared]

    @property
    def best(self) -> Compared | None:
        """The baseline of highest likelihood."""
        known = [item for item in self.compared if np.isfinite(item.mean)]
        return max(known, key=lambda item: item.mean, default=None)


def compare_laws(subject: Subject) -> Likelihoods:
    """Learn the baselines from the training table, or from a half of the rows, and judge all on the others."""
    if len(subject.usual) < 2 * _LEAST:
        raise BadTable(
            f"{subject.rows.name}: expected at least {2 * _LEAST} rows that the model gives a probability, got "
            f"{len(subject.usual)} of {len(subject.rows.codes)}."
        )
    learned, judged = _rows(subject)
    codes, _ = subject.rows.some(judged)
    ours = subject.log_prob[judged]
    model = score(ours)
    found = []
    for baseline in frame_baselines(subject.model.flow, learned, key=subject.key(2)):
        if baseline.law is None:
            found.append(Compared(baseline, *[float("nan")] * 4))
            continue
        theirs = log_probs(baseline.law, codes)
        finite = np.isfinite(theirs)
        gain = score((ours - theirs)[finite]) if finite.all() else None
        found.append(
            Compared(
                baseline,
                *(score(theirs) if finite.all() else (-np.inf, float("nan"))),
                *(gain or (np.inf, float("nan"))),
            )
        )
    return Likelihoods(model.mean, model.standard_error, len(judged), found)


def _rows(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Return codes to learn from, and places of the rows to judge."""
    if subject.training is not None:
        judged = subject.usual
        learned = subject.training.codes[subject.training.possible]
    else:
        half, judged = subject.halves
        learned = subject.rows.codes[half]
    count = min(len(judged), _JUDGED)
    return learned, judged[np.arange(count) * len(judged) // count]


def likelihood(subject: Subject, found: Likelihoods) -> Section:
    """Return the section."""
    rows = [
        [
            f"this model ({subject.about['arguments'].get('flow', subject.about['recipe'])})",
            nats(found.mean, found.error),
            "",
            "",
        ]
    ]
    for item in found.compared:
        if item.baseline.law is None:
            rows.append([item.baseline.name, "could not be learned", "", item.baseline.note])
        else:
            gain = nats(item.gain, item.gain_error)
            rows.append([item.baseline.name, nats(item.mean, item.error), gain, item.baseline.note])
    head = ["law", "mean log_prob, nats a row", "gain of the model over it", "what it is"]
    blocks: list[Block] = [
        *map(Text, _sentences(subject, found)),
        Grid("Log-likelihoods with standard errors", head, rows, numbers=(1, 2), strong=(0,)),
        Text(
            "A gain is the mean of the differences, row by row, with its standard error as if the rows "
            "were independent. 1 nat is a factor of 2.7 in the probability of every row."
        ),
        _picture(subject),
    ]
    return Section("likelihood", "Likelihood, beside simpler laws", blocks)


def _sentences(subject: Subject, found: Likelihoods) -> list[str]:
    rows, texts = subject.rows, []
    impossible = len(rows.codes) - len(subject.usual)
    if subject.training is not None:
        texts.append(
            f"All laws are judged on the same {found.rows:,} rows of the table; the simpler ones were "
            f"learned from {subject.training.name}, whose {subject.training.total:,} rows the model is "
            "said to have been fitted to."
        )
    else:
        texts.append(
            f"All laws are judged on the same {found.rows:,} rows, a half of those that were looked at, "
            f"drawn with seed {subject.seed}. The simpler ones were learned from the other half. If the "
            "model was fitted to this table, it has seen both halves, which flatters it: give new rows, "
            "and the table of the fit as --training, for a fair comparison."
        )
    texts.append(
        "The simpler laws use the same normal scores of the columns, and the same kind of bound where values are "
        "discrete: what they lack is the flow."
    )
    if subject.model.given:
        texts.append(f"They know nothing of {', '.join(subject.model.given)}, which the model is given.")
    if impossible:
        texts.append(
            f"{impossible:,} of {len(rows.codes):,} rows hold values that the model gives no probability, "
            "such as a category that it never saw. They are left out of these means, and come first among "
            "the least likely rows below."
        )
    return texts


def _picture(subject: Subject) -> Picture:
    """Draw the log-probabilities of rows against those of samples."""
    some = subject.usual[
        np.arange(min(len(subject.usual), _PICTURED))
        * len(subject.usual)
        // min(len(subject.usual), _PICTURED)
    ]
    data = subject.log_prob[some]
    count = min(len(subject.drawn), _PICTURED)
    given = None
    if subject.rows.given is not None:
        given = subject.rows.given[
            np.arange(len(subject.drawn)) * len(subject.rows.given) // len(subject.drawn)
        ][:count]
    samples = log_probs(subject.model.flow, subject.drawn[:count], given)
    samples = samples[np.isfinite(samples)]
    low, high = shown(np.concatenate([data, samples]))
    edges = np.linspace(low, high, 51)
    apart = distance(data, samples, levels=False)
    image = embed(column_picture((histogram(data, edges), histogram(samples, edges)), None))
    alt = (
        f"Histograms of log_prob: median {number(float(np.median(data)))} among rows of the table and "
        f"{number(float(np.median(samples)))} among samples."
    )
    caption = (
        f"{len(data):,} rows (filled) and {len(samples):,} samples (line). Largest difference of the distribution "
        f"functions: {apart:.3f}.",
        "Rows of a right model look like its samples. Rows far out on the left are strange to the model.",
    )
    return Picture(image, alt, "log_prob of rows, and of samples", caption)
