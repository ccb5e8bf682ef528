"""Arrow tables in the hands of other rooms, which need not know Arrow."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .schema import Column, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import Table as ArrowTable  # noqa: F401  (other rooms take it from here)


def as_arrow(table: Any) -> "pa.Table":
    """Return an Arrow table: itself, a record batch, or what Arrow makes of a pandas or polars frame or of columns.

    Raises:
        ConfigError: if it is none of these.
    """
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    try:
        return pa.table(table)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise ConfigError(
            f"expected a table: of Arrow, pandas or polars, or a mapping of columns, got {type(table).__name__}."
        ) from error


def arrow_table(columns: Sequence[Any], names: Sequence[str]) -> "pa.Table":
    """Return a table of columns, each of Arrow or an array of numbers."""
    import pyarrow as pa

    return pa.table(
        [column if isinstance(column, pa.ChunkedArray) else pa.array(column) for column in columns],
        list(names),
    )


def stated(columns: Sequence[Column], values: Mapping[str, str]) -> "pa.Table":
    """Return one row of text values in the types of their columns.

    Raises:
        ConfigError: if there is no such column, or a value is none of its type.
    """
    import pyarrow as pa

    types = {column.name: column.type for column in columns}
    found = {}
    for name, text in values.items():
        if name not in types:
            among = f"It is conditional on {', '.join(types)}." if types else "It is not conditional."
            raise ConfigError(f"{name!r} is not given to the model. {among}")
        try:
            found[name] = pa.array([text]).cast(arrow_type(types[name]))
        except pa.ArrowInvalid as error:
            raise ConfigError(
                f"expected a value of type {types[name]} for {name!r}, got {text!r}."
            ) from error
    return pa.table(found)
