import dataclasses
import importlib.metadata
import os

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import BadModelFile
from pushforward.flows import registry
from pushforward.io import describe, load, load_model, save


def test_a_flow_comes_back_bit_by_bit(flow, tmp_path):
    path = tmp_path / "m.safetensors"
    trained = eqx.tree_at(lambda tree: tree.bijector.weight, flow, jnp.asarray([0.1, -2.0, 1e-30]))
    save(trained, path)
    loaded = load(path)
    assert jax.tree.structure(loaded) == jax.tree.structure(trained)
    assert eqx.tree_equal(loaded, trained)
    x = jr.normal(jr.key(3), (7, 3))
    np.testing.assert_array_equal(loaded.log_prob(x), trained.log_prob(x))
    np.testing.assert_array_equal(loaded.sample(jr.key(0), 5), trained.sample(jr.key(0), 5))


def test_a_model_says_what_was_saved(tiny, tmp_path):
    path = tmp_path / "m"
    table = {"columns": ["a", "ü"], "kinds": [{"ties": True, "low": -1.5}, None]}
    save(tiny(jr.key(1), features=2, context_features=1, hidden=(3, 4), offset=0.5), str(path), table=table)
    model = load_model(str(path))
    assert model.table == table
    assert model.recipe == "tiny"
    assert model.arguments == {
        "features": 2, "context_features": 1, "layers": 1, "hidden": [3, 4], "offset": 0.5, "note": "",
    }  # fmt: skip
    assert model.version == importlib.metadata.version("pushforward")
    assert model.flow.context_shape == (1,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.recipe = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_describe_runs_no_recipe_and_reads_no_array(flow, saved, tmp_path, calls, monkeypatch):
    path = tmp_path / "good.safetensors"
    with path.open("r+b") as file:  # the data are junk; the header is whole
        file.seek(-60, os.SEEK_END)
        file.write(b"\xff" * 60)
    calls.clear()
    monkeypatch.setattr(registry, "_RECIPES", {})
    found = describe(path)
    assert calls == []
    assert len(found.pop("sha256")) == 64
    assert found == {
        "format": "2",
        "recipe": "tiny",
        "arguments": {
            "features": 3, "context_features": 0, "layers": 1, "hidden": [], "offset": 0.0, "note": "",
        },
        "table": {"columns": ["a", "b", "c"]},
        "version": importlib.metadata.version("pushforward"),
        "arrays": 4,
        "numbers": 6,
        "dtypes": ["float32"],
        "bytes": len(saved),
    }  # fmt: skip


def test_a_new_argument_of_the_recipe_takes_its_default(crafted, refusal, tmp_path):
    arguments = crafted.metadata["arguments"].replace(', "offset": 0.0', "")
    assert arguments != crafted.metadata["arguments"]
    crafted.metadata["arguments"] = arguments
    path = tmp_path / "older"
    path.write_bytes(crafted.sign().bytes())
    assert load(path).bijector.offset == 0.0


@pytest.mark.parametrize("reader", [load, load_model, describe])
def test_no_such_file(tmp_path, reader):
    path = tmp_path / "none" / "m"
    with pytest.raises(BadModelFile) as caught:
        reader(path)
    expected = f"{path}: file: expected a model file, got none of this name. Nothing was loaded."
    assert str(caught.value) == expected


@pytest.mark.parametrize("reader", [load, describe])
def test_a_folder(tmp_path, reader):
    with pytest.raises(BadModelFile) as caught:
        reader(tmp_path)
    assert str(caught.value) == f"{tmp_path}: file: expected a model file, got a folder. Nothing was loaded."


def test_a_pipe_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    # Else a defect would show as a test that never ends.
    monkeypatch.setattr("pushforward.io.loading.open", None, raising=False)
    with pytest.raises(BadModelFile) as caught:
        load(path)
    expected = f"{path}: file: expected a model file, got a device or a pipe. Nothing was loaded."
    assert str(caught.value) == expected


def test_a_file_above_the_cap(saved, tmp_path):
    path = tmp_path / "good.safetensors"
    load(path, max_bytes=len(saved))
    with pytest.raises(BadModelFile) as caught:
        load(path, max_bytes=len(saved) - 1)
    assert str(caught.value) == (
        f"{path}: file: expected at most {len(saved) - 1} bytes (max_bytes raises the limit), "
        f"got {len(saved)} bytes. Nothing was loaded."
    )


def test_float64_needs_x64(tiny, tmp_path):
    path = tmp_path / "m"
    with jax.enable_x64(True):
        flow = tiny(jr.key(1), features=3)
        save(flow, path)
        assert load(path).bijector.weight.dtype == jnp.float64
        assert eqx.tree_equal(load(path), flow)
    assert describe(path)["dtypes"] == ["float64"]
    with pytest.raises(BadModelFile) as caught:
        load(path)
    assert str(caught.value) == (
        f'{path}: dtype of array "bijector.weight": expected at most 32 bits while x64 is off '
        "(jax.config.update('jax_enable_x64', True) turns it on), got float64. Nothing was loaded."
    )


def test_float32_loads_with_x64_on_and_stays(flow, saved, tmp_path):
    with jax.enable_x64(True):
        loaded = load(tmp_path / "good.safetensors")
        assert {leaf.dtype.name for leaf in jax.tree.leaves(loaded)} == {"float32", "int32", "bool"}
    assert eqx.tree_equal(loaded, flow)


def test_a_cast_flow_keeps_its_dtype(flow, tmp_path):
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16) if eqx.is_inexact_array(leaf) else leaf, flow)
    save(half, tmp_path / "m")
    assert eqx.tree_equal(load(tmp_path / "m"), half)


def test_nothing_global_changes(saved, tmp_path):
    before = (jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision)
    load(tmp_path / "good.safetensors")
    assert (jax.config.jax_enable_x64, jax.config.jax_default_matmul_precision) == before


RECIPES = {
    "table": {"features": 2, "knots": 3, "flow": "realnvp", "options": {"layers": 1, "hidden": [3]}},
    "nice": {"features": 3, "layers": 2, "hidden": (4,)},
    "realnvp": {"features": 3, "context_features": 2, "layers": 3, "hidden": (4,)},
    "nsf": {"features": 4, "layers": 2, "hidden": (4,), "bins": 3},
}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_recipes_of_the_library(name, tmp_path):
    flow = registry.build(name, RECIPES[name], jr.key(4))
    save(flow, tmp_path / "m")
    assert eqx.tree_equal(load(tmp_path / "m"), flow)
