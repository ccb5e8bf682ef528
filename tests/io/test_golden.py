"""A file of every format there has been: the latest loads, with the densities of then; others are refused by name.

A file here is never rewritten; a new format gets a new one. Each was written by `save` from the named recipe, its
weights moved by noise. Format 1 ordered a coupling's parameters element by element, format 2 parameter by parameter;
the two files hold the same law.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from pushforward.errors import BadModelFile
from pushforward.io import describe, load_model

GOLDEN = Path(__file__).parent / "golden"


def test_format_1_is_refused():
    path = GOLDEN / "realnvp-1.safetensors"
    expected = (
        f'{path}: key "format": expected "2", which pushforward 0.1.0 reads, got "1". Nothing was loaded.'
    )
    for read in (load_model, describe):
        with pytest.raises(BadModelFile, match=f"^{re.escape(expected)}$"):
            read(path)


def test_format_2():
    path = GOLDEN / "realnvp-2.safetensors"
    model = load_model(path)
    assert (model.recipe, model.version, model.table) == ("realnvp", "0.1.0", {"columns": ["a", "b", "c"]})
    x = np.asarray([[0, 0, 0], [1, -2, 0.5], [-3, 0.25, 2]], np.float32)
    context = np.asarray([0.5, -1], np.float32)
    log_prob = model.flow.log_prob(x, context)
    np.testing.assert_allclose(log_prob, [-3.396899, -36.2129, -19.49108], rtol=1e-5)


def test_format_2_described():
    assert describe(GOLDEN / "realnvp-2.safetensors") == {
        "format": "2",
        "recipe": "realnvp",
        "arguments": {
            "activation": "relu",
            "bound": 3.0,
            "context_features": 2,
            "dropout": 0.0,
            "features": 3,
            "hidden": [4],
            "layers": 3,
            "scale": "exp",
        },
        "table": {"columns": ["a", "b", "c"]},
        "version": "0.1.0",
        "arrays": 12,
        "numbers": 96,
        "dtypes": ["float32"],
        "bytes": 2464,
        "sha256": "707ba8f6dcc99a918f2184ff5a1b143b5bacd4f9fa6d25926c0638c5b2f751b9",
    }
