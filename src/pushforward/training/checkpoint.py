"""Checkpoints: a run on the disk, written atomically and resumed bit for bit."""

import dataclasses
import functools
import hashlib
import json
import os
import shutil
import time
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PyTree
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from ..errors import BadCheckpoint
from ..io.atomic import atomic_write
from .history import Check
from .record import Record

FORMAT = 2
SECONDS_BETWEEN = 10.0
_HEADER = "pushforward.checkpoint"


class Checkpoint:
    """The file of one run, and beside it the one written before, `<path>.previous`.

    Args:
        path: the file; its folder must exist.
        run: what makes this run this run, as plain data; a file whose run differs is refused.
    """

    def __init__(self, path: str | os.PathLike[str], run: dict[str, Any]) -> None:
        self._path = Path(path)
        self._previous = self._path.with_name(f"{self._path.name}.previous")
        self._run = json.loads(json.dumps(run))
        self._written: float | None = None
        self._is_whole = True

    def load(self, fresh: Record) -> Record | None:
        """Return the record in the file, or None if there is no file.

        A file that is broken is passed over, with a warning, for the one written before it.

        Args:
            fresh: the record of this run before its first step; the file must have the same arrays.

        Raises:
            BadCheckpoint: if the file is of another run, or both files are broken.
        """
        if not self._path.exists():
            return None
        try:
            return self._read(self._path, fresh)
        except _Broken as broken:
            try:
                record = self._read(self._previous, fresh)
            except _Broken as worse:
                raise BadCheckpoint(
                    f"fit: {self._path} is broken ({broken}), and so is the one before it, {self._previous} "
                    f"({worse}). Delete them, or pass another checkpoint path, to start anew."
                ) from broken
            self._is_whole = False
            warnings.warn(
                f"fit: {self._path} is broken ({broken}); going on from the one before it, {self._previous}, "
                f"step {record.step}.",
                RuntimeWarning,
                stacklevel=4,
            )
            return record

    def save(self, record: Record, *, now: bool = False) -> None:
        """Write a record, unless the last one is less than `SECONDS_BETWEEN` old or `now` is True.

        A disk that is full later must not cost the training done so far, so a failure only warns.
        """
        recent = self._written is not None and time.monotonic() - self._written < SECONDS_BETWEEN
        if recent and not now:
            return
        try:
            self.write(record)
        except OSError as error:
            warnings.warn(
                f"fit: no checkpoint written, training goes on: {error}", RuntimeWarning, stacklevel=2
            )

    def write(self, record: Record) -> None:
        """Write a record now.

        Raises:
            OSError: if it cannot be written; the files are then as they were.
        """
        arrays = _named_arrays(record)
        plain = {
            field.name: getattr(record, field.name)
            for field in dataclasses.fields(record)
            if field.name not in ("state", "best")
        }
        header = {"format": FORMAT, "run": self._run, "record": plain}
        header["digest"] = _digest(arrays, header)
        data = to_bytes(arrays, metadata={_HEADER: json.dumps(header)})
        # A broken file must not take the place of the good one before it.
        if self._is_whole:
            self._keep_previous()
        atomic_write(self._path, functools.partial(_put, data))
        self._is_whole = True
        self._written = time.monotonic()

    def _keep_previous(self) -> None:
        """Give the file its second name, so that at every moment one whole file is there."""
        if not self._path.exists():
            return
        second = self._path.with_name(f"{self._path.name}.tmp-{os.getpid()}-link")
        second.unlink(missing_ok=True)
        try:
            try:
                os.link(self._path, second)
            except OSError:
                # Some file systems know no hard links.
                shutil.copyfile(self._path, second)
            os.replace(second, self._previous)
        finally:
            second.unlink(missing_ok=True)

    def _read(self, path: Path, fresh: Record) -> Record:
        header, arrays = _open(path)
        if header["run"] != self._run:
            self._refuse(path, header["run"])
        expected = _named_arrays(fresh)
        for name in sorted(expected.keys() | arrays.keys()):
            got, want = _spec(arrays.get(name)), _spec(expected.get(name))
            if got != want:
                raise _Broken(f"array {name} is {got}, expected {want}")
        state, best = _filled((fresh.state, fresh.best), arrays)
        plain = header["record"]
        plain["checks"] = tuple(Check(*check) for check in plain["checks"])
        return Record(state=state, best=best, **plain)

    def _refuse(self, path: Path, theirs: Any) -> None:
        theirs = theirs if isinstance(theirs, dict) else {}
        names = [name for name in self._run | theirs if theirs.get(name) != self._run.get(name)]
        different = "; ".join(
            f"{name} is {theirs.get(name)!r} there, {self._run.get(name)!r} here" for name in names
        )
        raise BadCheckpoint(
            f"fit: {path} belongs to another run: {different}. "
            "Delete it, or pass another checkpoint path, to start anew."
        )


class _Broken(Exception):
    """A file that is not a whole checkpoint."""


def _put(data: bytes, file: BinaryIO) -> None:
    file.write(data)


def _open(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and arrays of a file whose digest is right."""
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(_HEADER)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _Broken(str(error)) from error
    try:
        header = json.loads(text or "null")
    except ValueError as error:
        raise _Broken("its header is not JSON") from error
    if not isinstance(header, dict) or "format" not in header:
        raise _Broken("it is not a checkpoint")
    if header["format"] != FORMAT:
        raise _Broken(f"its format is {header['format']!r}, this version reads {FORMAT}")
    digest = header.pop("digest", None)
    if digest != _digest(arrays, header):
        raise _Broken("its digest does not fit its contents")
    return header, arrays


def _digest(arrays: dict[str, np.ndarray], header: dict[str, Any]) -> str:
    digest = hashlib.blake2b(json.dumps(header, sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def fingerprint(tree: PyTree) -> str:
    """Return a hash of the arrays of a PyTree: their places, dtypes, shapes and values."""
    return _digest({name: _to_numpy(leaf) for name, leaf in _flat(tree)}, {})


def _named_arrays(record: Record) -> dict[str, np.ndarray]:
    leaves = _flat({"state": record.state, "best": record.best})
    return {name: _to_numpy(leaf) for name, leaf in leaves}


def _flat(tree: PyTree) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves if eqx.is_array(leaf)]


def _filled(like: tuple[PyTree, PyTree], arrays: dict[str, np.ndarray]) -> tuple[PyTree, PyTree]:
    """Return `like` with its arrays replaced by those of a file; what is no array stays."""

    def place(path: Any, leaf: Any) -> Any:
        if not eqx.is_array(leaf):
            return leaf
        data = jnp.asarray(arrays[jax.tree_util.keystr(path)])
        return jr.wrap_key_data(data, impl=jr.key_impl(leaf)) if _is_key(leaf) else data

    tree = jax.tree_util.tree_map_with_path(place, {"state": like[0], "best": like[1]})
    return tree["state"], tree["best"]


def _is_key(leaf: Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_numpy(leaf: Any) -> np.ndarray:
    return np.asarray(jr.key_data(leaf) if _is_key(leaf) else leaf)


def _spec(array: np.ndarray | None) -> str:
    return "missing" if array is None else f"{array.dtype} of shape {array.shape}"
