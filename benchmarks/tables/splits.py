"""The five real tables as fixed training, validation and test rows. NumPy and the standard library only.

Columns with ties (fewer than half as many distinct values as rows) are jittered once, before anything else,
by uniform noise one resolution step wide; every method sees the same jittered rows. All rows are standardised
by the mean and standard deviation of the training rows, so log densities are nats per row in those units; in
the table's own units they are lower by the sum of the log standard deviations, the same for every method.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TABLES = ("power", "protein", "kin40k", "pumadyn32nm", "gas-turbine")
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Split:
    """Standardised float64 rows, and what undoes the standardisation: row * scale + location."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    location: np.ndarray
    scale: np.ndarray
    jittered: list[int] = field(default_factory=list)

    def original(self, part: str) -> np.ndarray:
        """The rows of a part in the table's own units."""
        return getattr(self, part) * self.scale + self.location

    def digest(self) -> str:
        """A fingerprint of the test rows: methods are compared on the same rows or not at all."""
        return hashlib.sha256(np.round(self.test, 4).tobytes()).hexdigest()[:16]


def data_folder() -> Path:
    """Where the tables are: PUSHFORWARD_DATA, by default ../shared/data from the project's root."""
    return Path(os.environ.get("PUSHFORWARD_DATA", PROJECT.parent / "shared" / "data")) / "tables"


def load(name: str, *, seed: int = 0) -> Split:
    """A table by name, split by a fixed seed."""
    rng = np.random.default_rng(seed)
    if name == "power":  # its published preprocessing has split and jittered it
        with np.load(data_folder() / "power" / "power_subset_maf.npz") as parts:
            return standardise([parts[k].astype(np.float64) for k in ("train", "validation", "test")], [])
    if name == "gas-turbine":  # by years: the future is tested
        files = [data_folder() / "gas-turbine" / f"gt_{year}.csv" for year in range(2011, 2016)]
        years = [np.loadtxt(file, delimiter=",") for file in files]
        rows, jittered = jitter(np.concatenate(years), rng)
        known = sum(len(year) for year in years[:3])
        # A time series: the last tenth of the known years chooses, as neighbouring hours are alike.
        cut = known - known // 10
        return standardise([rows[:cut], rows[cut:known], rows[known:]], jittered)
    rows, jittered = jitter(np.loadtxt(data_folder() / "uci" / name / "data.csv.gz", delimiter=","), rng)
    rows = rng.permutation(rows)
    cut = len(rows) // 10
    return standardise([rows[2 * cut :], rows[cut : 2 * cut], rows[:cut]], jittered)


def jitter(rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """Uniform noise on columns with ties, as wide as the typical distance of a row to the next value."""
    rows, jittered = rows.copy(), []
    for j in range(rows.shape[1]):
        values, inverse = np.unique(rows[:, j], return_inverse=True)
        if len(values) * 2 >= len(rows):
            continue
        gaps = np.concatenate([[np.inf], np.diff(values), [np.inf]])
        step = np.median(np.minimum(gaps[:-1], gaps[1:])[inverse])
        rows[:, j] += step * rng.uniform(-0.5, 0.5, len(rows))
        jittered.append(j)
    return rows, jittered


def standardise(parts: list[np.ndarray], jittered: list[int]) -> Split:
    """Scale the three parts by the mean and standard deviation of the first."""
    location, scale = parts[0].mean(0), parts[0].std(0)
    train, validation, test = [(part - location) / scale for part in parts]
    return Split(train, validation, test, location, scale, jittered)
