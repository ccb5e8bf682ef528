"""Products against NumPy in float64, with their derivatives."""

import re

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.test_util import check_grads

from pushforward.numerics import products
from pushforward.numerics.products import full_precision, matmul, product, staircase

STEPS = ((3, 2), (1, 4), (4, 5))


def stairs(groups=1):
    mask = np.zeros((8, 5), bool)
    for first, last, used in ((0, 3, 2), (3, 4, 4), (4, 8, 5)):
        mask[first:last, :used] = True
    return np.tile(mask, (groups, 1))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_a_product_and_its_derivatives_of_both_modes(batch):
    with jax.enable_x64(True):
        matrix, values = jr.normal(jr.key(0), (4, 5)), jr.normal(jr.key(1), (5, *batch))
        expected = np.einsum("ij,j...->i...", np.asarray(matrix), np.asarray(values))
        np.testing.assert_allclose(product(matrix, values), expected, rtol=1e-12)
        check_grads(lambda m, v: jnp.sin(product(m, v)), (matrix, values), order=2)


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("batch", [(), (6,)])
def test_a_staircase_is_the_product_with_the_masked_matrix(groups, batch, on_cpu, monkeypatch):
    monkeypatch.setattr(products, "on_cpu", lambda: on_cpu)
    with jax.enable_x64(True):
        mask = stairs(groups)
        matrix, values = jr.normal(jr.key(0), mask.shape), jr.normal(jr.key(1), (5, *batch))
        expected = np.tensordot(np.where(mask, matrix, 0.0), np.asarray(values), axes=1)

        def masked(matrix, values):
            return staircase(jnp.where(mask, matrix, 0.0), values, steps=STEPS, groups=groups)

        np.testing.assert_allclose(masked(matrix, values), expected, rtol=1e-12)
        gradient = jax.grad(lambda m: jnp.sum(masked(m, values)))(matrix)
        np.testing.assert_array_equal(np.asarray(gradient) != 0, mask)
        check_grads(lambda m, v: jnp.sin(masked(m, v)), (matrix, values), order=2)


def test_the_zeros_of_a_staircase_cost_nothing_on_a_cpu(monkeypatch):
    """What stands there is not read; elsewhere it is, and one product is made."""
    matrix = jnp.where(stairs(), 1.0, jnp.nan)
    for on_cpu in (True, False):
        monkeypatch.setattr(products, "on_cpu", lambda on_cpu=on_cpu: on_cpu)
        assert np.isfinite(staircase(matrix, jnp.ones(5), steps=STEPS)).all() == on_cpu


def test_the_users_precision_holds():
    def chosen(function):
        program = jax.make_jaxpr(function)(jnp.ones((2, 2)), jnp.ones((2, 2)))
        (found,) = set(re.findall(r"precision=(\S+)", str(program)))
        return found

    for function in (product, matmul):
        assert "HIGHEST" in chosen(function)
        with jax.default_matmul_precision("tensorfloat32"):
            assert "HIGHEST" not in chosen(function)
    with jax.default_matmul_precision("bfloat16"), full_precision():
        assert jax.config.jax_default_matmul_precision == "bfloat16"
    with full_precision():
        assert jax.config.jax_default_matmul_precision == "highest"


def test_gradients_for_every_event_can_be_mapped():
    matrix, values = jr.normal(jr.key(0), (4, 5)), jr.normal(jr.key(1), (7, 5))
    mapped = jax.vmap(jax.grad(lambda v: jnp.sum(product(matrix, v))))(values)
    np.testing.assert_allclose(mapped, np.tile(np.sum(matrix, axis=0), (7, 1)), rtol=1e-5)
