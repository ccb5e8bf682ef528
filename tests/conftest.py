"""What tests of several rooms share."""

import os
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Have XLA compile quickly: the tests compile thousands of small programs, most of which run once.

    Slow tests, run by themselves, are those whose programs run long: what they get done in a minute is what users get.

    Without its fusion emitters, which newer versions always use, it takes a third of the time, and without LLVM's
    optimisations 0.6 of that again.
    `XLA_FLAGS= make test` tests the programs that users run.
    """
    # Of commands that tests start: nothing is left in anybody's home.
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    if config.option.markexpr == "slow":
        return
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_cpu_parallel_codegen_split_count=1 --xla_backend_optimization_level=0"
        + (" --xla_cpu_use_fusion_emitters=false" if jax.__version_info__ < (0, 11) else ""),
    )


def _randomised(build: Callable[[], Any], seed: int = 0, scale: float = 0.4) -> Any:
    random = np.random.default_rng(seed)

    def fill(leaf: Any) -> Any:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        if np.issubdtype(leaf.dtype, np.integer):
            # The only integers are permutations and their inverses: this one is both.
            return jax.device_put(
                np.broadcast_to(np.arange(leaf.shape[-1])[::-1], leaf.shape).astype(leaf.dtype)
            )
        return jax.device_put((scale * random.normal(size=leaf.shape)).astype(leaf.dtype))

    return jax.tree.map(fill, eqx.filter_eval_shape(build))


@pytest.fixture(scope="session")
def randomised() -> Callable[..., Any]:
    """A function (build, seed, scale) that takes the structure of `build()` and fills in numbers.

    The numbers are normal, so nothing is at its start or at zero; permutations reverse. Nothing is compiled for it:
    building a module eagerly compiles a program for every shape of weights.
    """
    return _randomised
