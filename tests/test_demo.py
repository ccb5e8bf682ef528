"""The demonstration, shortened: that it runs, and that what it writes is what it says."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pushforward import io
from pushforward.data import read_table

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_demo(tmp_path):
    command = [
        sys.executable,
        "examples/gas_turbine.py",
        "--output",
        tmp_path,
        "--seconds",
        "8",
        "--components",
        "4",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = "base.png history.csv model.safetensors pairs.png report.json report.txt samples.csv scores.csv"
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names.split(), "training.png"]

    judged = read_table([ROOT / "examples" / "gas-turbine" / f"gt_{year}.csv" for year in (2014, 2015)])
    scores, flow = read_table(tmp_path / "scores.csv"), io.load(tmp_path / "model.safetensors")
    assert scores.columns == (*judged.columns, "log_prob", "rank", "p_value")
    np.testing.assert_array_equal(scores.values[:, :11], judged.values)
    np.testing.assert_allclose(
        scores.values[:50, 11], flow.log_prob(judged.values[:50]), rtol=1e-3, atol=1e-2
    )
    assert np.argmin(scores.values[:, 11]) == np.argmin(scores.values[:, 11] + scores.values[:, 12])
    assert 0 <= scores.values[:, 12].min() < scores.values[:, 12].max() <= 1
    assert read_table(tmp_path / "samples.csv").values.shape == (20_000, 11)

    report = json.loads((tmp_path / "report.json").read_text())
    means = {name: value["mean"] for name, value in report["held_out_log_prob"].items()}
    assert next(iter(means)) == "flow"
    assert means["flow"] == pytest.approx(scores.values[:, 11].mean())
    assert means["flow"] > means["Gaussian, full covariance"]
    assert f"{means['flow']:.3f} +- " in (tmp_path / "report.txt").read_text()
    # The rows stand in base space where draws from the base law do, and not, say, in the table's units.
    radius = report["mean_base_radius"]
    assert radius["rows"] == pytest.approx(radius["draws"], rel=0.15)
    for name in ("pairs", "training", "base"):
        assert (tmp_path / f"{name}.png").stat().st_size > 20_000
