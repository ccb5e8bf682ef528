import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pushforward.bijectors.frozen import Frozen, trainable


class Layer(eqx.Module):
    weight: jax.Array
    mask: jax.Array
    constant: Frozen
    name: str = "layer"


def test_value_is_the_constant_and_its_gradient_is_zero():
    layer = Layer(jnp.ones(2), jnp.array([True, False]), Frozen({"scale": np.float32([2.0, 3.0]), "n": 4}))
    loss = lambda layer: jnp.sum(layer.weight * layer.constant.value["scale"]) * layer.constant.value["n"]  # noqa: E731
    assert loss(layer) == 20.0
    gradient = eqx.filter_grad(loss)(layer)
    np.testing.assert_array_equal(gradient.weight, [8.0, 12.0])
    np.testing.assert_array_equal(gradient.constant.content["scale"], [0.0, 0.0])


def test_numpy_arrays_become_jax_arrays():
    assert isinstance(Frozen(np.ones(2)).content, jax.Array)


def test_trainable_is_every_inexact_array_outside_of_frozen():
    layer = Layer(jnp.ones(2), jnp.array([True, False]), Frozen(jnp.ones(3)))
    trained, rest = eqx.partition(
        {"layers": [layer, Frozen(jnp.ones(1))], "n": 3},
        trainable({"layers": [layer, Frozen(jnp.ones(1))], "n": 3}),
    )
    assert [leaf.shape for leaf in jax.tree.leaves(trained)] == [(2,)]
    assert len(jax.tree.leaves(eqx.filter(rest, eqx.is_array))) == 3
