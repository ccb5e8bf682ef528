"""The section on how to do it all again."""

import importlib.metadata
import shlex
from collections.abc import Mapping
from typing import Any

from .blocks import Block, Commands, Heading, Section, Text
from .subject import Subject

_PACKAGES = ("pushforward", "jax", "jaxlib", "equinox", "numpy", "pyarrow", "matplotlib")


def commands(subject: Subject) -> Section:
    """Return the section."""
    model, tables = subject.path, subject.tables
    report = ["report", model, *tables]
    for path in subject.training_tables:
        report += ["--training", path]
    report += ["--samples", str(subject.samples), "--seed", str(subject.seed), "-o", "report.html"]
    blocks: list[Block] = [
        Heading("This page"),
        Commands([_line(report)]),
        Text("The same model, table and versions give the same page, byte by byte."),
        Heading("The model"),
        Commands([_line(_fit(subject.about, subject))]),
        Text(
            "The file keeps the recipe and its arguments, the seed and the schema, not every option of "
            "the command line: limits of time or epochs, if there were any, must be added. A fit that "
            "ends by time depends on the machine."
        ),
        Heading("What to do with it"),
        Commands(
            [
                _line(["info", model]),
                _line(["score", model, *tables, "-o", "scores.csv"]),
                *(
                    []
                    if subject.model.given
                    else [_line(["sample", model, "-n", "10000", "-o", "samples.csv"])]
                ),
            ]
        ),
        Text(f"Made with {', '.join(_versions())}. The digest of the model is {subject.about['sha256']}."),
    ]
    return Section("again", "How to reproduce it", blocks)


def _fit(about: Mapping[str, Any], subject: Subject) -> list[str]:
    table = about["table"] or {}
    files, fit = table.get("files"), table.get("fit")
    fit = fit if isinstance(fit, dict) else {}
    named = [str(file) for file in files] if isinstance(files, list) and files else ["TABLE"]
    found = ["fit", *named, "-o", "model.safetensors"]
    flow = about["arguments"].get("flow") if about["recipe"] in ("table", "mixed") else about["recipe"]
    found += ["--flow", str(flow)] if flow else []
    options = about["arguments"].get("options") if about["recipe"] in ("table", "mixed") else None
    for name, value in (options if isinstance(options, dict) else {}).items():
        text = (
            ",".join(map(str, value))
            if isinstance(value, list)
            else str(value).lower()
            if isinstance(value, bool)
            else value
        )
        found += ["--option", f"{name}={text}"]
    found += ["--given", ",".join(subject.model.given)] if subject.model.given else []
    if any(column.missing for column in subject.model.schema.modelled):
        found += ["--missing", "model"]
    return found + (["--seed", str(fit["seed"])] if isinstance(fit.get("seed"), int) else [])


def _line(words: list[str]) -> str:
    return shlex.join(["pushforward", *words])


def _versions() -> list[str]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
