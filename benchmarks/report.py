"""RESULTS.md from results/speed.json and results/tables.json, either of which may be missing."""

import json
import os
import platform
import statistics
import sys
from pathlib import Path

OURS = "pushforward"
TORCH = ("zuko", "nflows", "normflows")
PEERS = ("flowjax", *TORCH)
SPEED_NOTES = """\
Milliseconds per call (seconds in the last job); times of the peers as multiples of Pushforward's in brackets,
above 1 when Pushforward is faster. Medians over rounds in which every library runs once; ratios are taken
within a round. All libraries share the same cores and number of threads, with the same architecture and
sizes; `speed/use_*.py` say where a library does not allow exactly that. Training step: minibatch selection,
loss, gradient and Adam. Density and sampling: one call, 10,000 rows, or 1,000 for maf-63d, 100 for
nsf-ar-63d, 16 for maf-784d. PyTorch runs eagerly, with its fused Adam; FlowJAX is compiled by `jax.jit` throughout.
"""
TABLE_NOTES = """\
Mean log density of the test rows, nats per row, in units standardised by the training rows; higher is better,
the best in bold. Each method had the same wall time, compilation included; how it ended and what it used
stands below. "Ahead" is the default flow minus the best other method, row by row, with the standard error of
that difference.
"""


def machine() -> str:
    """The processor and the number of its cores."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


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


def speed_section(found: dict) -> str:
    rounds = {(r["workload"], r["job"], r["library"]): r["seconds"] for r in found["records"]}
    libraries = [name for name in (OURS, *PEERS) if any(key[2] == name for key in rounds)]
    libraries += sorted({key[2] for key in rounds} - set(libraries))
    rows = []
    for workload, job in dict.fromkeys(key[:2] for key in rounds):
        cells = [speed_cell(rounds, workload, job, library) for library in libraries]
        rows.append([f"{workload}: {job}", *cells])
    versions = ", ".join(f"{name} {number}" for name, number in sorted(found["versions"].items()))
    run = f"{found['threads']} threads; {found['rounds']} rounds; load before: {found['load']}"
    head = f"{found['machine']}; {run}; {versions}."
    return "\n".join(["## Speed\n", head + "\n", SPEED_NOTES, table(["work", *libraries], rows)])


def speed_cell(rounds: dict, workload: str, job: str, library: str) -> str:
    seconds = rounds.get((workload, job, library))
    if seconds is None:
        return ""
    middle = statistics.median(seconds)
    text = f"{middle:.1f} s" if job.startswith("import") else f"{middle * 1e3:.2f}"
    ours = rounds.get((workload, job, OURS))
    if ours is None or library == OURS:
        return text
    ratio = statistics.median(peer / own for peer, own in zip(seconds, ours, strict=True))
    return f"{text} ({ratio:.1f}x)"


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


def detail_row(one: dict) -> list[str]:
    steps = str(one.get("steps", ""))
    if "components" in one:
        steps += f" (EM, all mixtures; {one['components']} components chosen)"
    jittered = ", ".join(map(str, one["jittered"])) or "none"
    rows = ", ".join(f"{count:,}" for count in one["rows"])
    return [f"{one['table']}: {one['method']}", f"{one['seconds']:.0f}", steps, one["ended"], rows, jittered]


def write_report(results: Path) -> None:
    """Write RESULTS.md beside the results folder from what the folder holds."""
    parts = [
        "# Results\n\nWritten by `make bench`; see README.md in this folder for what is measured and how.\n"
    ]
    for name, section in (("speed", speed_section), ("tables", tables_section)):
        path = results / f"{name}.json"
        if path.exists():
            parts.append(section(json.loads(path.read_text())))
    (results.parent / "RESULTS.md").write_text("\n".join(parts))


if __name__ == "__main__":
    write_report(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "results")
