"""The replications: which recipe on which data, and what the paper found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAF_PAPER = "Papamakarios et al. 2017, arXiv:1705.07057, table 1"
MAF_MNIST = "Papamakarios et al. 2017, arXiv:1705.07057, table 2"
NSF_PAPER = "Durkan et al. 2019, arXiv:1906.04032, table 1"
MADE_PAPER = "Germain et al. 2015, arXiv:1502.03509, table 6"


@dataclass(frozen=True)
class Card:
    """One replication.

    Attributes:
        data: a name of `datasets.DATA`.
        recipe: a recipe, or "gaussian" for a normal law with full covariance.
        published: the paper's mean log-density of the test rows, nats.
        error: what the paper gives behind it, two standard errors; None where it gives none.
        source: where the paper says so.
        arguments: of the recipe.
        batch: rows of a step.
        rate: highest learning rate.
        decay: weight decay.
    """

    data: str
    recipe: str
    published: float
    error: float | None
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.0


def _maf_paper(data: str, hidden: tuple[int, ...], figures: list[tuple[float, float]], source: str) -> dict:
    """The MAF paper's rows of one data set: MADE, MADE MoG, Real NVP (5), MAF (5) and MAF MoG (5)."""
    deep = {"layers": 5, "hidden": hidden, "batch_norm": True}
    recipes = {
        "made": ("made", {"hidden": hidden}),
        "made-mog": ("made_mog", {"hidden": hidden, "components": 10}),
        "realnvp": ("realnvp", deep),
        "maf": ("maf", deep),
        "maf-mog": ("maf_mog", deep | {"components": 10}),
    }
    return {
        f"{data}-{name}": Card(data, recipe, *figure, source, arguments)
        for (name, (recipe, arguments)), figure in zip(recipes.items(), figures, strict=True)
    }


_NSF = {"layers": 10, "hidden": (256, 256), "bins": 8, "bound": 3.0}

CARDS: dict[str, Card] = {
    "power-gaussian": Card("power", "gaussian", -7.74, 0.02, MAF_PAPER),
    **_maf_paper(
        "power",
        (100, 100),
        [(-3.08, 0.03), (0.40, 0.01), (-0.02, 0.01), (0.14, 0.01), (0.30, 0.01)],
        MAF_PAPER,
    ),
    "power-nsf": Card("power", "nsf", 0.64, 0.01, NSF_PAPER, _NSF),
    "power-nsf-ar": Card("power", "nsf", 0.66, 0.01, NSF_PAPER, _NSF | {"autoregressive": True}),
    "bsds300-gaussian": Card("bsds300", "gaussian", 96.67, 0.25, MAF_PAPER),
    **_maf_paper(
        "bsds300",
        (512, 512),
        [(148.85, 0.28), (153.71, 0.28), (152.97, 0.28), (155.69, 0.28), (156.36, 0.28)],
        MAF_PAPER,
    ),
    "bsds300-nsf": Card("bsds300", "nsf", 157.54, 0.28, NSF_PAPER, _NSF),
    "bsds300-nsf-ar": Card("bsds300", "nsf", 157.31, 0.28, NSF_PAPER, _NSF | {"autoregressive": True}),
    "mnist-gaussian": Card("mnist", "gaussian", -1366.9, 1.4, MAF_MNIST),
    **_maf_paper(
        "mnist",
        (1024, 1024),
        [(-1380.8, 4.8), (-1038.5, 1.8), (-1323.2, 6.6), (-1300.5, 1.7), (-1100.3, 1.6)],
        MAF_MNIST,
    ),
    "binary-mnist-made": Card(
        "binary-mnist",
        "made",
        -88.40,
        None,
        MADE_PAPER + ", one hidden layer, one mask",
        {"law": "bernoulli", "hidden": (500,), "direct": True},
    ),
}
