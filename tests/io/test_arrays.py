from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.io import arrays


class Box(eqx.Module):
    content: Any


def shape(dtype, *sizes):
    return jax.ShapeDtypeStruct(sizes, dtype)


def test_the_skeleton_has_the_structure_and_no_arrays(tiny, flow):
    shell = arrays.skeleton("tiny", {"features": 3})
    assert jax.tree.structure(shell) == jax.tree.structure(flow)
    leaves = jax.tree.leaves(shell)
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)
    assert [(leaf.shape, leaf.dtype) for leaf in leaves] == [
        (leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(flow)
    ]


def test_lists_stand_for_tuples(tiny, calls):
    arrays.skeleton("tiny", {"features": 3, "hidden": [4, 5]})
    assert calls[-1]["hidden"] == (4, 5)


def test_a_recipe_that_fails(tiny, refused):
    assert refused(arrays.skeleton, "tiny", {"features": 3, "layers": 0}) == (
        'key "arguments": expected arguments that tiny can use, '
        "got ConfigError: tiny: expected layers to be at least 1, got 0"
    )
    found = refused(arrays.skeleton, "tiny", {"features": "x"})
    assert found.startswith('key "arguments": expected arguments that tiny can use, got TypeError: ')


def test_a_recipe_may_warn_without_disturbing(tiny, monkeypatch):
    from pushforward.flows import registry

    def loud(name, arguments, key):
        import warnings

        warnings.warn("said before", stacklevel=1)
        return tiny(key, features=2)

    monkeypatch.setattr(registry, "build", loud)
    assert arrays.skeleton("tiny", {}).event_shape == (2,)


def test_names_are_paths(flow):
    assert list(arrays.named(flow)) == [
        "bijector.weight",
        "bijector.factor.content",
        "bijector.mask",
        "bijector.order",
    ]
    assert arrays.named(flow)["bijector.weight"] is flow.bijector.weight


def test_names_in_lists_dictionaries_and_beside_what_is_no_array():
    box = Box([jnp.ones(1), {"x": np.ones(2), "y": jax.nn.relu}, (1.5, "text", None, jnp.zeros(()))])
    assert list(arrays.named(box)) == ["content.0", "content.1.x", "content.2.3"]


def test_two_arrays_of_one_name(refused):
    assert refused(arrays.named, Box({"a": {"b": jnp.ones(1)}, "a.b": jnp.ones(1)})) == (
        'array "content.a.b": expected one array of this name, got two'
    )


def test_fill_puts_every_array_in_its_place(flow):
    values = {name: np.asarray(leaf) for name, leaf in arrays.named(flow).items()}
    filled = arrays.fill(arrays.skeleton("tiny", {"features": 3}), values)
    assert jax.tree.structure(filled) == jax.tree.structure(flow)
    assert eqx.tree_equal(filled, flow)


SPEC = {"a": shape(jnp.float32, 2), "b": shape(jnp.float32, 3), "n": shape(jnp.int32), "m": shape(bool, 1)}


@pytest.mark.parametrize(
    "found",
    [
        SPEC,
        dict(reversed(SPEC.items())),
        SPEC | {"a": shape(jnp.bfloat16, 2), "b": shape(jnp.bfloat16, 3)},
        SPEC | {"n": shape(jnp.int8)},
    ],
)
def test_arrays_that_match(found):
    arrays.check_match(SPEC, found, "tiny")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            SPEC | {"../x": shape(bool, 1)},
            'array "../x": expected no array of this name in a flow of tiny, got one',
        ),
        ({"a": SPEC["a"], "b": SPEC["b"], "m": SPEC["m"]}, 'array "n": expected it in the file, got none'),
        (SPEC | {"a": shape(jnp.float32, 3)}, 'shape of array "a": expected (2,), got (3,)'),
        (SPEC | {"a": shape(jnp.float32, 2, 1)}, 'shape of array "a": expected (2,), got (2, 1)'),
        (SPEC | {"a": shape(jnp.int32, 2)}, 'dtype of array "a": expected float32, got int32'),
        (SPEC | {"n": shape(jnp.float32)}, 'dtype of array "n": expected int32, got float32'),
        (SPEC | {"n": shape(jnp.uint32)}, 'dtype of array "n": expected int32, got uint32'),
        (SPEC | {"m": shape(jnp.uint8, 1)}, 'dtype of array "m": expected bool, got uint8'),
        (
            SPEC | {"b": shape(jnp.float16, 3)},
            'dtype of array "b": expected float32, as of array "a", got float16',
        ),
    ],
)
def test_refusals(found, message, refused):
    assert refused(arrays.check_match, SPEC, found, "tiny") == message


def test_64_bits_need_x64(refused):
    found = {"a": np.zeros(2), "b": np.zeros(3), "n": np.zeros((), np.int64), "m": np.zeros(1, bool)}
    assert refused(arrays.check_match, SPEC, found, "tiny") == (
        'dtype of array "a": expected at most 32 bits while x64 is off '
        "(jax.config.update('jax_enable_x64', True) turns it on), got float64"
    )
    with jax.enable_x64(True):
        arrays.check_match(SPEC, found, "tiny")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float32, np.float64])
def test_numbers_must_be_finite(refused, value, dtype):
    array = np.asarray([[1, value], [value, 2]], dtype)
    message = 'array "a": expected finite numbers, got 2 of 4 that are not'
    assert refused(arrays.check_finite, {"z": np.ones(2), "a": array}) == message


def test_finite_numbers_pass():
    arrays.check_finite({"a": np.asarray([3e38], np.float32), "b": np.asarray([True]), "c": np.zeros((0,))})


def test_a_skeleton_of_a_large_flow_allocates_nothing(tiny):
    before = sum(array.nbytes for array in jax.live_arrays())
    arrays.skeleton("tiny", {"features": 10**6})
    assert sum(array.nbytes for array in jax.live_arrays()) - before < 10**5


def test_the_key_of_the_skeleton_does_not_matter(tiny):
    assert (
        arrays.named(arrays.skeleton("tiny", {"features": 3})).keys()
        == arrays.named(tiny(jr.key(5), features=3)).keys()
    )
