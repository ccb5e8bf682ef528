"""Every case of `cases.py` is held to the contract by the public test kit: quickly by default, fully with -m slow."""

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
