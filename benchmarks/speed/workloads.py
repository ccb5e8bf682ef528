"""The workloads that every library runs, and the rows they run on. Standard library and NumPy only."""

from dataclasses import dataclass

import numpy as np

EVALUATED_ROWS = 10_000


@dataclass(frozen=True)
class Workload:
    """One architecture: `layers` couplings, or masked autoregressive layers, of ReLU networks with `hidden` units.

    `bins` is None for affine layers; otherwise they are rational-quadratic splines on [-5, 5] with identity
    tails. Densities and samples are of `rows` rows. At most `rounds` rounds are run, where a peer takes long.
    """

    features: int
    layers: int
    hidden: tuple[int, ...]
    batch: int
    bins: int | None = None
    autoregressive: bool = False
    rows: int = EVALUATED_ROWS
    rounds: int | None = None


WORKLOADS = {
    "realnvp-2d": Workload(features=2, layers=8, hidden=(64, 64), batch=256),
    "nsf-21d": Workload(features=21, layers=8, hidden=(128, 128), batch=512, bins=8),
    "maf-21d": Workload(features=21, layers=5, hidden=(256, 256), batch=512, autoregressive=True),
    "maf-63d": Workload(features=63, layers=5, hidden=(512, 512), batch=512, autoregressive=True, rows=1000),
    "nsf-ar-63d": Workload(
        features=63, layers=5, hidden=(512, 512), batch=512, bins=8, autoregressive=True, rows=100
    ),
    "maf-784d": Workload(
        features=784, layers=5, hidden=(1024, 1024), batch=128, autoregressive=True, rows=16, rounds=3
    ),
}

SCALING = {
    f"maf-{features}d-scaling": Workload(
        features=features, layers=5, hidden=(512, 512), batch=128, autoregressive=True, rows=100
    )
    for features in (4, 8, 16, 32, 64, 128, 256, 512)
}
"""How the time of samples grows with the number of dimensions, all else being equal."""


def training_rows(workload: Workload) -> np.ndarray:
    """Correlated normal rows, shape (EVALUATED_ROWS, features), float32: speed does not depend on the law."""
    rng = np.random.default_rng(0)
    mixing = np.eye(workload.features) + 0.2 * rng.standard_normal((workload.features,) * 2)
    rows = rng.standard_normal((EVALUATED_ROWS, workload.features)) @ mixing.T
    return (rows / rows.std(0)).astype(np.float32)
