"""Saving a flow: everything is checked with the eyes of the loader before the file is touched."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..distributions.flow import Flow, Recipe
from ..errors import ConfigError
from . import arrays, container, metadata, probes
from .atomic import atomic_write
from .loading import prepare
from .refusal import Refused, show


def save(flow: Flow, path: str | Path, *, table: Mapping[str, Any] | None = None) -> None:
    """Write a flow to one model file, safetensors with metadata, from which `load` rebuilds it.

    All arrays are stored with their dtypes: weights, frozen buffers, masks, permutations. The file is written
    atomically: if anything goes wrong, what was at `path` stays.

    Args:
        flow: built by a registered recipe, with any values in its arrays.
        path: where to write; the folder must exist, a file there is replaced.
        table: plain data (at most 1 MiB of JSON) that describes the columns; `load_model` gives it back.

    Raises:
        ConfigError: if the flow knows no recipe, is no longer what its recipe builds, holds NaN or infinity,
            or if the table is not plain data.
        OSError: if the file cannot be written.
    """
    content = to_bytes(flow, table=table, who="save")
    atomic_write(path, lambda file: _put(file, content))


def to_bytes(flow: Flow, *, table: Mapping[str, Any] | None = None, who: str = "to_bytes") -> bytes:
    """Return what `save` writes to a file, for places that want bytes: a database, another process.

    Args:
        flow: built by a registered recipe, with any values in its arrays.
        table: as in `save`.
        who: the caller, for messages.

    Raises:
        ConfigError: as `save` does.
    """
    if not isinstance(flow, Flow) or flow.recipe is None:
        raise ConfigError(
            f"{who}: expected a flow that a registered recipe built, got one without a recipe. Move the code "
            "that builds it into a function of a key and of plain keyword arguments, decorate the function "
            "with pushforward.flows.register, and build the flow by calling it."
        )
    try:
        return _content(flow, flow.recipe, table)
    except Refused as refused:
        raise ConfigError(f"{who}: {refused}. Nothing was written.") from refused.__cause__


def _content(flow: Flow, recipe: Recipe, table: Mapping[str, Any] | None) -> bytes:
    """Return the bytes of the file, or raise `Refused` where `load` would refuse them."""
    weights = {}
    for name, leaf in arrays.named(flow).items():
        if leaf.dtype not in container.STORABLE:
            raise Refused(f"dtype of array {show(name)}", "one that a model file can hold", str(leaf.dtype))
        weights[name] = np.asarray(leaf)
    arrays.check_finite(weights)
    points = probes.make(flow)
    arguments = metadata.parse_object(recipe.arguments, "arguments")
    shell = prepare(recipe.name, arguments, weights | points)
    # A field that is no array may have been changed since the recipe ran: then this is where it shows.
    probes.check(arrays.fill(shell, weights), points)
    texts = metadata.encode(recipe, table, weights | points)
    content = container.pack(weights | points, texts)
    container.read_header(BytesIO(content), len(content))
    return content


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content)
