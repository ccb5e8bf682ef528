"""Time 100 samples of a MAF against its number of dimensions, in every library, and draw it for the documentation.

    python benchmarks/run_scaling.py --python-torch .venvs/peers-torch/bin/python \
        --python-flowjax .venvs/peers-flowjax/bin/python

5 layers, 2 x 512 units; measured as run_speed.py does. Writes results/scaling.json, RESULTS.md and
docs/images/sampling-scaling.png.
"""

import json
import statistics
from pathlib import Path

from matplotlib.figure import Figure

from pushforward.plots.style import DATA, FAINT, INK, SAMPLES, look, open_sides
from report import OURS, load_at_start
from run_speed import Worker, options, pin, time_workload, write_records
from speed.workloads import SCALING

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "sampling-scaling.png"
ABLE = (OURS, "flowjax", "zuko", "nflows")  # the fourth peer's masked flow is fast the other way round


def main() -> None:
    parser = options(__doc__)
    parser.set_defaults(libraries=list(ABLE), rounds=3, block=0.2)
    args = parser.parse_args()
    pin(args)
    load = load_at_start()
    workers = [Worker(name, args) for name in args.libraries]
    try:
        records = []
        for workload in SCALING:
            records += time_workload(workload, workers, args, ["sampling", "density"])
        found = [worker.ask(do="versions") for worker in workers]
    finally:
        for worker in workers:
            worker.close()
    versions = {package: number for reply in found for package, number in reply.items()}
    write_records("scaling", records, versions, load, args)
    draw(args.results / "scaling.json").savefig(PICTURE, dpi=150)


def draw(path: Path) -> Figure:
    """Draw seconds against dimensions, both logarithmic: samples in all libraries, and our own density."""
    times: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for record in json.loads(path.read_text())["records"]:
        point = SCALING[record["workload"]].features, 1e3 * statistics.median(record["seconds"])
        times[record["library"], record["job"]] = sorted(
            [*times.get((record["library"], record["job"]), []), point]
        )
    with look():
        figure = Figure(figsize=(7.0, 4.4), layout="constrained")
        axes = figure.subplots()
        open_sides(axes)
        drawn = {key: points for key, points in times.items() if key[1] == "sampling" or key[0] == OURS}
        heights = apart({key: points[-1][1] for key, points in drawn.items()})
        for (library, job), points in drawn.items():
            ours = library == OURS
            name = f"{library}: density" if job == "density" else library
            style = {"color": SAMPLES if ours else DATA, "linewidth": 2.0 if ours else 1.2}
            axes.loglog(*zip(*points, strict=True), "--" if job == "density" else "-", **style)
            place = points[-1][0], heights[library, job]
            axes.annotate(
                name, place, xytext=(6, 0), textcoords="offset points", va="center", color=style["color"]
            )
        sizes = sorted({features for points in times.values() for features, _ in points})
        axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
        axes.minorticks_off()
        axes.set_xlim(sizes[0], 3.5 * sizes[-1])
        axes.set_xlabel("dimensions D")
        axes.set_ylabel("milliseconds")
        axes.set_title("100 samples of a masked autoregressive flow, 5 layers of 2 x 512 units", color=INK)
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
    return figure


def apart(heights: dict, factor: float = 1.5) -> dict:
    """Push heights up until each is `factor` times the next lower one, so that names at them do not overlap."""
    pushed, least = {}, 0.0
    for key, height in sorted(heights.items(), key=lambda item: item[1]):
        pushed[key] = max(height, least)
        least = factor * pushed[key]
    return pushed


if __name__ == "__main__":
    main()
