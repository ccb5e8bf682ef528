"""Real tables, where they are, and columns of every type."""

import os
from pathlib import Path

import pytest

from pushforward.data.read import read_arrow

PROJECT = Path(__file__).parents[3]
ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation"),
    *("relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country"),
    "income",
)
ABALONE = ("sex", "length", "diameter", "height", "whole", "shucked", "viscera", "shell", "rings")
NAMES = {"mixed/adult-train.csv": ADULT, "mixed/adult-test.csv": ADULT, "mixed/abalone.csv": ABALONE}


@pytest.fixture(scope="session")
def real_table():
    """A function that reads one of the real tables, or skips the test where they are not."""

    def read(name):
        folder = Path(os.environ.get("PUSHFORWARD_DATA", PROJECT.parent / "shared" / "data")) / "tables"
        path = PROJECT / "examples" / "gas-turbine" if name == "gas-turbine" else folder / name
        if not path.exists():
            pytest.skip(f"needs {path}: set PUSHFORWARD_DATA")
        table = read_arrow(path)
        return table.rename_columns(list(NAMES[name])) if name in NAMES else table

    return read
