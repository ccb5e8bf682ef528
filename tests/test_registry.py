"""Every public bijector, scalar map, conditioner, law and recipe has a case in `cases.py`."""

import importlib
import inspect
import pkgutil

import equinox as eqx
import jax
import jax.random as jr
import pytest

import cases
import pushforward
from pushforward import flows, nets
from pushforward.bijectors import Bijector, ScalarMap
from pushforward.distributions import Distribution

NOT_EXAMINED = ("pushforward.testing", "pushforward.cli")


def _modules():
    for info in pkgutil.walk_packages(pushforward.__path__, "pushforward."):
        if not info.name.startswith(NOT_EXAMINED):
            yield importlib.import_module(info.name)


def _concrete(base):
    """Public classes of the package that can be instantiated, by name."""
    return {
        name: value
        for module in _modules()
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
        and not name.startswith("_")
    }


def _named(registry):
    return {name.split("-")[0] for name in registry}


def _types(tree):
    """The types of all modules in a tree."""
    found = set()

    def visit(node):
        if isinstance(node, eqx.Module):
            found.add(type(node).__name__)
        return False

    jax.tree.leaves(tree, is_leaf=visit)
    return found


@pytest.mark.parametrize(
    ("base", "registry"),
    [(Bijector, cases.BIJECTORS), (ScalarMap, cases.SCALAR_MAPS), (Distribution, cases.LAWS)],
    ids=["bijectors", "scalar maps", "laws"],
)
def test_every_class_has_a_case(base, registry):
    expected = set(_concrete(base)) - {"Flow"}  # what the recipes build
    assert expected >= {"Permute", "Chain"} or expected >= {"Shift"} or expected >= {"StandardNormal"}
    assert _named(registry) == expected


def test_every_net_has_a_case():
    classes = {name for name in nets.__all__ if inspect.isclass(getattr(nets, name))}
    assert _named(cases.NETS) == classes


def test_every_recipe_has_a_case():
    # Other tests may have registered recipes of their own.
    own = {name for name in flows.names() if flows.get(name).__module__.startswith("pushforward.")}
    assert "nsf" in own
    assert _named(cases.RECIPES) == own


@pytest.mark.parametrize(
    "registry",
    [cases.BIJECTORS, cases.SCALAR_MAPS, cases.NETS, cases.LAWS],
    ids=["bijectors", "maps", "nets", "laws"],
)
def test_cases_hold_what_their_names_say(registry):
    for name, case in registry.items():
        assert name.split("-")[0] in _types(case.build(jr.key(0))), name
