"""pushforward info: what a model file holds."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .grammar import as_missing, column_kinds
from .options import AsJson, ColumnKind, Debug, Missing, ModelOrTable, Quiet
from .terminal import Terminal


def info(
    model: ModelOrTable,
    column: ColumnKind = None,
    missing: Missing = "refuse",
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what a model file holds: columns, flow, rows and likelihoods; or what the columns of a table are taken for.

    Of a model only the file's header is read; no flow is built. Of a table, --json prints the schema that `fit` would
    use, to be edited and given to its --schema.

    [bold]Example:[/bold] pushforward info model.safetensors
    """
    del debug  # read by `run`
    from ..data.sources import format_of
    from ..io import describe

    terminal = Terminal(quiet=quiet, as_json=as_json)
    if model.is_dir() or format_of(model) is not None:
        _table(terminal, model, column_kinds(column), missing)
        return
    about = describe(model)
    terminal.result(about, _text(str(model), about))


def _table(terminal: Terminal, path: Path, kinds: dict[str, str], missing: str) -> None:
    """Show the schema of a table."""
    from ..data import scan_table
    from ..data.schema import infer_schema

    files = scan_table(path, typed=True)
    rows = files.read_arrow()
    schema = infer_schema(rows, kinds, missing=as_missing(missing), name=files.name)
    about = schema.to_json()
    lines = [f"{path}: {rows.num_rows:,} rows of {len(schema.columns)} columns", *_column_lines(about)]
    terminal.result(about, _clean([*lines, *(f"note: {note}" for note in (*files.notes, *schema.notes))]))


def _column_lines(schema: Mapping[str, Any]) -> list[str]:
    """Return a line for each column of a schema, which may be a stranger's."""
    listed = schema.get("columns")
    columns = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    names = [str(item.get("name")) for item in columns]
    width = min(max(map(len, names), default=0), 40)
    return [f"{name:<{width}}  {_what(item)}" for name, item in zip(names, columns, strict=True)]


def _what(column: Mapping[str, Any]) -> str:
    """Return what a column is, in a few words."""
    parts = [f"{column.get('kind')} ({column.get('type')})"]
    levels, masses = column.get("categories"), column.get("masses")
    if isinstance(levels, list) and levels:
        shown = ", ".join("missing" if level is None else str(level) for level in levels[:4])
        parts.append(f"{len(levels)} levels: {shown}{', ...' if len(levels) > 4 else ''}")
    for name, text in (
        ("step", "in steps of {}"),
        ("low", "from {}"),
        ("high", "to {}"),
        ("period", "period {}"),
    ):
        if isinstance(column.get(name), int | float):
            value = _shifted(column[name], column) if name in ("low", "high") else column[name]
            parts.append(text.format(_number(value)))
    if isinstance(masses, list) and masses:
        shown = ", ".join(_number(_shifted(mass, column)) for mass in masses[:4])
        parts.append(f"point masses at {shown}{', ...' if len(masses) > 4 else ''}")
    if column.get("missing"):
        parts.append("may be missing")
    if column.get("kind") == "constant":
        parts.append(f"always {column.get('constant')}")
    return ", ".join(parts)


def _text(path: str, about: Mapping[str, Any]) -> str:
    lines = [
        ("file", f"{path}, {_size(about['bytes'])}, format {about['format']}"),
        ("version", f"written by pushforward {about['version']}"),
        ("flow", _flow(about)),
        ("numbers", f"{about['numbers']:,} in {about['arrays']} arrays of {', '.join(about['dtypes'])}"),
        ("digest", about["sha256"][:16]),
        *_table_lines(about["table"] or {}),
    ]
    return _clean(f"{name:<15}{text}".rstrip() for name, text in lines)


def _clean(lines: Iterable[str]) -> str:
    # A name in a stranger's file may hold the terminal's control characters.
    return "\n".join(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines
    )


def _table_lines(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what `fit` wrote about the table; other contents are shown by --json alone."""
    lines: list[tuple[str, str]] = []
    fit = table.get("fit")
    if isinstance(table.get("rows"), int):
        lines.append(("rows", f"{table['rows']:,}"))
    if isinstance(fit, dict):
        lines += [("fit", f"{name.replace('_', ' ')}: {_number(value)}") for name, value in fit.items()]
    notes, given, schema = table.get("notes"), table.get("given"), table.get("schema")
    lines += [("note", str(note)) for note in notes] if isinstance(notes, list) else []
    if isinstance(given, list) and given:
        lines.append(("given", ", ".join(map(str, given))))
    return lines + [("column", line) for line in (_column_lines(schema) if isinstance(schema, dict) else [])]


def _shifted(code: Any, column: Mapping[str, Any]) -> Any:
    """Return the number that a code of a column stands for."""
    origin = column.get("origin", 0.0)
    return code + origin if isinstance(code, int | float) and isinstance(origin, int | float) else code


def _flow(about: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{name}={_short(value)}" for name, value in about["arguments"].items())
    return f"{about['recipe']}({arguments})"


def _short(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"({len(value)} entries)"  # of columns, which have lines of their own; --json shows them
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
