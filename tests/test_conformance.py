"""Every case of `cases.py` is held to the contract by the public test kit: quickly by default, fully with -m slow."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

import cases
from pushforward.testing import check_bijector, check_flow

LAYERS = {
    f"{group}-{name}": case
    for group, registry in (("map", cases.SCALAR_MAPS), ("net", cases.NETS), ("bijector", cases.BIJECTORS))
    for name, case in registry.items()
}
LAWS = {
    f"{group}-{name}": case
    for group, registry in (("law", cases.LAWS), ("recipe", cases.RECIPES))
    for name, case in registry.items()
}
QUICK = [pytest.param(case, id=name) for name, case in LAYERS.items() if not case.slow]


@pytest.mark.parametrize("case", QUICK)
def test_bijector(case):
    check_bijector(case.build(jr.key(1)), jr.key(0), quick=True, **case.claims)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
def test_bijector_in_full(case, seed):
    check_bijector(case.build(jr.key(seed)), jr.key(seed), **case.claims)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[pytest.mark.slow] if case.slow else [])
        for name, case in LAWS.items()
    ],
)
def test_law(case):
    check_flow(case.build(jr.key(1)), case.x, jr.key(0), **case.claims)


def products(jaxpr):
    """All matrix products of a program, also of the programs within."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield equation
        for inner in jax.tree.leaves(equation.params, is_leaf=lambda value: hasattr(value, "eqns")):
            if hasattr(inner, "eqns"):
                yield from products(inner)


def assert_full_precision(function, *args):
    """GPUs round the factors of other products to 10 bits."""
    highest = (jax.lax.Precision.HIGHEST,) * 2
    for equation in products(jax.make_jaxpr(function)(*args).jaxpr):
        exact = all(jnp.issubdtype(value.aval.dtype, jnp.integer) for value in equation.invars)
        assert exact or equation.params["precision"] == highest, equation.source_info.traceback


@pytest.mark.parametrize("case", QUICK)
def test_products_of_a_bijector_are_in_full_precision(case):
    bijector = case.build(jr.key(1))
    context = None if bijector.context_shape is None else jnp.zeros(bijector.context_shape)
    arrays, rest = eqx.partition(bijector, eqx.is_array)
    for direction, shape in (("forward", bijector.in_shape), ("inverse", bijector.out_shape)):

        def apply(arrays, value, direction=direction):
            return getattr(eqx.combine(arrays, rest), f"{direction}_and_log_det")(value, context)

        assert_full_precision(jax.jacrev(apply, argnums=1), arrays, jnp.zeros(shape))
        assert_full_precision(jax.vmap(apply, in_axes=(None, 0)), arrays, jnp.zeros((2, *shape)))


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in LAWS.items() if not case.slow]
)
def test_products_of_a_law_are_in_full_precision(case):
    law = case.build(jr.key(1))
    context = None if law.context_shape is None else jnp.zeros((len(case.x), *law.context_shape))
    arrays, rest = eqx.partition(law, eqx.is_array)
    assert_full_precision(lambda arrays, x: eqx.combine(arrays, rest).log_prob(x, context), arrays, case.x)
    one = None if context is None else context[0]
    assert_full_precision(lambda arrays: eqx.combine(arrays, rest).sample(jr.key(0), (3,), one), arrays)
