"""The data of the replications: training, validation and test rows, made by the papers' protocols.

Read from PUSHFORWARD_DATA as the tables are (`benchmarks/tables/splits.py`). Patches are cut once and kept in
PUSHFORWARD_CACHE, by default ~/.cache/pushforward.
"""

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tables.splits import data_folder

LAMBDA = 1e-6
"""What keeps pixels of MNIST from 0 and 1 before the logit (Papamakarios et al. 2017, table 4)."""

PATCHES = {"train": 1_000_000, "validation": 50_000, "test": 250_000}
WITHIN = 8  # patches of 8 x 8 pixels


@dataclass(frozen=True)
class Rows:
    """The three parts, float32, shape (rows, features) each; standardised if `scale` is not one.

    A log-density of standardised rows minus the sum of log(scale) is that of the rows themselves.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    location: np.ndarray
    scale: np.ndarray

    @property
    def log_scale(self) -> float:
        """What standardising adds to every log-density, in nats."""
        return float(np.log(self.scale).sum())

    def original_test(self) -> np.ndarray:
        """The test rows as they were, float64."""
        return self.test.astype(np.float64) * self.scale + self.location


def standardised(parts: list[np.ndarray]) -> Rows:
    """Scale the parts by the mean and standard deviation of the first."""
    location = parts[0].mean(0, dtype=np.float64)
    scale = parts[0].std(0, dtype=np.float64)
    return Rows(*[((part - location) / scale).astype(np.float32) for part in parts], location, scale)


def power() -> Rows:
    """A 12 % subset of POWER by the MAF paper's preprocessing: comparable among methods, not with the papers."""
    with np.load(data_folder() / "power" / "power_subset_maf.npz") as parts:
        return standardised([parts[name] for name in PATCHES])


def bsds300() -> Rows:
    """Patches of BSDS300 as in Zoran and Weiss 2011 and Uria et al. 2013: the papers' protocol, not their very rows.

    Grey patches at random places; 180 training, 20 validation and 100 test images; uniform noise, divided by 256, less
    the mean of the patch, the last pixel left out.
    """
    parts = []
    for number, patches in enumerate(_patches().values()):
        rows = patches.astype(np.float32)
        rows += np.random.default_rng([1, number]).random(rows.shape, dtype=np.float32)
        rows /= 256
        rows -= rows.mean(1, keepdims=True)
        parts.append(rows[:, :-1])
    return standardised(parts)


def _patches() -> dict[str, np.ndarray]:
    folder = Path(os.environ.get("PUSHFORWARD_CACHE", Path.home() / ".cache" / "pushforward"))
    file = folder / "bsds300-patches.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(file, **_cut_patches(data_folder().parent / "images" / "bsds300" / "images"))
    with np.load(file) as kept:
        return dict(kept)


def _cut_patches(images: Path) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(300)
    known = sorted((images / "train").iterdir())
    known = [known[i] for i in rng.permutation(len(known))]
    files = {"train": known[:180], "validation": known[180:], "test": sorted((images / "val").iterdir())}
    cut = {}
    for name, count in PATCHES.items():
        of_image = rng.integers(len(files[name]), size=count)
        rows = np.empty((count, WITHIN * WITHIN), np.uint8)
        for number, file in enumerate(files[name]):
            grey = np.asarray(Image.open(file).convert("L"))
            places = np.flatnonzero(of_image == number)
            corners = [rng.integers(size - WITHIN + 1, size=len(places)) for size in grey.shape]
            windows = np.lib.stride_tricks.sliding_window_view(grey, (WITHIN, WITHIN))
            rows[places] = windows[tuple(corners)].reshape(-1, WITHIN * WITHIN)
        cut[name] = rows
    return cut


def mnist() -> Rows:
    """MNIST dequantised and in logit space, as in the MAF paper: 50,000, 10,000 and 10,000 images of 784 numbers."""
    rng = np.random.default_rng(0)
    parts = []
    for pixels in _digits():
        noisy = (pixels + rng.random(pixels.shape)) / 256
        inside = LAMBDA + (1 - 2 * LAMBDA) * noisy
        parts.append((np.log(inside) - np.log1p(-inside)).astype(np.float32))
    return standardised(parts)


def binary_mnist() -> Rows:
    """MNIST with every pixel drawn once by its grey value; not the published draw, which is not in these files."""
    rng = np.random.default_rng(0)
    parts = [(rng.random(pixels.shape) < pixels / 255).astype(np.float32) for pixels in _digits()]
    features = parts[0].shape[1]
    return Rows(*parts, np.zeros(features), np.ones(features))


def _digits() -> list[np.ndarray]:
    folder = data_folder().parent / "images" / "mnist"
    images = []
    for name in ("train", "t10k"):
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz") as file:
            images.append(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float64))
    return [images[0][:50_000], images[0][50_000:], images[1]]


def bits_per_pixel(log_prob: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Bits per pixel of each image in logit space (Papamakarios et al. 2017, appendix E.2)."""
    features = logits.shape[1]
    # log sigmoid(x) + log(1 - sigmoid(x)) = -log(1 + exp(-x)) - log(1 + exp(x))
    slope = -np.logaddexp(0, -logits) - np.logaddexp(0, logits)
    bits = -log_prob / features + slope.mean(1)
    return bits / np.log(2) - np.log2(1 - 2 * LAMBDA) + 8


DATA = {"power": power, "bsds300": bsds300, "mnist": mnist, "binary-mnist": binary_mnist}
