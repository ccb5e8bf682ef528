"""A small recipe with every kind of array, and model files taken apart and put together by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array

from pushforward.bijectors.base import Bijector
from pushforward.bijectors.frozen import Frozen
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal
from pushforward.errors import BadModelFile, ConfigError
from pushforward.flows import registry
from pushforward.io import load, metadata, save
from pushforward.io.refusal import Refused


class Tiny(Bijector):
    """y = factor * exp(mask * weight) * x[order] + offset (+ the context's sum)."""

    weight: Array
    factor: Frozen
    mask: Array
    order: Array
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    offset: float = eqx.field(static=True)
    cheap: str = eqx.field(static=True, default="both")

    @property
    def in_shape(self):
        return self.weight.shape

    @property
    def out_shape(self):
        return self.weight.shape

    def _parts(self, context):
        scale = self.factor.value * jnp.exp(jnp.where(self.mask, self.weight, 0))
        shift = self.offset if context is None else self.offset + jnp.sum(context)
        return scale, shift, jnp.sum(jnp.log(scale))

    def forward_and_log_det(self, x, context=None, *, key=None):
        scale, shift, log_det = self._parts(context)
        return scale * x[self.order] + shift, log_det

    def inverse_and_log_det(self, y, context=None, *, key=None):
        scale, shift, log_det = self._parts(context)
        return ((y - shift) / scale)[jnp.argsort(self.order)], -log_det


@pytest.fixture
def calls() -> list[dict[str, Any]]:
    """The arguments of every run of the recipe `tiny`."""
    return []


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, calls: list) -> Callable[..., Flow]:
    """The one known recipe."""
    monkeypatch.setattr(registry, "_RECIPES", {})

    def tiny(key, *, features, context_features=0, layers=1, hidden=(), offset=0.0, note=""):
        calls.append({"features": features, "layers": layers, "hidden": hidden, "note": note})
        if layers < 1:
            raise ConfigError("tiny: expected layers to be at least 1, got 0.")
        bijector = Tiny(
            weight=jr.normal(key, (features,)),
            factor=Frozen(jnp.full((features,), 2.0)),
            mask=jnp.arange(features) % 2 == 0,
            order=jr.permutation(key, features),
            context_shape=(context_features,) if context_features else None,
            offset=offset,
        )
        return Flow(StandardNormal((features,)), bijector)

    return registry.register(tiny)


class Crafted:
    """The header and the data of a file, open to every abuse."""

    def __init__(self, content: bytes) -> None:
        length = int.from_bytes(content[:8], "little")
        self.header: dict[str, Any] = json.loads(content[8 : 8 + length])
        self.data = bytearray(content[8 + length :])

    @property
    def metadata(self) -> dict[str, Any]:
        return self.header["__metadata__"]

    def array(self, name: str) -> np.ndarray:
        """A writable view of an array's data."""
        dtypes = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "BOOL": "?"}
        entry = self.header[name]
        start, stop = entry["data_offsets"]
        raw = np.frombuffer(memoryview(self.data)[start:stop], dtypes[entry["dtype"]])
        return raw.reshape(entry["shape"])

    def replace(self, name: str, dtype: str, array: np.ndarray) -> None:
        """Put another array in the place of one, and move the ones behind it."""
        start, stop = self.header[name]["data_offsets"]
        grown = array.nbytes - (stop - start)
        for key, entry in self.header.items():
            if key != "__metadata__" and entry["data_offsets"][0] >= stop:
                entry["data_offsets"] = [offset + grown for offset in entry["data_offsets"]]
        self.header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [start, start + array.nbytes],
        }
        self.data = self.data[:start] + array.tobytes() + self.data[stop:]

    def remove(self, name: str) -> None:
        """Take an array out without leaving a hole."""
        self.replace(name, "I8", np.zeros(0, np.int8))
        del self.header[name]

    def sign(self) -> "Crafted":
        """Write the digest that fits the content, as an attacker would."""
        arrays = {name: self.array(name) for name in self.header if name != "__metadata__"}
        self.metadata["sha256"] = metadata.digest(self.metadata, arrays)
        return self

    def bytes(self) -> bytes:
        header = json.dumps(self.header).encode()
        return len(header).to_bytes(8, "little") + header + bytes(self.data)


@pytest.fixture
def flow(tiny) -> Flow:
    return tiny(jr.key(1), features=3)


@pytest.fixture
def saved(flow, tmp_path: Path) -> bytes:
    """The bytes of a good file."""
    save(flow, tmp_path / "good.safetensors", table={"columns": ["a", "b", "c"]})
    return (tmp_path / "good.safetensors").read_bytes()


@pytest.fixture
def crafted(saved: bytes) -> Crafted:
    return Crafted(saved)


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[bytes], str]:
    """A function that loads bytes, expects a BadModelFile, and returns its message after the file's name."""

    def refusal(content: bytes) -> str:
        path = tmp_path / "bad.safetensors"
        path.write_bytes(content)
        with pytest.raises(BadModelFile) as caught:
            load(path)
        name, _, message = str(caught.value).partition(": ")
        assert name == str(path)
        return message

    return refusal


@pytest.fixture
def refused() -> Callable[..., str]:
    """A function that calls another, expects `Refused`, and returns the message."""

    def refused(function: Callable, *args: Any, **kwargs: Any) -> str:
        with pytest.raises(Refused) as caught:
            function(*args, **kwargs)
        return str(caught.value)

    return refused
