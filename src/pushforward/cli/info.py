"""pushforward info: what a model file holds."""

from collections.abc import Mapping
from typing import Any

from .models import columns_of
from .options import AsJson, Debug, ModelFile, Quiet
from .terminal import Terminal


def info(model: ModelFile, quiet: Quiet = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show what a model file holds: columns, flow, rows and likelihoods.

    Only the file's header is read; no flow is built.

    [bold]Example:[/bold] pushforward info model.safetensors
    """
    del debug  # read by `run`
    from ..io import describe

    about = describe(model)
    Terminal(quiet=quiet, as_json=as_json).result(about, _text(str(model), about))


def _text(path: str, about: Mapping[str, Any]) -> str:
    lines = [
        ("file", f"{path}, {_size(about['bytes'])}, format {about['format']}"),
        ("version", f"written by pushforward {about['version']}"),
        ("flow", _flow(about)),
        ("numbers", f"{about['numbers']:,} in {about['arrays']} arrays of {', '.join(about['dtypes'])}"),
        ("digest", about["sha256"][:16]),
        *_table_lines(about["table"] or {}),
    ]
    # A name in a stranger's file may hold the terminal's control characters.
    shown = (f"{name:<15}{text}".rstrip() for name, text in lines)
    return "\n".join(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in shown
    )


def _table_lines(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what `fit` wrote about the table; other contents are shown by --json alone."""
    lines: list[tuple[str, str]] = []
    fit = table.get("fit")
    if isinstance(table.get("rows"), int):
        lines.append(("rows", f"{table['rows']:,}"))
    if isinstance(fit, dict):
        lines += [("fit", f"{name.replace('_', ' ')}: {_number(value)}") for name, value in fit.items()]
    notes = table.get("notes")
    lines += [("note", str(note)) for note in notes] if isinstance(notes, list) else []
    columns = columns_of(table)
    width = max((len(column.name) for column in columns), default=0)
    lines += [
        ("column", f"{column.name:<{width}}  {column.low:.6g} to {column.high:.6g}") for column in columns
    ]
    return lines


def _flow(about: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{name}={_short(value)}" for name, value in about["arguments"].items())
    return f"{about['recipe']}({arguments})"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"({', '.join(map(_short, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_short(item)}' for name, item in value.items())}}}"
    return str(value)


def _number(value: Any) -> str:
    return (
        f"{value:,.6g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
