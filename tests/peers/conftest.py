"""Models of other libraries, built in their own environment: weights, inputs and what the library makes of them."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".venvs" / "peers-torch" / "bin" / "python"


@pytest.fixture
def peer(tmp_path) -> Callable[..., dict[str, np.ndarray]]:
    """A function (script, kind, features, context) that runs make_{script}.py and returns the arrays it saves."""
    python = Path(os.environ.get("PUSHFORWARD_PEERS_TORCH", DEFAULT))
    if not python.exists():
        pytest.skip(
            f"no Python with zuko and nflows at {python}; `make bench` makes it, or set PUSHFORWARD_PEERS_TORCH"
        )

    def make(script: str, kind: str, features: int, context: int) -> dict[str, np.ndarray]:
        path = tmp_path / "model.npz"
        command = [str(python), str(HERE / f"make_{script}.py"), str(path), kind, str(features), str(context)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(command, check=True, env=environment)
        with np.load(path) as saved:
            return dict(saved)

    return make
