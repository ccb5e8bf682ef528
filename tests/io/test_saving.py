import builtins
import dataclasses
import errno
import os
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import safetensors
import safetensors.numpy

import pushforward
from pushforward.bijectors.frozen import Frozen
from pushforward.distributions import LogNormal
from pushforward.distributions.flow import Flow, Recipe
from pushforward.errors import BadModelFile, ConfigError
from pushforward.io import describe, from_bytes, load, load_model, save, to_bytes


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(flow, path, **kwargs):
    with pytest.raises(ConfigError) as caught:
        save(flow, path, **kwargs)
    assert not path.exists()
    return str(caught.value)


def test_the_file_is_plain_safetensors(flow, saved, tmp_path):
    arrays = safetensors.numpy.load(saved)
    assert set(arrays) == {
        "bijector.weight",
        "bijector.factor.content",
        "bijector.mask",
        "bijector.order",
        "probes.x",
        "probes.log_prob",
    }
    np.testing.assert_array_equal(arrays["bijector.weight"], flow.bijector.weight)
    assert arrays["bijector.mask"].dtype == bool
    assert arrays["bijector.order"].dtype == np.int32
    with safetensors.safe_open(tmp_path / "good.safetensors", "np") as file:
        texts = file.metadata()
    assert texts["format"] == "2"
    assert texts["recipe"] == "tiny"
    assert texts["table"] == '{"columns": ["a", "b", "c"]}'
    assert set(texts) == {"format", "recipe", "arguments", "table", "version", "sha256"}


def test_equal_flows_have_equal_digests(tiny, tmp_path):
    path = tmp_path / "m"
    digests = []
    for key in (1, 1, 2):
        save(tiny(jr.key(key), features=3), path)
        digests.append(describe(path)["sha256"])
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("named", [False, True])
def test_a_flow_without_a_recipe(flow, named, tmp_path):
    law = LogNormal(0.0, 1.0) if named else Flow(flow.base, flow.bijector)
    assert refused(law, tmp_path / "m") == (
        "save: expected a flow that a registered recipe built, got one without a recipe. Move the code that "
        "builds it into a function of a key and of plain keyword arguments, decorate the function with "
        "pushforward.flows.register, and build the flow by calling it."
    )


def test_a_recipe_that_is_not_registered(flow, tmp_path):
    stranger = Flow(flow.base, flow.bijector, Recipe("other", "{}"))
    assert refused(stranger, tmp_path / "m") == (
        'save: key "recipe": expected one of the 1 known recipes (tiny), got "other". Nothing was written.'
    )


@pytest.mark.parametrize("value", [jnp.nan, jnp.inf])
@pytest.mark.parametrize("where", ["weight", "factor"])
def test_numbers_that_are_not_finite(flow, tmp_path, value, where):
    broken = jnp.asarray([1.0, value, 1.0])
    broken = broken if where == "weight" else Frozen(broken)
    flow = eqx.tree_at(lambda tree: getattr(tree.bijector, where), flow, broken)
    name = "bijector.weight" if where == "weight" else "bijector.factor.content"
    assert refused(flow, tmp_path / "m") == (
        f'save: array "{name}": expected finite numbers, got 1 of 3 that are not. Nothing was written.'
    )


def test_an_array_that_no_file_can_hold(flow, tmp_path):
    flow = eqx.tree_at(lambda tree: tree.bijector.weight, flow, jr.split(jr.key(0), 3))
    assert refused(flow, tmp_path / "m") == (
        'save: dtype of array "bijector.weight": expected one that a model file can hold, got key<fry>. '
        "Nothing was written."
    )


def test_an_array_of_another_shape_than_the_recipe_builds(flow, tmp_path):
    recipe = Recipe("tiny", flow.recipe.arguments.replace('"features": 3', '"features": 4'))
    assert refused(Flow(flow.base, flow.bijector, recipe), tmp_path / "m") == (
        'save: shape of array "bijector.weight": expected (4,), got (3,). Nothing was written.'
    )


def test_a_field_changed_since_the_recipe_ran(flow, tmp_path):
    """Loading would build the recipe's offset 0, and another density: the file must not come to be."""
    moved = dataclasses.replace(flow.bijector, offset=1.0)
    assert re.fullmatch(
        r"save: probe 0: expected a log-density of -[0-9.]+, as when saved, got -[0-9.]+ now\. "
        r"Nothing was written\.",
        refused(Flow(flow.base, moved, flow.recipe), tmp_path / "m"),
    )


def test_a_table_that_is_not_plain(flow, tmp_path):
    assert refused(flow, tmp_path / "m", table={"a": np.float32(1)}) == (
        "save: table: expected plain data that JSON can hold, "
        "got TypeError: Object of type float32 is not JSON serializable. Nothing was written."
    )
    assert refused(flow, tmp_path / "m", table=[1]) == (
        'save: key "table": expected a JSON object, got [1]. Nothing was written.'
    )


def test_a_missing_folder(flow, tmp_path):
    path = tmp_path / "none" / "m"
    with pytest.raises(FileNotFoundError) as caught:
        save(flow, path)
    assert str(caught.value) == f"{path} cannot be written: the folder {path.parent} does not exist."


def test_a_folder_in_the_way(flow, tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        save(flow, tmp_path)
    assert str(caught.value) == f"{tmp_path} cannot be written: it is a folder, and a file name is needed."


@pytest.mark.parametrize("what", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_model(flow, tmp_path, monkeypatch, what):
    path = tmp_path / "m"
    save(flow, path)
    old = path.read_bytes()

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full:
        def __init__(self, *args):
            self.file = builtins.open(*args)  # noqa: SIM115

        def __enter__(self):
            return self

        def __exit__(self, *args):
            self.file.close()

        def write(self, content):
            self.file.write(content[:100])
            full()

    if what == "write":
        monkeypatch.setattr("pushforward.io.atomic.open", Full, raising=False)
    else:
        monkeypatch.setattr(os, what, full)
    changed = eqx.tree_at(lambda tree: tree.bijector.weight, flow, jnp.zeros(3))
    with pytest.raises(OSError) as caught:  # noqa: PT011 (the whole message is asserted)
        save(changed, path)
    assert str(caught.value) == f"[Errno {errno.ENOSPC}] No space left on device: '{path}'"
    assert path.read_bytes() == old
    assert names(tmp_path) == ["m"]


def test_the_flow_is_left_as_it_is(flow, tmp_path):
    before = [np.array(leaf) for leaf in jax.tree.leaves(flow)]
    save(flow, tmp_path / "m")
    for leaf, copy in zip(jax.tree.leaves(flow), before, strict=True):
        np.testing.assert_array_equal(leaf, copy)


def test_what_cannot_be_loaded_cannot_be_saved(tiny, tmp_path):
    """The limits of the loader hold for the saver: no file that would be refused comes to be."""
    flow = tiny(jr.key(0), features=2, note="x" * 300)
    assert refused(flow, tmp_path / "m") == (
        'save: argument "note": expected text of at most 256 letters, got 300 letters. Nothing was written.'
    )


def test_saving_over_a_loaded_model(flow, tmp_path):
    path = tmp_path / "m"
    save(flow, path, table={"columns": ["a"]})
    first = path.read_bytes()
    model = load_model(path)
    save(model.flow, path, table=model.table)
    assert describe(path)["sha256"] in first.decode(errors="replace")
    assert eqx.tree_equal(load(path), flow)


def test_bytes_are_those_of_the_file(tmp_path):
    flow = pushforward.flows.maf(jr.key(0), features=2, layers=1, hidden=(4,))
    save(flow, tmp_path / "m.safetensors", table={"a": 1})
    content = to_bytes(flow, table={"a": 1})
    (tmp_path / "n.safetensors").write_bytes(content)
    assert describe(tmp_path / "n.safetensors") == describe(tmp_path / "m.safetensors")
    loaded = from_bytes(content)
    assert all((a == b).all() for a, b in zip(jax.tree.leaves(flow), jax.tree.leaves(loaded), strict=True))


def test_bytes_without_a_recipe_and_broken_ones_are_refused():
    with pytest.raises(ConfigError, match=r"^to_bytes: expected a flow that a registered recipe built"):
        to_bytes("no flow")
    with pytest.raises(BadModelFile) as caught:
        from_bytes(b"abc")
    assert str(caught.value) == (
        "from_bytes: file: expected a safetensors file of at least 8 bytes, got 3 bytes. Nothing was loaded."
    )
