"""The arrays of a flow under the names of their places, and flows rebuilt around arrays."""

import warnings
from collections.abc import Mapping
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ..distributions.flow import Flow
from ..flows import registry
from .refusal import Refused, show

_KINDS = (jnp.bool_, jnp.signedinteger, jnp.unsignedinteger, jnp.floating)


class ArrayLike(Protocol):
    """What has a shape and a dtype: an array, the shadow of one, or the entry of one in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    @property
    def dtype(self) -> Any:
        """Its dtype."""
        ...


def skeleton(recipe: str, arguments: Mapping[str, Any]) -> Flow:
    """Build a flow whose arrays are only shapes and dtypes; no weight is allocated, no warning given.

    Raises:
        Refused: if the recipe raises.
    """
    try:
        with warnings.catch_warnings():
            # What a recipe has to say about its arguments it said when the flow was built.
            warnings.simplefilter("ignore")
            return eqx.filter_eval_shape(lambda key: registry.build(recipe, arguments, key), jr.key(0))
    # A recipe may fail in any way on arguments that it was not written for.
    except Exception as error:
        got = f"{type(error).__name__}: {error}".rstrip(".")
        raise Refused('key "arguments"', f"arguments that {recipe} can use", got) from error


def named(flow: Flow) -> dict[str, Any]:
    """Return the arrays of a flow, or of its skeleton, by their paths: `bijector.bijectors.0.map.loc`.

    Raises:
        Refused: if two arrays have the same path.
    """
    arrays = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(flow)[0]:
        if _is_array(leaf):
            name = ".".join(_step(key) for key in path)
            if name in arrays:
                raise Refused(f"array {show(name)}", "one array of this name", "two")
            arrays[name] = leaf
    return arrays


def fill(shell: Flow, arrays: Mapping[str, np.ndarray]) -> Flow:
    """Put arrays by name in the places of a skeleton."""

    def place(path: tuple[Any, ...], leaf: Any) -> Any:
        return jnp.asarray(arrays[".".join(_step(key) for key in path)]) if _is_array(leaf) else leaf

    return jax.tree_util.tree_map_with_path(place, shell)


def check_match(expected: Mapping[str, ArrayLike], found: Mapping[str, ArrayLike], recipe: str) -> None:
    """Raise `Refused` unless the arrays found are those of the skeleton: names, shapes, dtypes.

    A dtype may differ in precision from what the recipe builds now, for flows are cast, and built with x64 on
    and off. But what the recipe builds alike must be alike, and JAX must be able to hold it as it is.
    """
    for name in found:
        if name not in expected:
            raise Refused(f"array {show(name)}", f"no array of this name in a flow of {recipe}", "one")
    alike: dict[Any, tuple[str, Any]] = {}
    for name, spec in expected.items():
        if name not in found:
            raise Refused(f"array {show(name)}", "it in the file", "none")
        array = found[name]
        if tuple(array.shape) != tuple(spec.shape):
            raise Refused(f"shape of array {show(name)}", str(tuple(spec.shape)), str(tuple(array.shape)))
        check_dtype(name, spec.dtype, array.dtype)
        first, dtype = alike.setdefault(spec.dtype, (name, array.dtype))
        if array.dtype != dtype:
            raise Refused(
                f"dtype of array {show(name)}", f"{dtype}, as of array {show(first)}", str(array.dtype)
            )


def check_dtype(name: str, expected: Any, found: Any) -> None:
    """Raise `Refused` if an array is of another kind than expected, or needs x64 while it is off."""
    kinds = [
        next((kind for kind in _KINDS if jnp.issubdtype(dtype, kind)), None) for dtype in (expected, found)
    ]
    if kinds[0] != kinds[1]:
        raise Refused(f"dtype of array {show(name)}", str(expected), str(found))
    if jax.dtypes.canonicalize_dtype(found) != found:
        raise Refused(
            f"dtype of array {show(name)}",
            "at most 32 bits while x64 is off (jax.config.update('jax_enable_x64', True) turns it on)",
            str(found),
        )


def check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise `Refused` if an array of floats holds NaN or infinity."""
    for name, array in arrays.items():
        if jnp.issubdtype(array.dtype, jnp.floating):
            broken = array.size - int(np.count_nonzero(np.isfinite(array)))
            if broken:
                raise Refused(
                    f"array {show(name)}", "finite numbers", f"{broken} of {array.size} that are not"
                )


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.ShapeDtypeStruct) or eqx.is_array(leaf)


def _step(key: Any) -> str:
    """Return one step of a path as text: the name of a field, an index, or the key of a dictionary."""
    for attribute in ("name", "idx", "key"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)
