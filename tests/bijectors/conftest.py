"""Modules with random numbers in place of their initial ones, made without compiling anything."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest


def _randomised(build: Callable[[], Any], seed: int = 0, scale: float = 0.4) -> Any:
    random = np.random.default_rng(seed)

    def fill(leaf: Any) -> Any:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        return jax.device_put((scale * random.normal(size=leaf.shape)).astype(leaf.dtype))

    return jax.tree.map(fill, eqx.filter_eval_shape(build))


@pytest.fixture(scope="session")
def randomised() -> Callable[..., Any]:
    """Return a function (build, seed, scale) that takes the structure of `build()` and fills in numbers."""
    return _randomised
