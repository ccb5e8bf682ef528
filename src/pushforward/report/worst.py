"""The section on the least likely rows, and on which column makes each of them so."""

import numpy as np

from ..diagnostics import frame_surprises
from .blocks import Block, Grid, Section, Text
from .subject import Subject
from .words import cell

_ROWS = 10
_IMPOSSIBLE = 5
_EVALUATIONS = 100_000
_MOST_COLUMNS = 40


def worst(subject: Subject) -> Section:
    """Return the section."""
    rows = subject.rows
    impossible = np.flatnonzero(~np.isin(np.arange(len(rows.codes)), subject.usual))
    regular = subject.usual[np.argsort(subject.log_prob[subject.usual], kind="stable")[:_ROWS]]
    order = np.concatenate([impossible[:_IMPOSSIBLE], regular])
    culprits = _culprits(subject, order)
    table = rows.table.take(order).to_pydict()
    shown = list(table)[:_MOST_COLUMNS]
    lines = [
        [
            f"{rows.places[place]:,}",
            _log_prob(subject, place),
            culprits[line],
            *(cell(table[name][line]) for name in shown),
        ]
        for line, place in enumerate(order)
    ]
    typical = float(np.median(subject.log_prob[subject.usual]))
    blocks: list[Block] = [
        Text(
            f"The {len(regular)} least likely of {len(rows.codes):,} rows, in the table's own values, each "
            f"with its number in the table. The median log_prob of all rows is {typical:.2f}."
        ),
        Text(
            "A surprise says how much rarer a value is than usual, given the rest of its row, in nats: 5 "
            "is 150 times rarer. Where two columns contradict each other, both are named."
        ),
        Grid("The least likely rows", ["row", "log_prob", "surprises, in nats", *shown], lines, numbers=(1,)),
    ]
    if len(impossible):
        text = f"{len(impossible):,} rows hold values that the model gives no probability"
        blocks.insert(0, Text(f"{text}; the first {min(len(impossible), _IMPOSSIBLE)} of them stand on top."))
    if len(table) > len(shown):
        blocks.append(Text(f"Shown are {len(shown)} of {len(table)} columns."))
    return Section("rows", "The least likely rows", blocks)


def _log_prob(subject: Subject, place: int) -> str:
    return f"{subject.log_prob[place]:.2f}" if subject.rows.possible[place] else "impossible"


def _culprits(subject: Subject, order: np.ndarray) -> list[str]:
    """Return for each row the columns that make it unlikely, the strangest first."""
    names = [column.name for column in subject.model.columns]
    found = [""] * len(order)
    regular = [line for line, place in enumerate(order) if place in subject.usual]
    for line, place in enumerate(order):
        odd = [name for name, fits in zip(names, subject.rows.inside[place], strict=True) if not fits]
        found[line] = f"no probability: {', '.join(odd)}" if odd else "beyond all numbers"
    if regular:
        codes, given = subject.rows.some(order[regular])
        draws = int(np.clip(_EVALUATIONS // (len(regular) * len(names)), 16, 128))
        known = (
            subject.training.codes[subject.training.possible]
            if subject.training
            else subject.rows.codes[subject.usual]
        )
        values = frame_surprises(subject.model.flow, codes, known, context=given, draws=draws)
        for line, surprises in zip(regular, values, strict=True):
            found[line] = _named(names, surprises)
    return found


def _named(names: list[str], surprises: np.ndarray) -> str:
    """Name the column of the largest surprise, and up to two others of at least half of it."""
    order = np.argsort(-np.nan_to_num(surprises, nan=-np.inf), kind="stable")
    top = surprises[order[0]]
    if not top > 1:
        return "no single column"
    chosen = [place for place in order[:3] if surprises[place] > max(top / 2, 1)]
    return ", ".join(f"{names[place]} {surprises[place]:.1f}" for place in chosen)
