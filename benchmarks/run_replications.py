"""Run replications and write their cards.

    python benchmarks/run_replications.py bsds300-maf [--seconds 1800] [--epochs 30]
    python benchmarks/run_replications.py --list

Each run is one fit within the seconds, compilation included, or within so many epochs; the learning rate is annealed
over them, the state with the best validation loss is kept, and every test row is scored. Settings of the card can be
replaced to try others. Writes results/replications/CARD.json and REPLICATIONS.md, which has all cards so far; with
`--folder`, only CARD.json into that folder.
"""

import argparse
import dataclasses
import json
import math
import os
import time
from pathlib import Path

import jax
import jax.random as jr
import numpy as np

import pushforward as pf
from replications.cards import CARDS, Card
from replications.datasets import DATA, Rows, bits_per_pixel
from report import machine, write_replications

FOLDER = Path(__file__).resolve().parent / "results" / "replications"
TRIED = {"rate": float, "decay": float, "batch": int}


def gaussian(rows: Rows) -> tuple[np.ndarray, dict]:
    """Log-densities of the standardised test rows under the normal law of the training rows, float64."""
    train = rows.train.astype(np.float64)
    offset = rows.test - train.mean(0)
    factor = np.linalg.cholesky(np.cov(train.T))
    z = np.linalg.solve(factor, offset.T)
    log_det = np.log(np.diag(factor)).sum() + 0.5 * len(factor) * math.log(2 * math.pi)
    return -0.5 * np.square(z).sum(0) - log_det, {"steps": None, "stopped": "closed form"}


def trained(
    card: Card, rows: Rows, seconds: float | None, epochs: int | None, quiet: bool
) -> tuple[np.ndarray, dict]:
    """Log-densities of the standardised test rows under the recipe, trained; and how training went."""
    flow = pf.flows.get(card.recipe)(jr.key(0), features=rows.train.shape[1], **card.arguments)
    result = pf.fit(
        flow,
        rows.train,
        key=jr.key(1),
        validation=rows.validation,
        batch_size=card.batch,
        max_epochs=epochs,
        max_seconds=seconds,
        patience=math.inf,
        optimizer=pf.Optimizer(learning_rate=card.rate, weight_decay=card.decay),
        progress=not quiet,
    )
    about = {"steps": result.steps, "stopped": result.stopped, "retries": result.retries}
    about["epochs"] = round(result.steps * card.batch / len(rows.train), 2)
    about["validation"] = -result.best_validation_loss - rows.log_scale
    return np.asarray(result.flow.log_prob(rows.test), np.float64), about


def replicate(card: Card, seconds: float | None, epochs: int | None, quiet: bool) -> dict:
    rows = DATA[card.data]()
    start = time.perf_counter()
    log_prob, about = (
        gaussian(rows) if card.recipe == "gaussian" else trained(card, rows, seconds, epochs, quiet)
    )
    about["seconds"] = round(time.perf_counter() - start, 1)
    log_prob = log_prob - rows.log_scale
    about["test"] = float(log_prob.mean())
    about["two_standard_errors"] = float(2 * log_prob.std(ddof=1) / math.sqrt(len(log_prob)))
    if card.data == "mnist":
        about["bits_per_pixel"] = float(bits_per_pixel(log_prob, rows.original_test()).mean())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    kind = "CPU" if jax.default_backend() == "cpu" else jax.devices()[0].device_kind
    about["machine"] = f"{machine()}, {cores} used, {kind}"
    about["rows"] = [len(rows.train), len(rows.validation), len(rows.test)]
    about["settings"] = {
        "recipe": card.recipe,
        "arguments": dict(card.arguments),
        "batch": card.batch,
        "rate": card.rate,
        "decay": card.decay,
        "budget": seconds,
        "epochs": epochs,
    }
    about["published"] = {"test": card.published, "error": card.error, "source": card.source}
    return about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cards", nargs="*", metavar="CARD", help="which; --list names them")
    parser.add_argument(
        "--seconds", type=float, help="the most of a fit; 1800 if --epochs is not given either"
    )
    parser.add_argument("--epochs", type=int, help="the most of a fit")
    for name, type_ in TRIED.items():
        parser.add_argument(f"--{name}", type=type_, help="in place of the card's")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()
    unknown = [name for name in args.cards if name not in CARDS]
    if args.list or unknown or not args.cards:
        print("\n".join(CARDS))
        raise SystemExit(f"unknown: {', '.join(unknown)}" if unknown else 0)
    args.folder.mkdir(parents=True, exist_ok=True)
    seconds = 1800.0 if args.seconds is None and args.epochs is None else args.seconds
    tried = {name: getattr(args, name) for name in TRIED if getattr(args, name) is not None}
    for name in args.cards:
        card = dataclasses.replace(CARDS[name], **tried)
        about = {"card": name} | replicate(card, seconds, args.epochs, args.quiet)
        (args.folder / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
        print(f"{name}: {about['test']:.3f} ± {about['two_standard_errors']:.3f}", flush=True)
    if args.folder == FOLDER:
        write_replications(FOLDER, list(CARDS))


if __name__ == "__main__":
    main()
