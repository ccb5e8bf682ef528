import numpy as np
import pytest

from pushforward import io
from pushforward.cli import streaming
from pushforward.cli.streaming import is_streamed, memory
from pushforward.data.table_source import table_bytes


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 5.0, 0.1] + [0.0, 10.0, 0.0]


def test_a_streamed_fit_writes_a_model_with_its_table(cli, rows, write, tmp_path):
    output = tmp_path / "m.safetensors"
    options = "--flow realnvp --option layers=1 --option hidden=8 --max-epochs 2 --batch-size 100 --stream"
    outcome = cli("fit", write(rows), "-o", output, *options.split())
    assert outcome.code == 0, outcome.err
    assert "The table is streamed: its preprocessing is learned from " in outcome.err
    assert f"{output}: realnvp on 500 rows of 3 columns" in outcome.out
    about = io.load_model(output).table
    assert [(column["name"], column["kind"]) for column in about["schema"]["columns"]] == [
        (name, "real") for name in "abc"
    ]
    assert about["rows"] == 500
    assert 20 < about["fit"]["validation_rows"] < 90


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--given", "a"), "--given needs the whole table in memory: use --no-stream."),
        (("--missing", "model"), "--missing model needs the whole table in memory: use --no-stream."),
        (("--holdout", "last"), "--holdout last needs the whole table in memory: use --no-stream."),
        (("--devices", "few"), "--devices: expected a whole number, all or auto, got 'few'."),
    ],
)
def test_options_that_do_not_go_together(cli, rows, write, tmp_path, options, message):
    outcome = cli("fit", write(rows), "-o", tmp_path / "m.safetensors", "--stream", *options)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_table_is_streamed_if_it_is_large_or_told_to_be(rows, write, monkeypatch):
    table = write(rows)
    size = table_bytes([table])
    monkeypatch.setattr(streaming, "memory", lambda: 8 * size)
    assert not is_streamed([table], None, None)
    assert is_streamed([table], None, True)
    monkeypatch.setattr(streaming, "memory", lambda: 8 * size - 8)
    assert is_streamed([table], None, None)
    assert not is_streamed([table], None, False)
    assert not is_streamed([table], ["a"], None)


def test_memory_is_that_of_the_machine_or_less():
    assert 2**28 < memory() < 2**50
