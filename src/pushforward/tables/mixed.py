"""fit_mixed: from the codes of mixed columns to one law of rows."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ..data import preprocessing
from ..data.encoding import cells_of, learn_encoder
from ..distributions import Keyed
from ..distributions.dequantized import BoxLaw, boxes
from ..distributions.encoding import Box, CodeFeatures, Encoder
from ..errors import ConfigError, ShapeError
from ..flows.mixed import dequantizer, join_mixed
from ..flows.registry import recorded
from ..training import Check, fit, mean_loss
from ..training.layout import Devices
from .default import Settings, settings_for
from .fitting import TableFit, build_inner, evenly, hurried
from .preparation import Holdout, Split, refuse_duplicates, serial_note, split_rows

if TYPE_CHECKING:
    from ..data.schema import Column

_DRAWS = 16
_VALIDATION_DRAWS = 4
_HIDDEN = (64,)


class _BoxLaw(Keyed):
    """The law of boxes as `fit` trains it, each packed into one vector: lower ends, upper ends, log-weight."""

    law: BoxLaw

    @property
    def event_shape(self) -> tuple[int, ...]:
        return (2 * self.law.flow.event_shape[0] + 1,)

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        return self.law.flow.context_shape

    def __init__(self, law: BoxLaw) -> None:
        self.law = law

    def _log_prob(self, x: Array, context: Array | None, key: PRNGKeyArray | None = None) -> Array:
        size = self.law.flow.event_shape[0]
        return self.law.log_prob(Box(x[:size], x[size:-1], x[-1]), context, key)

    def _for_step(self, key: PRNGKeyArray) -> "_BoxLaw":
        return _BoxLaw(dataclasses.replace(self.law, flow=self.law.flow._for_step(key)))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        z, log_prob = self.law.flow._sample_and_log_prob(key, context)
        return jnp.concatenate([z, z, jnp.zeros(1, z.dtype)]), log_prob


class _Side(NamedTuple):
    """Boxes of some rows, packed, and the features of what is given."""

    boxes: np.ndarray
    context: np.ndarray | None

    def for_fit(self) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Return the rows as `fit` takes validation rows."""
        return self.boxes if self.context is None else (self.boxes, self.context)


def fit_mixed(
    codes: np.ndarray,
    columns: Sequence["Column"],
    *,
    key: PRNGKeyArray,
    context: np.ndarray | None = None,
    context_columns: Sequence["Column"] = (),
    flow: str = "auto",
    options: dict[str, Any] | None = None,
    dequantize: str = "variational",
    validation: float = 0.1,
    holdout: Holdout = "random",
    batch_size: int | None = None,
    max_epochs: int | None = None,
    max_seconds: float | None = None,
    patience: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Check], Any] = True,
    devices: Devices = None,
) -> TableFit:
    """Fit the law of rows whose columns may be continuous, discrete, partly both, missing or circular.

    Every column becomes standard normal scores, by what the training rows say of it alone (`data.encoding`); there the
    recipe is trained, on one point of each row's box at a step. Before the first step the law is that of independent
    columns with the right marginals.

    Args:
        codes: of the rows, shape (n, columns), as `Schema.encode` gives them; NaN where a value is missing.
        columns: what the codes mean.
        key: a JAX random key; it decides the split, the initial weights and the order of the rows.
        context: codes of the columns that are given, shape (n, context_columns).
        context_columns: what they mean.
        flow: name of a recipe, or "auto".
        options: the recipe's keyword arguments, over those of the default.
        dequantize: how a point of a row's box is drawn in training: by "variational" dequantisation, a law that is
            learned with the flow, or by "uniform" dequantisation, uniform in the probabilities of the column.
        validation: the share of rows held out to choose the best flow, 0 for none.
        holdout: which rows are held out: "random" ones; or the "last" ones.
        batch_size: rows of a training step.
        max_epochs: the most epochs.
        max_seconds: the most seconds for all, compilation included.
        patience: stop after so many epochs without a better validation loss.
        checkpoint: as in `fit`.
        progress: as in `fit`.
        devices: as in `fit`.

    Returns:
        The flow over rows of codes, with a history and likelihoods in nats per row: densities for continuous columns,
        probabilities for the others, and a lower bound of the log-likelihood where there are any of these.

    Raises:
        ShapeError: if the codes are no matrix with a column for each that is described.
        ConfigError: if there are too few rows, a value is missing where none may be, or an option does not fit.
    """
    start = time.monotonic()
    if dequantize not in ("uniform", "variational"):
        raise ConfigError(f"fit_mixed: expected dequantize uniform or variational, got {dequantize!r}.")
    split = _split(codes, columns, context, context_columns, validation, holdout, key)
    encoder = _encoder(columns, split.training)
    features = (
        CodeFeatures(_encoder(context_columns, split.training_context)) if len(context_columns) else None
    )
    training = _side(encoder, features, split.training, split.training_context)
    held_out = _side(encoder, features, split.held_out, split.held_out_context)
    settings, chosen = settings_for(flow, options, batch_size, len(codes), encoder.features)
    size = 0 if features is None else features.out_shape[0]
    inner, said = build_inner(settings, encoder.features, size, jr.fold_in(key, 1))
    hidden = _HIDDEN if dequantize == "variational" and encoder.noisy else ()
    net = dequantizer(jr.fold_in(key, 3), encoder.features, hidden)
    if max_epochs is None and max_seconds is None:
        max_epochs = max(round(settings.steps * settings.batch_size / len(split.training)), 1)
    held = len(split.held_out)
    result = fit(
        _BoxLaw(BoxLaw(inner, net, encoder.angles, _VALIDATION_DRAWS if encoder.noisy else 1)),
        training.boxes,
        training.context,
        key=jr.fold_in(key, 2),
        validation=held_out.for_fit() if held else 0,
        batch_size=settings.batch_size,
        max_epochs=max_epochs,
        max_seconds=None if max_seconds is None else max(max_seconds - (time.monotonic() - start), 1e-3),
        patience=patience,
        optimizer=settings.optimizer,
        checkpoint=checkpoint,
        progress=progress,
        devices=devices,
    )
    law = result.flow
    if not isinstance(law, _BoxLaw):
        raise ConfigError("fit_mixed: the training returned another law than it was given.")
    places = evenly(len(split.training), held)
    some = None if training.context is None else training.context[places]
    recipe, trained = _recipe(settings, encoder, features, hidden), law.law
    return TableFit(
        flow=join_mixed(trained.flow, [], encoder, features, _DRAWS, trained.dequantizer, recipe),
        history=result.history,
        train_log_prob=-mean_loss(law, training.boxes[places], some, devices=devices),
        validation_log_prob=-mean_loss(law, held_out.boxes, held_out.context, devices=devices)
        if held
        else None,
        settings=settings,
        notes=(*_serial(codes, columns, holdout, held), *hurried(result), *chosen, *said),
        stopped=result.stopped,
        steps=result.steps,
        seconds=time.monotonic() - start,
        split=split,
    )


def _split(
    codes: np.ndarray,
    columns: Sequence["Column"],
    context: np.ndarray | None,
    context_columns: Sequence["Column"],
    validation: float,
    holdout: Holdout,
    key: PRNGKeyArray,
) -> Split:
    """Return the rows divided, after checks of what no encoder sees."""
    check_codes("codes", codes, columns, len(codes))
    given = np.empty((len(codes), 0)) if context is None else context
    check_codes("context", given, context_columns, len(codes))
    exact = [not column.lattice for column in columns]
    names = [column.name for column, keep in zip(columns, exact, strict=True) if keep]
    refuse_duplicates("fit_mixed", codes[:, exact], names)
    return split_rows(codes, given, validation, holdout, key)


def _serial(codes: np.ndarray, columns: Sequence["Column"], holdout: Holdout, held: int) -> list[str]:
    """Return a note if neighbouring rows are alike in their numbers, and held-out rows are random ones."""
    numbers = [not column.missing and column.kind not in ("categorical", "angle") for column in columns]
    varying = codes[:, np.array(numbers) & (codes.min(axis=0) < codes.max(axis=0))]
    return serial_note(varying, holdout) if held and varying.shape[1] else []


def check_codes(what: str, codes: np.ndarray, columns: Sequence[Any], rows: int) -> None:
    """Raise a ShapeError unless there is a row for each row, and a column for each that is described."""
    if np.shape(codes) != (rows, len(columns)):
        raise ShapeError(
            f"fit_mixed: expected {what} of shape ({rows}, {len(columns)}), got shape {np.shape(codes)}."
        )


def _encoder(columns: Sequence["Column"], codes: np.ndarray) -> Encoder:
    return learn_encoder(cells_of(columns, codes), codes, preprocessing.knots_for(len(codes)))


def _side(encoder: Encoder, features: CodeFeatures | None, codes: np.ndarray, given: np.ndarray) -> _Side:
    """Return the boxes of rows and the features of what is given."""
    if not len(codes):
        return _Side(np.empty((0, 2 * encoder.features + 1)), None)
    box = boxes(encoder, codes)
    packed = np.concatenate([box.lower, box.upper, box.log_weight[:, None]], axis=1)
    context = None if features is None else features.of_rows(given)
    return _Side(packed, context)


def _recipe(
    settings: Settings, encoder: Encoder, features: CodeFeatures | None, hidden: tuple[int, ...]
) -> Any:
    """Return how the recipe `mixed` would build the law."""
    context = () if features is None else [cells.to_json() for cells in features.encoder.cells]
    return recorded(
        "mixed",
        columns=[cells.to_json() for cells in encoder.cells],
        context=context,
        flow=settings.flow,
        options=settings.options,
        knots=encoder.knots,
        context_knots=32 if features is None else features.encoder.knots,
        draws=_DRAWS,
        dequantizer_hidden=hidden,
    )
