"""fit_frame: from a table as people have it to one model that speaks in the table's own columns."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import PRNGKeyArray

from ..data.arrow import as_arrow
from ..data.schema import Column, Missing, Schema, infer_schema
from ..distributions.flow import Flow
from ..errors import BadModelFile, BadTable, ConfigError
from ..io import load_model, save
from ..training import Check
from ..training.layout import Devices
from .fitting import TableFit, fit_table
from .mixed import fit_mixed
from .preparation import Holdout

if TYPE_CHECKING:
    from ..data.arrow import ArrowTable


@dataclasses.dataclass(frozen=True)
class FrameModel:
    """A flow, and what the columns of its rows are.

    Attributes:
        flow: the law of a row of codes, given the codes of the columns in `given` if there are some.
        schema: what the columns are; it turns tables into codes and back.
        given: names of the columns that the law is conditional on.

    Raises:
        ConfigError: if the flow has another number of columns than the schema.
    """

    flow: Flow
    schema: Schema
    given: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.columns),), (len(self.given),) if self.given else None
        found = self.flow.event_shape, self.flow.context_shape
        if expected != found:
            raise ConfigError(
                f"FrameModel: expected a flow over events of shape {expected[0]} and contexts of shape {expected[1]}, "
                f"as the schema says, got {found[0]} and {found[1]}."
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns whose law it is, in the order of the codes."""
        return tuple(column for column in self.schema.modelled if column.name not in self.given)

    @property
    def conditions(self) -> tuple[Column, ...]:
        """The columns that are given, in the order of their codes."""
        return tuple(column for column in self.schema.modelled if column.name in self.given)

    def codes(self, table: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the codes of rows, and those of what is given; NaN for what is missing or infinite.

        Raises:
            BadTable: if a column is missing, or of a type that does not convert.
        """
        return self.parted(self.all_codes(table))

    def all_codes(self, table: Any) -> np.ndarray:
        """Return the codes of rows, given columns included, in the schema's order; see `codes`."""
        codes = self.schema.encode(as_arrow(table), missing="keep")
        return np.where(np.isfinite(codes), codes, np.nan)

    def log_prob(self, table: Any) -> np.ndarray:
        """Return the log-probabilities of rows: see `log_prob_of`.

        Args:
            table: the rows, in a table of Arrow, pandas or polars; columns are matched by name.
        """
        return self.log_prob_of(*self.codes(table))

    def log_prob_of(self, codes: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        """Return the log-probabilities of rows of codes, shape (n,), in nats.

        They are densities for continuous columns and probabilities for the others; -inf where a value is outside of its
        support, NaN where one is missing that may not be.
        """
        return np.asarray(self.flow.log_prob(codes, given))

    def sample(self, key: PRNGKeyArray, rows: int, given: Any = None) -> "ArrowTable":
        """Draw rows, in the columns and types of the table that was fitted.

        Args:
            key: a JAX random key.
            rows: how many, for each row of `given`.
            given: a table of the columns that the law is conditional on (of Arrow, pandas or polars, or a mapping of
                columns); None exactly if there are none.

        Returns:
            A table with all columns of the schema but its identifiers; for several conditions, the draws of the first
            come first.

        Raises:
            BadTable: if a given column is missing, or a value of it.
            ConfigError: if conditions are missing or superfluous.
        """
        conditions = self.conditions_of(given)
        if conditions is None:
            return self.table_of(np.asarray(self.flow.sample(key, (rows,))))
        drawn = np.asarray(self.flow.sample(key, (rows,), conditions))
        columns = drawn.swapaxes(0, 1).reshape(-1, drawn.shape[-1])
        return self.table_of(columns, np.repeat(conditions, rows, axis=0))

    def conditions_of(self, given: Any) -> np.ndarray | None:
        """Return the codes of conditions, shape (n, given columns); None if the law takes none.

        Raises:
            BadTable: if a given column is missing, or a value of it, or a category was never seen.
            ConfigError: if conditions are missing or superfluous.
        """
        if not self.given:
            if given is not None:
                raise ConfigError("The model is not conditional: expected no given columns.")
            return None
        if given is None:
            raise ConfigError(f"The model is conditional: expected values of {', '.join(self.given)}.")
        only = Schema(self.conditions)
        codes = only.encode(as_arrow(given))
        unseen = [str(misfit) for misfit in only.check(codes) if misfit.unseen]
        if unseen:
            raise BadTable(f"The conditions hold what the model never saw. {' '.join(unseen)}")
        return codes

    def table_of(self, codes: np.ndarray, given: np.ndarray | None = None) -> "ArrowTable":
        """Return rows of codes as a table, in the types of the one that was fitted."""
        names = [column.name for column in self.schema.modelled]
        whole = np.empty((len(codes), len(names)))
        whole[:, [names.index(column.name) for column in self.columns]] = codes
        if given is not None:
            whole[:, [names.index(column.name) for column in self.conditions]] = given
        return self.schema.decode(whole)

    def to_json(self) -> dict[str, Any]:
        """Return what is not in the flow, as plain data."""
        return {"schema": self.schema.to_json(), "given": list(self.given)}

    def save(self, path: str | os.PathLike[str], about: Mapping[str, Any] | None = None) -> None:
        """Write the model to one file; see `pushforward.save`.

        Args:
            path: where to write.
            about: more plain data to be kept in the file.
        """
        save(self.flow, os.fspath(path), table={**(about or {}), **self.to_json()})

    def parted(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the codes of the columns whose law it is, and those of the given ones."""
        names = [column.name for column in self.schema.modelled]
        own = codes[:, [names.index(column.name) for column in self.columns]]
        if not self.given:
            return own, None
        return own, codes[:, [names.index(column.name) for column in self.conditions]]


def load_frame(path: str | os.PathLike[str]) -> FrameModel:
    """Load a model that `FrameModel.save` or `pushforward fit` wrote; other models get columns c1, c2, ...

    Raises:
        BadModelFile: as `load_model`, or if the file's schema is broken or does not fit its flow.
        OSError: if the file may not be read.
    """
    model = load_model(os.fspath(path))
    try:
        return frame_model(model.flow, model.table)
    except (ConfigError, BadTable) as error:
        raise BadModelFile(
            f"{os.fspath(path)}: its description of the columns is refused: {error}"
        ) from error


def frame_model(flow: Flow, about: Mapping[str, Any] | None) -> FrameModel:
    """Return a flow with the schema in what its file says; with columns c1, c2, ... if it has none.

    Raises:
        ConfigError, BadTable: if the schema is broken or does not fit the flow.
    """
    stored = (about or {}).get("schema")
    if stored is None:
        names = _names((about or {}).get("columns"), flow.event_shape[0])
        given = [f"given{place + 1}" for place in range(flow.context_shape[0] if flow.context_shape else 0)]
        schema = Schema(tuple(Column(name, "real", "float") for name in (*names, *given)))
        return FrameModel(flow, schema, tuple(given))
    given = (about or {}).get("given", [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise ConfigError("expected given to be a list of names.")
    return FrameModel(flow, Schema.from_json(stored), tuple(given))


def _names(named: Any, features: int) -> list[str]:
    """Return the names that a file gives its columns without a schema; c1, c2, ... if it does not name that many."""
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return (
        names if len(set(names)) == features == len(names) else [f"c{place + 1}" for place in range(features)]
    )


class Reference(NamedTuple):
    """Log-probabilities of rows that a model was fitted to and of rows that it was not, each in rising order.

    Attributes:
        training: of training rows, shape (n,).
        held_out: of validation rows, shape (m,). They chose the state that training returned, and nothing else.
    """

    training: np.ndarray
    held_out: np.ndarray


_REFERENCE = 1000
"""At most so many rows of each kind are kept as a reference."""


@dataclasses.dataclass(frozen=True)
class FrameFit:
    """What `fit_frame` returns.

    Attributes:
        model: the fitted law of rows, with its schema.
        fit: the course of the training, likelihoods and settings.
        rows: how many rows there were, after those with missing values were dropped.
    """

    model: FrameModel
    fit: TableFit
    rows: int

    def reference(self) -> Reference | None:
        """Return log-probabilities of training and held-out rows, evenly spaced; None for a stream."""
        split = self.fit.split
        if split is None:
            return None
        sides = ((split.training, split.training_context), (split.held_out, split.held_out_context))
        return Reference(*(self._some(rows, context) for rows, context in sides))

    def _some(self, rows: np.ndarray, context: np.ndarray) -> np.ndarray:
        places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _REFERENCE)).astype(int))
        given = context[places] if self.model.given else None
        return np.sort(self.model.log_prob_of(rows[places], given)) if len(places) else np.empty(0)


def fit_frame(
    table: Any,
    *,
    key: PRNGKeyArray,
    schema: Schema | None = None,
    given: Sequence[str] = (),
    missing: Missing = "refuse",
    flow: str = "auto",
    options: dict[str, Any] | None = None,
    validation: float = 0.1,
    holdout: Holdout = "random",
    batch_size: int | None = None,
    max_epochs: int | None = None,
    max_seconds: float | None = None,
    patience: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Check], Any] = True,
    devices: Devices = None,
) -> FrameFit:
    """Fit a flow to the rows of a table as people have it: text, integers, bounds, dates, point masses, gaps.

    Each column is what its schema says; `fit_table` fits columns that are all continuous and unbounded, `fit_mixed` all
    others. The schema is inferred from all rows, as far as it says what the columns are; what is learned from values,
    from the training rows only.

    Args:
        table: the rows: an Arrow table, or a pandas or polars frame.
        key: a JAX random key; it decides the split, the initial weights and the order of the rows.
        schema: what the columns are; inferred if left out.
        given: names of columns that are given: the law of the others is fitted conditional on them.
        missing: what to do with missing and infinite numbers: "refuse" the table, "drop" such rows, or "model" them:
            then they have a probability. Missing text is a category of its own.
        flow: name of a recipe, or "auto".
        options: the recipe's keyword arguments, over those of the default.
        validation: the share of rows held out to choose the best flow, 0 for none.
        holdout: which rows are held out: "random" ones; or the "last" ones, right for rows in order of time.
        batch_size: rows of a training step.
        max_epochs: the most epochs.
        max_seconds: the most seconds for all, compilation included.
        patience: stop after so many epochs without a better validation loss.
        checkpoint: as in `fit`.
        progress: as in `fit`.
        devices: as in `fit`.

    Returns:
        The model, with the course of its training.

    Raises:
        BadTable: if there is nothing to model, a given column is missing, values are missing or infinite and refused,
            or lie where the schema gives no probability.
        ConfigError: if there are too few rows, nothing is left that is not given, or an option does not fit.
    """
    table = as_arrow(table)
    unknown = [name for name in given if name not in table.column_names]
    if unknown:
        raise BadTable(
            f"fit_frame: no column is called {unknown[0]!r}. There are: {', '.join(table.column_names)}."
        )
    if schema is None:
        schema = infer_schema(table, missing=missing)
    codes = _whole(schema, schema.encode(table, missing="keep"), missing)
    _check(schema, codes, given)
    names = [column.name for column in schema.modelled]
    own = [place for place, name in enumerate(names) if name not in given]
    context = [place for place, name in enumerate(names) if name in given]
    columns, conditions = ([schema.modelled[place] for place in places] for places in (own, context))
    settings: dict[str, Any] = {
        "flow": flow,
        "options": options,
        "validation": validation,
        "holdout": holdout,
        "batch_size": batch_size,
        "max_epochs": max_epochs,
        "max_seconds": max_seconds,
        "patience": patience,
        "checkpoint": checkpoint,
        "progress": progress,
        "devices": devices,
    }
    rest = codes[:, context] if context else None
    if all(is_plain(column) for column in (*columns, *conditions)):
        named = [column.name for column in columns]
        fit = fit_table(codes[:, own], key=key, context=rest, columns=named, **settings)
    else:
        fit = fit_mixed(codes[:, own], columns, key=key, context=rest, context_columns=conditions, **settings)
    kept = tuple(column.name for column in conditions)
    return FrameFit(FrameModel(fit.flow, schema, kept), fit, len(codes))


def is_plain(column: Column) -> bool:
    """Tell whether a column is continuous on the whole line, so that its codes need no more than a spline."""
    special = column.step is not None or column.masses or column.missing
    return column.kind in ("real", "heavy-tailed") and not special


def _whole(schema: Schema, codes: np.ndarray, missing: Missing) -> np.ndarray:
    """Return the rows that have all the values that they must have; the others are dropped, or refused."""
    absent = np.isnan(codes) & np.array([column.missing for column in schema.modelled])
    bad = ~np.isfinite(codes) & ~absent
    if missing != "drop" and bad.any():
        counts = zip(schema.modelled, bad.sum(axis=0), strict=True)
        shown = "; ".join(f"{column.name!r} {count}" for column, count in counts if count)
        raise BadTable(
            f"fit_frame: {bad.any(axis=1).sum()} of {len(codes)} rows with values that are missing or infinite "
            f"({shown}), which the schema does not model. Drop such rows with missing 'drop'."
        )
    return codes[~bad.any(axis=1)]


def _check(schema: Schema, codes: np.ndarray, given: Sequence[str]) -> None:
    """Raise if there are too few rows, nothing is left to model, or a value has no probability."""
    if all(column.name in given for column in schema.modelled):
        raise ConfigError("fit_frame: expected at least one column that is not given.")
    if len(codes) < 2:
        raise ConfigError(f"fit_frame: expected at least 2 rows, got {len(codes)}.")
    misfits = schema.check(codes)
    if misfits:
        raise BadTable(f"The schema gives no probability to some of the rows. {' '.join(map(str, misfits))}")
