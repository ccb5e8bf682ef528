import dataclasses
from collections.abc import Callable

import jax
import numpy as np
import pytest

from pushforward import io
from pushforward.cli.main import run
from pushforward.flows import registry
from pushforward.tables import Settings, TableFit, frames
from pushforward.training import History

COLUMNS = ("a", "b", "c")


@dataclasses.dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys) -> Callable[..., Outcome]:
    """Runs a command in this process."""

    def call(*arguments) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def flow():
    """A flow of three columns that is not trained: a law like any other."""
    arguments = {
        "features": 3,
        "flow": "realnvp",
        "options": {"layers": 2, "hidden": [4]},
        "steps": [],
        "knots": 4,
    }
    return registry.build("table", arguments, jax.random.key(7))


@pytest.fixture(scope="session")
def model(flow, tmp_path_factory):
    """A model file of the flow."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    io.save(flow, path, table={"columns": list(COLUMNS)})
    return path


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture
def write(tmp_path):
    """Writes a CSV file of rows, as text that reads back as the same numbers."""

    def call(rows, columns=COLUMNS, name="table.csv"):
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return call


class StubFit:
    """A fit that remembers its arguments and returns the same result always."""

    def __init__(self, flow):
        self.calls = []
        self.result = TableFit(
            flow=flow,
            history=History(
                epoch=[1.0, 2.0],
                step=[3, 6],
                train_loss=[2.0, 1.5],
                validation_loss=[2.1, 1.75],
                learning_rate=[0.01, 0.0],
                seconds=[1.0, 2.0],
            ),
            train_log_prob=-1.5,
            validation_log_prob=-1.75,
            settings=Settings(flow="realnvp", options={}, batch_size=8, steps=6),
            notes=("A note of the fit.",),
            stopped="epochs",
            steps=6,
            seconds=2.5,
        )

    def __call__(self, values, **arguments):
        self.calls.append({"values": values, **arguments})
        return self.result


@pytest.fixture
def stub_fit(flow, monkeypatch):
    """Stands in the place of `fit_table`, on which `fit_frame` calls for columns that are all continuous."""
    stub = StubFit(flow)
    monkeypatch.setattr(frames, "fit_table", stub)
    return stub
