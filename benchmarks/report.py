"""RESULTS.md from what is in results/, and REPLICATIONS.md from what is in results/replications/."""

import json
import operator
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

OURS = "pushforward"
DEVICES = "pushforward_devices"
"""Ours too, where the cores are JAX devices of their own; timed in one job."""
STEP = "training step"
TORCH = ("zuko", "nflows", "normflows")
PEERS = ("flowjax", *TORCH)
SPEED_NOTES = """\
Milliseconds per call (seconds in the last job); times of the peers as multiples of Pushforward's in brackets,
above 1 when Pushforward is faster. Medians over rounds in which every library runs once; ratios are taken
within a round. All libraries share the same cores and number of threads, with the same architecture and
sizes; `speed/use_*.py` say where a library does not allow exactly that. Training step: minibatch selection,
loss, gradient and Adam, in the library's own loop where it has one (`fit`, FlowJAX's `fit_to_data`); one call: in a
user's loop, one compiled step per call; two CPU devices: `fit(..., devices="all")` after
`jax.config.update("jax_num_cpu_devices", 2)`, on the same cores, beside the peers' times of the row above. Density and
sampling: one call, 10,000 rows, or 1,000 for maf-63d, 100 for nsf-ar-63d, 16 for maf-784d. PyTorch runs eagerly, with
its fused Adam; FlowJAX is compiled by `jax.jit` throughout.
"""
GPU_NOTES = """\
The same workloads and jobs on one GPU, in float32; every call is waited for. Pushforward and the PyTorch libraries
multiply in full precision, FlowJAX as JAX's own default is: with factors of 10 bits. Both JAX libraries are compiled
without Triton's products. With them, measured at 2 and 21 features, programs of both took 20 to 40 s to compile, and
only FlowJAX's samples of a MAF took less time, 4.2 in place of 5.7 ms. Measured before affine stacks were written
out: the steps and densities of the MAFs are those of a loop over their layers.
"""
SCALING_NOTES = """\
Milliseconds for 100 samples of a MAF of 5 layers with 2 x 512 units, and in the last column for the density of as many
rows; drawn in ../docs/images/sampling-scaling.png.
"""
TOY_NOTES = """\
Held-out log-density in nats, and in brackets the gap to the best possible, minus the entropy: an estimate of the
divergence from 20,000 fresh rows, with its standard error; then the seconds and steps of the fit, on one core of
two. FFJORD is trained by flow matching, the others by the likelihood.
"""
TABLE_NOTES = """\
Mean log density of the test rows, nats per row, in units standardised by the training rows; higher is better,
the best in bold. Each method had the same wall time, compilation included; how it ended and what it used
stands below. "Ahead" is the default flow minus the best other method, row by row, with the standard error of
that difference.
"""
ANOMALY_NOTES = """\
ADBench's sets, semi-supervised: trained on half of the normal rows, tested on the other half and all anomalies; means
over the splits of so many seeds, the best of each set in bold. Rank: the mean over sets of the place among all methods
of a set's mean, ties shared, over the sets on which all methods have all splits. `anomalies/sets.py` says what is
thinned and reduced; the other detectors are scikit-learn's with its defaults, ECOD is our own ten lines.
"""


MIXED_NOTES = """\
Mean log-probability of the test rows in nats, with its standard error: densities for continuous columns, probabilities
for the others, bounds of the same kind for all laws. `pushforward fit` without an option but the time limit, on four
fifths of the rows; the others were learned from at most 10,000 of the same rows, on the same scores. "Ahead": the flow
less the best other law, row by row. `check` exits with 1 if a line of the audit fails.
"""


def machine(graphics: bool = False) -> str:
    """The processor, the number of its cores, and which GPU is beside it if that is what is measured."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    gpu = ""
    if graphics:
        asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        gpu = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()[0] + "; "
    return f"{gpu}{model}, {os.cpu_count()} cores, {platform.system()}"


def load_at_start() -> float | None:
    """How many processes wanted to run in the last minute; warns if that disturbs a measurement."""
    if not hasattr(os, "getloadavg"):
        return None
    load = round(os.getloadavg()[0], 1)
    if load > 0.3:
        print(
            f"warning: the machine is busy (load {load}); the figures will not be worth much", file=sys.stderr
        )
    return load


def table(head: list[str], rows: list[list[str]]) -> str:
    """A markdown table; the first column is text, the others numbers."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows]) + "\n"


def gpu_section(found: dict) -> str:
    return speed_section(found, "Speed on a GPU", GPU_NOTES)


def speed_section(found: dict, title: str = "Speed", notes: str = SPEED_NOTES) -> str:
    rounds = {(r["workload"], r["job"], r["library"]): r["seconds"] for r in found["records"]}
    libraries = [name for name in (OURS, *PEERS) if any(key[2] == name for key in rounds)]
    libraries += sorted({key[2] for key in rounds} - {*libraries, DEVICES})
    rows = []
    for workload, job in dict.fromkeys(key[:2] for key in rounds):
        cells = [speed_cell(rounds, workload, job, library) for library in libraries]
        rows.append([f"{workload}: {job}", *cells])
        if (workload, job, DEVICES) in rounds:
            peers = [speed_cell(rounds, workload, job, name, DEVICES) for name in libraries if name != OURS]
            own = speed_cell(rounds, workload, job, DEVICES, DEVICES)
            rows.append([f"{workload}: {job}, two CPU devices", own, *peers])
    return "\n".join([f"## {title}\n", *heads(found), notes, table(["work", *libraries], rows)])


def heads(found: dict) -> list[str]:
    """Where, when and how each group of workloads was measured."""
    groups: dict[str, list[str]] = {}
    for workload, run in found["runs"].items():
        versions = ", ".join(f"{name} {number}" for name, number in sorted(run["versions"].items()))
        how = f"{run['threads']} threads; {run['rounds']} rounds; load before: {run['load']}"
        groups.setdefault(f"{run['day']}, {run['machine']}; {how}; {versions}.", []).append(workload)
    return [f"{', '.join(workloads)}: {head}\n" for head, workloads in groups.items()]


def scaling_section(found: dict) -> str:
    rounds = {(r["workload"], r["job"], r["library"]): r["seconds"] for r in found["records"]}
    libraries = list(dict.fromkeys(key[2] for key in rounds))
    rows = []
    measured = {int(key[0].split("-")[1].removesuffix("d")): key[0] for key in rounds}
    for dimensions, workload in sorted(measured.items()):
        cells = [speed_cell(rounds, workload, "sampling", library) for library in libraries]
        own = speed_cell(rounds, workload, "density", OURS)
        rows.append([str(dimensions), *cells, own])
    columns = ["dimensions", *libraries, f"{OURS}: density"]
    return "\n".join(["## Samples against dimensions\n", *heads(found), SCALING_NOTES, table(columns, rows)])


def speed_cell(rounds: dict, workload: str, job: str, library: str, base: str = OURS) -> str:
    seconds = rounds.get((workload, job, library))
    if seconds is None:
        return ""
    middle = statistics.median(seconds)
    text = f"{middle:.1f} s" if job.startswith("import") else f"{middle * 1e3:.2f}"
    ours = rounds.get((workload, job, base))
    if ours is None or library == base:
        return text
    ratio = statistics.median(peer / own for peer, own in zip(seconds, ours, strict=True))
    return f"{text} ({ratio:.1f}x)"


def toys_section(found: dict) -> str:
    fits = {(one["toy"], one["flow"]): one for one in found["fits"]}
    flows = list(dict.fromkeys(flow for _, flow in fits))
    rows = []
    for toy in sorted({toy for toy, _ in fits}):
        cells = [toy_cell(fits.get((toy, flow))) for flow in flows]
        best = next(-one["entropy"] for key, one in fits.items() if key[0] == toy)
        rows.append([toy, f"{best:.3f}", *cells])
    settings = [
        f"{flow}: "
        + ", ".join(
            f"{k}={v}"
            for k, v in next(one for key, one in fits.items() if key[1] == flow)["arguments"].items()
        )
        for flow in flows
    ]
    head = f"{found['machine']}; at most {found['seconds']:.0f} s for each fit; load before: {found['load']}."
    parts = [
        "## Toy densities of the plane\n",
        head + "\n",
        TOY_NOTES,
        table(["toy", "best possible", *flows], rows),
    ]
    return "\n".join([*parts, "; ".join(settings) + ".\n"])


def toy_cell(one: dict | None) -> str:
    if one is None:
        return ""
    gap = f"{one['gap']:.3f} ± {one['standard_error']:.3f}"
    return f"{one['test']:.3f} ({gap}), {one['seconds']:.0f} s, {one['steps']:,}"


def tables_section(found: dict) -> str:
    fits = {(one["table"], one["method"]): one for one in found["fits"]}
    names = list(dict.fromkeys(table for table, _ in fits))
    methods = list(dict.fromkeys(method for _, method in fits))
    rows = [[name, *(likelihood_cell(fits, name, m, methods) for m in methods)] for name in names]
    ahead = [[name, ahead_cell(fits[name, OURS])] for name in names if (name, OURS) in fits]
    details = [detail_row(one) for one in found["fits"]]
    some = found["fits"][0]
    head = f"{found['machine']}; {some['threads']} threads and at most {some['budget']:.0f} s for each fit."
    parts = ["## Held-out log-likelihood\n", head + "\n", TABLE_NOTES, table(["table", *methods], rows)]
    if ahead:
        parts.append(table(["table", "ahead of the best other method"], ahead))
    columns = ["fit", "seconds", "steps", "ended by", "rows (train, validation, test)", "jittered columns"]
    parts += ["### How each fit went\n", table(columns, details)]
    return "\n".join(parts)


def likelihood_cell(fits: dict, name: str, method: str, methods: list[str]) -> str:
    one = fits.get((name, method))
    if one is None:
        return ""
    best = max((fits[name, m]["mean"] for m in methods if (name, m) in fits), default=None)
    text = f"{one['mean']:.3f} ± {one['standard_error']:.3f}"
    return f"**{text}**" if one["mean"] == best else text


def ahead_cell(one: dict) -> str:
    if "ahead" not in one:
        return ""
    errors = one["ahead"] / one["ahead_standard_error"]
    gap = f"{one['ahead']:+.3f} ± {one['ahead_standard_error']:.3f}"
    return f"{gap} ({errors:+.1f} standard errors) over {one['best_other']}"


def anomalies_section(found: dict) -> str:
    methods = list(dict.fromkeys(one["method"] for one in found["fits"]))
    methods = [OURS] * (OURS in methods) + sorted(set(methods) - {OURS})
    some = next((one for one in found["fits"] if one["method"] == OURS), found["fits"][0])
    head = f"{found['machine']}; {some['threads']} threads; a flow has at most {some['budget']:.0f} s, "
    head += "with programs that an earlier run compiled."
    parts = ["## Anomalies\n", head + "\n", ANOMALY_NOTES]
    for measure, title in (("auroc", "Area under the ROC curve"), ("average_precision", "Average precision")):
        parts += [f"### {title}\n", anomaly_table(found["fits"], methods, measure)]
    return "\n".join(parts)


def anomaly_table(fits: list[dict], methods: list[str], measure: str) -> str:
    names = sorted({one["set"] for one in fits}, key=lambda name: int(name.split("_")[0]))
    rows, ranks = [], {method: [] for method in methods}
    for name in names:
        mine = {
            m: {o["seed"]: o[measure] for o in fits if (o["set"], o["method"]) == (name, m)} for m in methods
        }
        seeds = set.intersection(*(set(values) for values in mine.values())) or {0}
        means = {m: statistics.mean(v[s] for s in seeds) for m, v in mine.items() if seeds <= set(v)}
        best = max(means.values(), default=None)
        cells = [
            f"**{means[m]:.3f}**" if means[m] == best else f"{means[m]:.3f}" if m in means else ""
            for m in methods
        ]
        rows.append([name.split("_", 1)[1], str(len(seeds)), *cells])
        if len(means) == len(methods):
            for m in methods:
                above, equal = (
                    sum(op(v, means[m]) for v in means.values()) for op in (operator.gt, operator.eq)
                )
                ranks[m].append(above + (equal + 1) / 2)
    places = [f"{statistics.mean(r):.2f}" if r else "" for r in ranks.values()]
    rows.append([f"mean rank over {len(ranks[methods[0]])} sets", "", *places])
    return table(["set", "seeds", *methods], rows)


def detail_row(one: dict) -> list[str]:
    steps = str(one.get("steps", ""))
    if "components" in one:
        steps += f" (EM, all mixtures; {one['components']} components chosen)"
    jittered = ", ".join(map(str, one["jittered"])) or "none"
    rows = ", ".join(f"{count:,}" for count in one["rows"])
    return [f"{one['table']}: {one['method']}", f"{one['seconds']:.0f}", steps, one["ended"], rows, jittered]


def spread(score: dict | None) -> str:
    return "" if score is None else f"{score['mean']:.3f} +- {score['standard_error']:.3f}"


def mixed_section(found: dict) -> str:
    laws = list(dict.fromkeys(law for one in found["tables"].values() for law in one["log_prob"]))
    rows = []
    for name, one in found["tables"].items():
        cells = [spread(one["log_prob"].get(law)) for law in laws]
        nearest = min(one["ahead"].values(), key=operator.itemgetter("mean"))
        check = str(one["exit_codes"]["check"])
        how = f"{one['day']}, {one['limit']:.0f} s, {one['load']}"
        rows.append([name, f"{one['rows']:,} x {one['columns']}", *cells, spread(nearest), check, how])
    head = ", ".join(dict.fromkeys(one["machine"] for one in found["tables"].values()))
    columns = ["table", "rows x columns", *laws, "ahead of the best other", "exit code of check"]
    columns.append("day, seconds a fit, load before")
    return "\n".join(["## Tables of mixed columns\n", f"{head}.\n", MIXED_NOTES, table(columns, rows)])


def write_report(results: Path) -> None:
    """Write RESULTS.md beside the results folder from what the folder holds."""
    parts = [
        "# Results\n\nWritten by `make bench`; see README.md in this folder for what is measured and how.\n"
    ]
    sections = {
        "speed": speed_section,
        "speed-gpu": gpu_section,
        "scaling": scaling_section,
        "toys": toys_section,
        "tables": tables_section,
        "anomalies": anomalies_section,
        "mixed": mixed_section,
    }
    for name, section in sections.items():
        path = results / f"{name}.json"
        if path.exists():
            parts.append(section(json.loads(path.read_text())))
    (results.parent / "RESULTS.md").write_text("\n".join(parts))


REPLICATION_NOTES = """\
# Replications

Written by `benchmarks/run_replications.py CARD`, one fit for each card; `--list` names all cards, and those that
are missing here have not been run. Mean log-density of the test rows in nats, with two standard errors over the rows
of one run, as the papers give it. POWER is a 12 % subset: its figures compare with each other, not with the papers'.
BSDS300 patches are cut anew by the published protocol, so figures compare but rows differ. "Short of" is the paper's
figure less ours where that is more than both errors together.

Cards of a GPU were fitted up to five at a time on one, so their seconds say little about speed. For those of MNIST two
or three settings were tried, rates of 3e-4 and 1e-3 and 20 to 40 epochs, and the best by validation is shown. What
still falls short: `bsds300-nsf` saw a quarter as many rows as the paper's (400,000 steps of 512); for
`binary-mnist-made` four other settings came out no better (-90.9 to -97.3), and its pixels are drawn anew.
"""


def write_replications(folder: Path, order: list[str]) -> None:
    """Write REPLICATIONS.md from the cards that have been run."""
    found = [
        json.loads((folder / f"{name}.json").read_text())
        for name in order
        if (folder / f"{name}.json").exists()
    ]
    columns = ["card", "ours", "paper", "short of it by", "bits per pixel", "seconds", "steps", "epochs"]
    parts = [REPLICATION_NOTES, table(columns, [replication_row(one) for one in found]), "## Settings\n"]
    for one in found:
        settings = one["settings"]
        arguments = ", ".join(f"{name}={value}" for name, value in settings["arguments"].items()) or "none"
        training = (
            ""
            if one["steps"] is None
            else (
                f" Batches of {settings['batch']}, rate {settings['rate']}, weight decay {settings['decay']}, at most"
                f" {budget(settings)}; ended by {one['stopped']}; validation {one['validation']:.2f}."
            )
        )
        rows = ", ".join(f"{count:,}" for count in one["rows"])
        parts.append(
            f"- **{one['card']}**: `{settings['recipe']}` with {arguments}; rows {rows}.{training}"
            f" {one['machine']}. Paper: {one['published']['source']}."
        )
    (folder.parents[1] / "REPLICATIONS.md").write_text("\n".join(parts) + "\n")


def budget(settings: dict) -> str:
    """The most that a fit was allowed, in words."""
    allowed = {"s": settings["budget"], "epochs": settings.get("epochs")}
    return " and ".join(f"{most:.0f} {unit}" for unit, most in allowed.items() if most is not None)


def replication_row(one: dict) -> list[str]:
    paper = one["published"]
    error = paper["error"] or 0.0
    short = paper["test"] - one["test"]
    behind = "" if short <= error + one["two_standard_errors"] else f"{short:.2f}"
    if one["card"].startswith("power"):
        behind = "not comparable"
    return [
        one["card"],
        f"{one['test']:.2f} ± {one['two_standard_errors']:.2f}",
        f"{paper['test']:.2f}" + (f" ± {error:.2f}" if error else ""),
        behind,
        f"{one['bits_per_pixel']:.2f}" if "bits_per_pixel" in one else "",
        f"{one['seconds']:.0f}",
        str(one["steps"] or ""),
        str(one.get("epochs", "")),
    ]


if __name__ == "__main__":
    write_report(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "results")
