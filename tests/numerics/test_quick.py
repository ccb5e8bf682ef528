import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.nets.mlp import new_linear
from pushforward.numerics.quick import permutation, quickly, split


def same(ours, theirs):
    jax.tree.map(
        np.testing.assert_array_equal, eqx.filter(ours, eqx.is_array), eqx.filter(theirs, eqx.is_array)
    )


def test_keys_and_permutations_are_those_of_jax():
    key = jr.key(3)
    for ours, theirs in zip(split(key, 5), jr.split(key, 5), strict=True):
        np.testing.assert_array_equal(jr.key_data(ours), jr.key_data(theirs))
    np.testing.assert_array_equal(permutation(key, 30), jr.permutation(key, 30))


@pytest.mark.parametrize("use_bias", [True, False])
def test_initial_weights_are_equinoxs(use_bias):
    ours, theirs = (
        new_linear(7, 300, use_bias=use_bias, key=jr.key(1)),
        eqx.nn.Linear(7, 300, use_bias, key=jr.key(1)),
    )
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    same(ours, theirs)


def test_it_compiles_once_for_all_calls_of_one_shape():
    traces = []

    @quickly
    def drawn(key, count):
        traces.append(count)
        return jr.uniform(key, (count,))

    for seed in range(3):
        np.testing.assert_array_equal(drawn(jr.key(seed), 4), jr.uniform(jr.key(seed), (4,)))
    drawn(jr.key(0), 5)
    assert traces == [4, 5]


def test_it_works_inside_of_transformations():
    wanted = new_linear(2, 3, key=jr.key(0))
    same(jax.jit(lambda key: eqx.filter(new_linear(2, 3, key=key), eqx.is_array))(jr.key(0)), wanted)
    same(jax.jit(lambda: eqx.filter(new_linear(2, 3, key=jr.key(0)), eqx.is_array))(), wanted)
    key = jr.key(0)
    same(jax.jit(lambda: eqx.filter(new_linear(2, 3, key=key), eqx.is_array))(), wanted)
    shapes = eqx.filter_eval_shape(lambda key: new_linear(2, 3, key=key), key)
    assert isinstance(shapes.weight, jax.ShapeDtypeStruct)
    keys = jr.split(key, 4)
    stacked = eqx.filter_vmap(lambda key: new_linear(2, 3, key=key))(keys)
    same(stacked.weight[2], new_linear(2, 3, key=keys[2]).weight)


def test_the_settings_of_jax_hold():
    with jax.enable_x64(True):
        assert new_linear(2, 3, key=jr.key(0)).weight.dtype == jnp.float64
    assert new_linear(2, 3, key=jr.key(0)).weight.dtype == jnp.float32
