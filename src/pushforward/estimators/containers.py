"""The container that rows came in, and rows given back in the same: arrays, or frames with names and types."""

import dataclasses
import importlib
from typing import Any

import numpy as np

_FRAMES = ("pandas", "polars", "pyarrow")
_WHOLE = "iub"


@dataclasses.dataclass(frozen=True)
class Container:
    """What `sample` needs to give rows back as `fit` got them.

    Attributes:
        kind: "pandas", "polars" or "pyarrow" for a data frame or table of theirs, "array" for all else.
        names: the names of the columns, () for an array.
        dtypes: the type of each column in the terms of its library; for an array one dtype.
    """

    kind: str
    names: tuple[Any, ...]
    dtypes: tuple[Any, ...]

    @classmethod
    def of(cls, x: Any, rows: np.ndarray) -> "Container":
        """Look at what `fit` was given.

        Args:
            x: as the user gave it.
            rows: its checked rows, shape (n, columns).
        """
        kind = type(x).__module__.partition(".")[0]
        if kind not in _FRAMES or not hasattr(x, "columns"):
            dtype = np.asarray(x).dtype
            # Lists of numbers, of objects: what sklearn's validation made of them.
            dtype = dtype if dtype.kind in _WHOLE + "f" else rows.dtype
            return cls("array", (), (dtype,))
        return cls(kind, *_described(kind, x))

    def fill(self, rows: np.ndarray) -> Any:
        """Return rows, shape (n, columns), in a container like the one that `fit` got."""
        if self.kind == "array":
            return _cast(rows, self.dtypes[0])
        library = importlib.import_module(self.kind)
        columns = zip(self.names, rows.T, self.dtypes, strict=True)
        if self.kind == "pandas":
            frame = library.DataFrame(rows, columns=list(self.names))
            return frame.astype(dict(zip(self.names, self.dtypes, strict=True)))
        if self.kind == "polars":
            return library.DataFrame(
                [library.Series(name, column).cast(dtype) for name, column, dtype in columns]
            )
        arrays = [library.array(column).cast(dtype) for _, column, dtype in columns]
        return library.table(arrays, names=list(self.names))


def _described(kind: str, x: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if kind == "pyarrow":
        return tuple(x.column_names), tuple(x.schema.types)
    return tuple(x.columns), tuple(x.dtypes)


def _cast(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.round(rows).astype(dtype) if dtype.kind in _WHOLE else rows.astype(dtype)
