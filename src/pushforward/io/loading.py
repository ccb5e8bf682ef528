"""Loading a flow from a file that may be broken or hostile: every check comes before what it protects."""

import dataclasses
import math
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from ..distributions.flow import Flow
from . import arrays, container, metadata, probes
from .arguments import check_arguments
from .refusal import Refused, naming_file

MAX_FILE_BYTES = 2**32
"""The largest file that is loaded without asking: 4 GiB, a thousand million numbers in float32."""


@dataclasses.dataclass(frozen=True)
class Model:
    """What a model file holds.

    Attributes:
        flow: the flow, as it was saved.
        table: the description of the columns that was given to `save`, or None.
        version: the version of the library that wrote the file.
        recipe: the name of the recipe that builds the flow.
        arguments: the recipe's keyword arguments, in which lists stand for tuples.
    """

    flow: Flow
    table: dict[str, Any] | None
    version: str
    recipe: str
    arguments: dict[str, Any]


def load(path: str | Path, *, max_bytes: int = MAX_FILE_BYTES) -> Flow:
    """Load the flow of a model file; see `load_model`.

    Example:
        flow = load("model.safetensors")
    """
    return load_model(path, max_bytes=max_bytes).flow


def load_model(path: str | Path, *, max_bytes: int = MAX_FILE_BYTES) -> Model:
    """Load a flow and what its file says about it.

    Nothing in the file is executed: it names a recipe of the registry and gives that plain arguments. So a
    stranger's file cannot make the process run code of its own, or allocate out of proportion to its size.
    What its numbers mean is another matter: a model is as trustworthy as who made it.

    A recipe of your own must be registered before a flow that it built can be loaded.

    Arrays keep the dtypes of the file. A flow in float64 therefore needs x64 to be on; one in float32 loads
    with x64 on and off.

    Args:
        path: a file that `save` wrote.
        max_bytes: larger files are refused.

    Raises:
        BadModelFile: if the file is missing, broken, hostile, of another format, in float64 while x64 is off,
            or gives other log-densities at its probe points than when it was saved. Nothing was loaded then.
        OSError: if the file may not be read.
    """
    with naming_file(path), _opened(path, max_bytes) as (file, size):
        return _read(file, size)


def from_bytes(content: bytes) -> Flow:
    """Load a flow from bytes that `to_bytes` made, or that a model file holds; checked as `load_model` does.

    Raises:
        BadModelFile: if they are broken, hostile or of another format. Nothing was loaded then.
    """
    with naming_file("from_bytes"):
        return _read(BytesIO(content), len(content)).flow


def _read(file: BufferedIOBase, size: int) -> Model:
    """Read a model from an open file of `size` bytes, or raise `Refused`."""
    header = container.read_header(file, size)
    about = metadata.decode(header.metadata)
    shell = prepare(about.recipe, about.arguments, header.entries)
    values = container.read_arrays(file, header)
    found = metadata.digest(header.metadata, values)
    if found != about.sha256:
        raise Refused('key "sha256"', about.sha256, f"{found} from the content: the file is damaged")
    arrays.check_finite(values)
    weights, points = probes.split(values)
    flow = arrays.fill(shell, weights)
    probes.check(flow, points)
    return Model(flow, about.table, about.version, about.recipe, about.arguments)


def describe(path: str | Path) -> dict[str, Any]:
    """Return what a model file says about itself, from its header alone; no recipe runs, no array is read.

    The header is checked as `load` checks it, except that the recipe need not be known here, so a file can be
    described that this installation cannot load.

    Returns:
        `format`, `recipe`, `arguments`, `table`, `version`, `arrays` (how many), `numbers` (floats in all
        arrays, fixed ones included), `dtypes` (of the floats, sorted), `bytes` (size of the file), `sha256`
        (digest of the content: equal for equal flows, tables and versions of the library).

    Raises:
        BadModelFile: if the file is missing, broken or of another format.
        OSError: if the file may not be read.
    """
    with naming_file(path), _opened(path, None) as (file, size):
        header = container.read_header(file, size)
        about = metadata.decode(header.metadata)
    entries = probes.split(header.entries)[0].values()
    floats = [entry for entry in entries if jnp.issubdtype(entry.dtype, jnp.floating)]
    return {
        "format": metadata.FORMAT,
        "recipe": about.recipe,
        "arguments": about.arguments,
        "table": about.table,
        "version": about.version,
        "arrays": len(entries),
        "numbers": sum(math.prod(entry.shape) for entry in floats),
        "dtypes": sorted({entry.dtype.name for entry in floats}),
        "bytes": size,
        "sha256": about.sha256,
    }


def prepare(recipe: str, arguments: Mapping[str, Any], found: Mapping[str, arrays.ArrayLike]) -> Flow:
    """Return the skeleton of a flow, after checking that the arrays found are the ones that it needs.

    Args:
        recipe: the name of a recipe.
        arguments: its keyword arguments, parsed from JSON.
        found: the arrays of the file, or their shapes and dtypes, those of the probes included.

    Raises:
        Refused: if the recipe is unknown, its arguments are not plausible, or the arrays do not fit.
    """
    stored = sum(math.prod(array.shape) * array.dtype.itemsize for array in found.values())
    check_arguments(recipe, arguments, stored)
    shell = arrays.skeleton(recipe, arguments)
    own, points = probes.split(found)
    arrays.check_match(arrays.named(shell), own, recipe)
    arrays.check_match(probes.expected(shell), points, recipe)
    return shell


@contextmanager
def _opened(path: str | Path, max_bytes: int | None) -> Iterator[tuple[BufferedIOBase, int]]:
    """Open a regular file of bounded size; yield it with its size in bytes."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused("file", "a model file", "none of this name") from error
    if not stat.S_ISREG(mode):
        # Opening a pipe would wait for a writer, for ever.
        raise Refused("file", "a model file", "a folder" if stat.S_ISDIR(mode) else "a device or a pipe")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if max_bytes is not None and size > max_bytes:
            raise Refused("file", f"at most {max_bytes} bytes (max_bytes raises the limit)", f"{size} bytes")
        yield file, size
