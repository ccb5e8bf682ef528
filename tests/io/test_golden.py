"""Files of every released format, which every later version must load, with the densities of then.

A file here is never rewritten; a new format gets a new one. Each was written by `save` from the named recipe,
its weights moved by noise.
"""

from pathlib import Path

import numpy as np

from pushforward.io import describe, load_model

GOLDEN = Path(__file__).parent / "golden"


def test_format_1():
    path = GOLDEN / "realnvp-1.safetensors"
    model = load_model(path)
    assert (model.recipe, model.version, model.table) == ("realnvp", "0.1.0", {"columns": ["a", "b", "c"]})
    x = np.asarray([[0, 0, 0], [1, -2, 0.5], [-3, 0.25, 2]], np.float32)
    context = np.asarray([0.5, -1], np.float32)
    log_prob = model.flow.log_prob(x, context)
    np.testing.assert_allclose(log_prob, [-3.396899, -36.2129, -19.49108], rtol=1e-5)


def test_format_1_described():
    assert describe(GOLDEN / "realnvp-1.safetensors") == {
        "format": "1",
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
        "sha256": "e2bdfb92069eb33ed51839e010dcafb92461f48092f9ac5548a31cfbf50353c4",
    }
