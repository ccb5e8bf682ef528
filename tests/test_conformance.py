"""Every case of `cases.py` is held to the contract by the public test kit."""

import jax.random as jr
import pytest

import cases
from pushforward.testing import check_bijector, check_flow


def _parameters(registry):
    return [
        pytest.param(case, id=name, marks=[pytest.mark.slow] if case.slow else [])
        for name, case in registry.items()
    ]


@pytest.mark.parametrize("case", _parameters(cases.SCALAR_MAPS))
def test_scalar_map(case):
    check_bijector(case.build(jr.key(1)), jr.key(0), **case.claims)


@pytest.mark.parametrize("case", _parameters(cases.NETS))
def test_layer_of_net(case):
    check_bijector(case.build(jr.key(1)), jr.key(0), **case.claims)


@pytest.mark.parametrize("case", _parameters(cases.BIJECTORS))
def test_bijector(case):
    check_bijector(case.build(jr.key(1)), jr.key(0), **case.claims)


@pytest.mark.parametrize("case", _parameters(cases.LAWS))
def test_law(case):
    check_flow(case.build(jr.key(1)), case.x, jr.key(0), **case.claims)


@pytest.mark.parametrize("case", _parameters(cases.RECIPES))
def test_recipe(case):
    check_flow(case.build(jr.key(1)), case.x, jr.key(0), **case.claims)
