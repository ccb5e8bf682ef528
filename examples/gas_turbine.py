"""The main job on real data: a turbine's years 2011-2013 fitted, 2014-2015 judged. `make demo` runs it.

The command line does the work, and each command is printed before it runs. What is compared and drawn beside
it takes a dozen lines of Python each, below.
"""

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

import jax
import numpy as np

import pushforward as pf
from pushforward.cli.main import run
from pushforward.data import read_table
from pushforward.diagnostics import compare, fit_mixture, fit_normal, histogram, score
from pushforward.io import describe
from pushforward.plots import base_space, pair_plot, training_curves
from pushforward.tables import points_of

DATA = Path(os.path.relpath(Path(__file__).parent / "gas-turbine"))
UNITS = {
    "AT": "°C", "AP": "mbar", "AH": "%", "AFDP": "mbar", "GTEP": "mbar", "TIT": "°C",
    "TAT": "°C", "TEY": "MWh", "CDP": "mbar", "CO": "mg/m³", "NOX": "mg/m³",
}  # fmt: skip
SHOWN = ("AT", "AH", "TIT", "TEY", "CO", "NOX")


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for all results")
    parser.add_argument("--seconds", type=float, default=85.0, help="of fitting")
    parser.add_argument("--components", type=int, default=64, help="the most components of the mixture")
    options = parser.parse_args()
    start, folder = time.monotonic(), options.output
    folder.mkdir(parents=True, exist_ok=True)
    fitted = [DATA / f"gt_{year}.csv" for year in (2011, 2012, 2013)]
    judged = [DATA / f"gt_{year}.csv" for year in (2014, 2015)]
    model = folder / "model.safetensors"

    limit = ["--max-seconds", options.seconds]
    call("fit", *fitted, "-o", model, "--holdout", "last", *limit, "--history", folder / "history.csv")
    reference = [part for path in fitted for part in ("--reference", path)]
    call("score", model, *judged, "-o", folder / "scores.csv", "--with-columns", *reference)
    call("sample", model, "-n", 20_000, "-o", folder / "samples.csv")

    training, test = read_table(fitted), read_table(judged)
    report = compare_laws(folder, training.values, test.values, options.components)
    draw(folder, training.columns, training.values, report)
    report["seconds"] = round(time.monotonic() - start, 1)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    (folder / "report.txt").write_text(text := as_text(report))
    files = ", ".join(sorted(path.name for path in folder.iterdir()))
    print(f"\n{text}\nIn {folder}/: {files}")  # noqa: T201


def call(*arguments: object) -> None:
    """Run `pushforward` with these arguments, and leave if it fails."""
    words = [str(argument) for argument in arguments]
    print(f"$ pushforward {shlex.join(words)}", flush=True)  # noqa: T201
    code = run(words)
    if code:
        sys.exit(code)


def compare_laws(folder: Path, training: np.ndarray, test: np.ndarray, components: int) -> dict:
    """Return the held-out log-likelihoods of the flow, a mixture of normals and a normal."""
    flow_log_prob = read_table(folder / "scores.csv", ["log_prob"]).values[:, 0]
    cut = len(training) - round(0.1 * len(training))  # the hours that `fit` holds out too
    mixture = fit_mixture(training[:cut], training[cut:], components=components)
    scores = {
        "flow": flow_log_prob,
        f"Gaussian mixture, {mixture.components} components": np.asarray(mixture.law.log_prob(test)),
        "Gaussian, full covariance": np.asarray(fit_normal(training).log_prob(test)),
    }
    fit = describe(folder / "model.safetensors")["table"]["fit"]
    return {
        "rows": {"2011-2013": len(training), "2014-2015": len(test)},
        "fit": fit,
        "mixture_validation_log_prob": mixture.held_out,
        "held_out_log_prob": {
            name: {**score(values)._asdict(), "median": float(np.median(values))}
            for name, values in scores.items()
        },
        "flow_minus_mixture": score(flow_log_prob - list(scores.values())[1])._asdict(),
    }


def as_text(report: dict) -> str:
    """Return the report for people."""
    rows = report["rows"]
    lines = [
        f"Gas turbine emissions: {rows['2011-2013']:,} hours of 2011-2013 fitted, "
        f"{rows['2014-2015']:,} hours of 2014-2015 judged.",
        "Mean log-likelihood of the latter in nats per row, standard error as for independent hours,",
        "and the median:",
    ]
    for name, value in report["held_out_log_prob"].items():
        lines.append(row(name, value) + f"{value['median']:10.3f}")
    gain, best = report["flow_minus_mixture"], max(report["mixture_validation_log_prob"].values())
    validation = report["fit"]["validation_log_prob"]
    lines += [
        row("flow less mixture, hour by hour", gain),
        f"On the last tenth of 2011-2013, held out from both: flow {validation:.3f}, mixture {best:.3f}.",
        "The turbine changes from year to year, which is why every law gives the later years less.",
        f"Fitting took {report['fit']['seconds']:.0f} s, everything {report['seconds']:.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def row(name: str, value: dict) -> str:
    """Return a line with a mean and its standard error."""
    return f"  {name:<32}{value['mean']:9.3f} +- {value['standard_error']:.3f}"


def draw(folder: Path, columns: tuple[str, ...], training: np.ndarray, report: dict) -> None:
    """Draw the pictures."""
    places = [columns.index(name) for name in SHOWN]
    labels = [f"{name} ({UNITS[name]})" for name in SHOWN]
    samples = read_table(folder / "samples.csv", SHOWN, drop_nonfinite=True).values
    title = "Gas turbine emissions: data and flow"
    clouds = compare(training[:, places], samples)
    names = ("hours of 2011-2013", "samples of the fitted flow")
    pair_plot(clouds, labels, labels=names, title=title).savefig(folder / "pairs.png", dpi=150)

    curves = read_table(folder / "history.csv", minimum_rows=1)
    course = dict(zip(curves.columns, curves.values.T, strict=True))
    mixture = -max(report["mixture_validation_log_prob"].values())
    train, held_out = course["train_loss"], course["validation_loss"]
    training_curves(
        course["epoch"],
        train,
        held_out,
        learning_rate=course["learning_rate"],
        references={"Gaussian mixture on the validation rows:": mixture},
        limits=(train.min() - 0.5, max(held_out.max(), mixture) + 0.5),
        title="Training the flow on the years 2011-2013",
    ).savefig(folder / "training.png", dpi=150)
    report["mean_base_radius"] = draw_base(folder, columns, training)


def draw_base(folder: Path, columns: tuple[str, ...], training: np.ndarray) -> dict:
    """Draw where the flow puts the training rows, beside draws from its base law; return the mean radii of both."""
    import jax

    model, table = pf.load_frame(folder / "model.safetensors"), dict(zip(columns, training.T, strict=True))
    # Rounded columns make a row a box of normal scores: one point of it, drawn from the flow's own density there.
    rows = points_of(model, *model.codes(table), jax.random.key(1))
    z = np.asarray(rows.law.to_base(rows.points, rows.context))
    drawn = np.asarray(rows.law.base.sample(jax.random.key(0), (20_000,)))
    radius, drawn_radius = np.linalg.norm(z, axis=1), np.linalg.norm(drawn, axis=1)
    edges = np.linspace(0, np.quantile(radius, 0.999) * 1.05, 61)
    thinned = np.random.default_rng(0).permutation(len(z))[:5000]
    pair = [columns.index(name) for name in ("TEY", "NOX")]
    base_space(
        training[thinned][:, pair],
        z[thinned][:, :2],
        radius[thinned],
        names=(f"TEY ({UNITS['TEY']})", f"NOX ({UNITS['NOX']})"),
        radii=(histogram(radius, edges), histogram(drawn_radius, edges)),
        circles=(1, 2, 3),
        marginals=compare(z, drawn, bins=40, pairs=False),
        labels=("hours of 2011-2013", "draws from the base law"),
        title="What the flow makes of the turbine: its base space",
    ).savefig(folder / "base.png", dpi=150)
    return {"rows": float(radius.mean()), "draws": float(drawn_radius.mean())}


if __name__ == "__main__":
    if os.environ.get("JAX_NUM_CPU_DEVICES") is None:
        jax.config.update("jax_num_cpu_devices", os.cpu_count())  # the cores share each batch
    main()
