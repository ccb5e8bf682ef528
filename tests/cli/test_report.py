import json

import numpy as np
import pytest

from pushforward import report as room
from pushforward.diagnostics import Baseline, Finding
from pushforward.report.likelihood import Compared, Likelihoods


@pytest.fixture
def stub(monkeypatch):
    """A report that is made at once."""
    law = Baseline("Gaussian copula", None, "")
    laws = Likelihoods(-1.5, 0.1, 20, [Compared(law, -2.0, 0.2, 0.5, 0.05)])
    found = room.Report("<p>ü</p>", laws, [Finding("draws", "pass", 0.0, 1.0, "", "")])
    monkeypatch.setattr(room, "build_report", lambda subject, step: found)


def test_report_writes_a_page(cli, stub, model, rows, write, tmp_path):
    table, output = write(rows), tmp_path / "r.html"
    outcome = cli("report", model, table, "-o", output)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(
        f"mean log_prob -1.5000 nats per row, 0.5000 more than the Gaussian copula; the page is in {output} ("
    )
    assert output.read_bytes() == "<p>ü</p>".encode()
    assert cli("report", model, table, "-o", output, "--quiet").out == ""


def test_report_as_json(cli, stub, model, rows, write, tmp_path):
    outcome = cli(
        "report",
        model,
        write(rows),
        "-o",
        tmp_path / "r.html",
        "--json",
        "--training",
        write(rows, name="t.csv"),
    )
    found = json.loads(outcome.out)
    assert found.pop("seconds") >= 0
    assert found == {
        "output": str(tmp_path / "r.html"),
        "rows": 40,
        "judged": 20,
        "mean_log_prob": -1.5,
        "standard_error": 0.1,
        "baselines": {"Gaussian copula": {"mean_log_prob": -2.0, "gain": 0.5, "standard_error": 0.05}},
        "findings": {"draws": "pass"},
    }


def test_wrong_requests_are_refused_before_the_work(cli, model, rows, write, tmp_path):
    table = write(rows)
    few = write(np.zeros((5, 3)), name="few.csv")
    output = tmp_path / "r.html"
    for arguments, message in (
        (
            [table, "-o", table],
            f"{table} cannot be written: it is also an input. Choose another name with -o.",
        ),
        ([table, "-o", output, "--samples", 5], "--samples: expected at least 20, got 5."),
        ([few, "-o", output], f"{few}: expected at least 20 rows without missing values, got 5."),
    ):
        outcome = cli("report", model, *arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == f"pushforward: error: {message}\n"
    assert not output.exists()
