"""The compiled programs that take time: which options their compiler gets, and where they run."""

import functools
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from .convergence import naming_failures

Function = TypeVar("Function", bound=Callable)
_ZERO = np.zeros(())


def on_cpu() -> bool:
    """Return whether JAX computes on CPUs, unless told otherwise."""
    return jax.default_backend() == "cpu"


def tracing(*inputs: Any) -> bool:
    """Return whether a program with these inputs becomes part of another, for which nothing can be told its compiler.

    It is so where one of them is traced, and within `jax.jit`, where even constants are.
    """
    return any(isinstance(leaf, Tracer) for leaf in [jax.lax.stop_gradient(_ZERO), *jax.tree.leaves(inputs)])


_others: int = 0
"""The memory maps of this process that were left when JAX had forgotten its programs."""


def make_room() -> None:
    """Have JAX forget all compiled programs where they hold half of the memory maps that Linux leaves to them.

    XLA for CPUs (jax 0.10.2) maps each piece of a program by itself, some 400 for one that trains. JAX keeps thousands
    of programs, Linux allows 65,530 maps by default, and one more crashes the process within the compiler: in a loop
    that fits tables of different lengths, after some 80 of them. What is forgotten is compiled again when it is needed.
    """
    global _others
    used, allowed = _memory_maps()
    if used > (allowed + _others) / 2:
        jax.clear_caches()
        gc.collect()
        _others = _memory_maps()[0]


def _memory_maps() -> tuple[int, float]:
    """Return how many maps this process has, and how many it may have; 0 and infinity where it cannot be told."""
    try:
        with Path("/proc/self/maps").open("rb") as maps:
            return sum(1 for _ in maps), float(Path("/proc/sys/vm/max_map_count").read_text())
    except (OSError, ValueError):
        return 0, float("inf")


@functools.cache
def known_options(**wanted: Any) -> dict[str, Any]:
    """Return those of XLA's options that the installed version knows; it drops and renames them as it pleases.

    Args:
        wanted: values by name.

    Returns:
        What to give `jax.jit` as its `compiler_options`.
    """
    return {name: value for name, value in wanted.items() if _is_known(name, value)}


def _is_known(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value})()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def computed_once(x: Array) -> Array:
    """Return x, which XLA for CPUs then computes once, and not again for every product that follows.

    It copies cheap arithmetic into all kernels that read the result. In ten affine layers written out, where an event
    is a few sums away from that of the layer before, the last kernels did the work of all ten, and a gradient took 1.3
    times as long as in a loop; with this it takes 0.9. Divisions are not copied, and this is one by 1. (An optimization
    barrier is dropped before XLA decides.)

    Args:
        x: floating-point numbers.

    Returns:
        The same numbers; infinities and NaN stay what they are.
    """
    one = jax.lax.stop_gradient(jnp.where(x == x, 1, x))  # no constant, as x may be NaN
    return x / one


@dataclass(frozen=True)
class Still:
    """What of a tree is not an array: programs of equal ones are one."""

    structure: Any
    leaves: tuple[Any, ...]

    def filled(self, arrays: Sequence[Any]) -> Any:
        """Return the tree with these arrays in their places."""
        rest = iter(arrays)
        leaves = [next(rest) if leaf is Still else leaf for leaf in self.leaves]
        return jax.tree.unflatten(self.structure, leaves)


def partition(tree: Any) -> tuple[tuple[Any, ...], Still]:
    """Return the arrays of a tree, and the rest, which can be hashed if its leaves can."""
    leaves, structure = jax.tree.flatten(tree)
    moved = [isinstance(leaf, jax.Array | np.ndarray | np.generic) for leaf in leaves]
    arrays = tuple(leaf for leaf, moves in zip(leaves, moved, strict=True) if moves)
    still = tuple(Still if moves else leaf for leaf, moves in zip(leaves, moved, strict=True))
    return arrays, Still(structure, still)


class Compiled:
    """A function as `jax.jit` compiles it, with what is known of the compiler for the device.

    For a GPU, XLA tries dozens of Triton programs for each product of matrices. In float32 it then chose those of
    cuBLAS or some that were no faster, and a first training step took 43 s where without it takes 5 (H100, RealNVP).

    Args:
        function: what `jax.jit` takes.
        options: of `jax.jit`.
    """

    def __init__(self, function: Callable, **options: Any) -> None:
        self._function, self._options = function, options
        self._plain = jax.jit(function, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        plain = jax.default_backend() != "gpu" or tracing(args, kwargs)
        return (self._plain if plain else self._for_gpus)(*args, **kwargs)

    def clear_cache(self) -> None:
        """Forget the programs for CPUs."""
        self._plain.clear_cache()  # pyright: ignore[reportAttributeAccessIssue]

    @functools.cached_property
    def _for_gpus(self) -> Callable:
        told = known_options(xla_gpu_enable_triton_gemm=False)
        return jax.jit(self._function, compiler_options=told, **self._options)


def program(function: Function) -> Function:
    """Return the function `Compiled`, for arguments of any kind: what is no array is part of the program.

    Modules are taken apart once a call. `equinox.filter_jit` does it several times, which makes a call of the training
    of a small flow 0.3 ms longer, as much as a step.

    Args:
        function: of trees, to arrays and trees of them. What is no array in its arguments must be hashable.

    Returns:
        The function, which waits for its results, and whose failures have the names of `naming_failures`.
    """

    def apart(arrays: tuple[Any, ...], still: Still) -> Any:
        args, kwargs = still.filled(arrays)
        return function(*args, **kwargs)

    run = Compiled(apart, static_argnums=1)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with naming_failures():
            return jax.block_until_ready(run(*partition((args, kwargs))))

    return call  # pyright: ignore[reportReturnType]
