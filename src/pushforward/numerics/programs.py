"""The compiled programs that take time: which options their compiler gets, and where they run."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

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


def program(function: Function, *, jit: Callable = eqx.filter_jit, **options: Any) -> Function:
    """Return the function compiled, as `jit` does it, with what is known of the compiler for the device.

    For a GPU, XLA tries dozens of Triton programs for each product of matrices. In float32 it then chose those of
    cuBLAS or some that were no faster, and a first training step took 43 s where without it takes 5 (H100, RealNVP).

    Args:
        function: what `jit` takes.
        jit: `equinox.filter_jit` or `jax.jit`.
        options: of `jit`.
    """
    plain = jit(function, **options)

    @functools.cache
    def for_gpus() -> Callable:
        return jit(function, compiler_options=known_options(xla_gpu_enable_triton_gemm=False), **options)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        chosen = plain if jax.default_backend() != "gpu" or tracing(args, kwargs) else for_gpus()
        return chosen(*args, **kwargs)

    return call  # pyright: ignore[reportReturnType]
