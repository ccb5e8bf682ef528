"""The section on what was fitted and how."""

import json
from collections.abc import Mapping
from typing import Any

from ..data.schema import Column
from ..distributions import Dequantized
from ..flows import registry
from ..tables import FrameModel
from .blocks import Block, Facts, Folded, Grid, Heading, Section, Text
from .subject import Subject
from .words import listing, number, seconds, value_of

_UNITS = {"layers": "{} layers", "bins": "{} bins in each spline", "hidden": "hidden layers of {} units"}
_MOST_COLUMNS = 400
_MOST_LEVELS = 8


def fitted(subject: Subject) -> Section:
    """Return the section: recipe, rows, time, notes, columns, and what the numbers mean."""
    about, model = subject.about, subject.model
    table = about["table"] or {}
    blocks: list[Block] = [
        Facts(_facts(about, table, model)),
        Heading("What the numbers mean"),
        *map(Text, meaning(model)),
        Heading("The columns"),
        _columns(model),
    ]
    notes = table.get("notes")
    if isinstance(notes, list) and notes:
        rows = [[str(place + 1), str(note)] for place, note in enumerate(notes[:200])]
        blocks.append(
            Folded(f"Notes of the fit ({len(notes)})", [Grid("Notes of the fit", ["", "note"], rows)])
        )
    return Section("fitted", "What was fitted, and how", blocks)


def _facts(about: Mapping[str, Any], table: Mapping[str, Any], model: FrameModel) -> list[tuple[str, str]]:
    stored = table.get("fit")
    fit: dict[str, Any] = stored if isinstance(stored, dict) else {}
    found = [("Flow", recipe_in_words(about["recipe"], about["arguments"]))]
    files = table.get("files")
    if isinstance(files, list) and files:
        found.append(("Fitted to", listing([str(file) for file in files], 6)))
    if isinstance(table.get("rows"), int):
        found.append(("Rows", f"{table['rows']:,}{_held_out(fit)}"))
    found.append(("Columns", f"{len(model.columns)}: {listing([column.name for column in model.columns])}"))
    if model.given:
        found.append(
            (
                "Given",
                f"{listing(model.given)}: the law is that of the other columns for given values of these",
            )
        )
    if _is_number(fit.get("seconds")):
        epochs = f", {fit['epochs']:.4g} passes over the rows" if _is_number(fit.get("epochs")) else ""
        steps = f", {fit['steps']:,} steps" if isinstance(fit.get("steps"), int) else ""
        found.append(
            ("Time", f"{seconds(fit['seconds'])}{steps}{epochs}; ended by {fit.get('stopped', 'itself')}")
        )
    for name, key in (("Validation rows", "validation_log_prob"), ("Training rows", "train_log_prob")):
        if _is_number(fit.get(key)):
            found.append((f"{name}, at the fit", f"{fit[key]:.4f} nats a row"))
    found += [
        ("Size", f"{about['numbers']:,} numbers in {about['bytes'] / 1e6:.2f} MB"),
        ("Written by", f"pushforward {about['version']}, file format {about['format']}"),
        ("Digest", about["sha256"]),
    ]
    return found


def _held_out(fit: Mapping[str, Any]) -> str:
    rows = fit.get("validation_rows")
    return (
        f", of which {rows:,} were held out to choose the best flow" if isinstance(rows, int) and rows else ""
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def recipe_in_words(recipe: str, arguments: Mapping[str, Any]) -> str:
    """Return what flow a file's recipe builds, and with which arguments."""
    outer = recipe in ("table", "mixed")
    name = str(arguments.get("flow", "nsf")) if outer else recipe
    options = (arguments.get("options") or {}) if outer else arguments
    known = name in registry.names()
    title = (registry.get(name).__doc__ or "").strip().splitlines()[0].rstrip(".") if known else ""
    parts = [
        _option(key, value) for key, value in options.items() if key not in ("features", "context_features")
    ]
    text = f"{name}: {title}" if title else name
    text += f". {'; '.join(parts)}" if parts else ""
    steps = arguments.get("steps") if outer else None
    if isinstance(steps, list) and steps:
        text += f". Before it, from data to base: {', '.join(map(str, steps))}"
    if recipe == "mixed":
        text += ". Before it, each column becomes normal scores by what the training rows say of it alone"
    return text + "."


def _option(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return key.replace("_", " ") if value else f"not {key.replace('_', ' ')}"
    shown = " and ".join(map(str, value)) if isinstance(value, list) else value
    if key in _UNITS and isinstance(shown, int | str):
        return _UNITS[key].format(shown)
    plain = shown if isinstance(shown, int | float | str) else json.dumps(value)
    return f"{key.replace('_', ' ')} {plain}"


def meaning(model: FrameModel) -> list[str]:
    """Return sentences on what a log-probability of this model is."""
    levels = [column.name for column in model.columns if column.measure == "probability"]
    masses = [column.name for column in model.columns if column.masses or column.missing]
    law, density = model.flow.base, len(model.columns) - len(levels)
    given = f" given {listing(model.given)}" if model.given else ""
    if not levels and not masses:
        first = (
            f"log_prob is the natural logarithm of the joint density of a row{given}, in nats, per unit of every "
            "column."
        )
    elif not density:
        first = f"log_prob is the natural logarithm of the probability of a row{given}, in nats."
    else:
        first = (
            f"log_prob is the natural logarithm, in nats, of a row's probability{given} in "
            f"{listing(levels) if levels else 'its point masses and gaps'}, times the density of its other "
            "columns, per unit of each."
        )
    found = [first]
    if masses:
        found.append(
            f"Single values of {listing(masses)}, or missing ones, have a probability of their own, not a density."
        )
    if isinstance(law, Dequantized) and law.encoder.noisy:
        found.append(
            "A row with discrete values stands for a box, and its log_prob is a lower bound of the "
            f"log-probability, from {law.draws} fixed points of the box: the truth is not lower, and "
            "usually only a little higher."
        )
    found.append(
        "Values depend on the units: in metres instead of millimetres a density is 1000 times as large, and its "
        "logarithm 6.9 higher. Compare them between models of the same columns and rows only."
    )
    return found


def _columns(model: FrameModel) -> Grid:
    rows = [
        [
            column.name,
            _role(column, model),
            column.type,
            _support(column),
            "; ".join(_special(column)) or "none",
        ]
        for column in model.schema.columns[:_MOST_COLUMNS]
    ]
    count = len(model.schema.columns)
    cut = f" (the first {_MOST_COLUMNS} of {count})" if count > _MOST_COLUMNS else ""
    return Grid(f"The columns of the table{cut}", ["column", "taken for", "type", "support", "special"], rows)


def _role(column: Column, model: FrameModel) -> str:
    if column.name in model.given:
        return f"{column.kind}, given"
    return column.kind if column.modelled else f"{column.kind}, left out"


def _support(column: Column) -> str:
    if column.kind == "categorical":
        names = [
            "missing" if level is None else value_of(column, place)
            for place, level in enumerate(column.categories[:_MOST_LEVELS])
        ]
        more = len(column.categories) - len(names)
        return f"{len(column.categories)} levels: {', '.join(names)}{f' and {more} more' if more else ''}"
    if not column.modelled:
        return f"always {column.constant}" if column.kind == "constant" else "not modelled"
    parts = [f"steps of {number(column.step)}"] if column.step is not None else []
    if column.period is not None:
        return "; ".join([f"a circle of {number(column.period)}", *parts])
    low, high = (None if end is None else _end(column, end) for end in (column.low, column.high))
    if low is not None and high is not None:
        parts.insert(0, f"from {low} to {high}")
    elif low is not None or high is not None:
        parts.insert(0, f"from {low}" if low is not None else f"up to {high}")
    return "; ".join(parts) or "the whole line"


def _end(column: Column, code: float) -> str:
    return value_of(column, code) if column.kind == "datetime" else number(code + column.origin, 6)


def _special(column: Column) -> list[str]:
    masses = [_end(column, mass) for mass in column.masses[:6]]
    more = len(column.masses) - len(masses)
    found = [f"point masses at {', '.join(masses)}{f' and {more} more' if more else ''}"] if masses else []
    return found + (["may be missing"] if column.missing else [])
