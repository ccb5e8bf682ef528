import inspect
import json

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import Flow, StandardNormal
from pushforward.distributions.flow import Recipe
from pushforward.errors import ConfigError
from pushforward.flows import build, get, names, realnvp, registry

REALNVP = (
    '{"activation": "relu", "batch_norm": false, "bound": 3.0, "context_features": 0, "dropout": 0.0, "features": 2, '
    '"hidden": [4], "layers": 1, "memory": "store", "scale": "exp"}'
)


@pytest.fixture
def recipes(monkeypatch):
    """A copy of the registry, so that a test may add to it."""
    monkeypatch.setattr(registry, "_RECIPES", dict(registry._RECIPES))


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array))]


def test_a_flow_remembers_its_recipe_as_canonical_json():
    written = [
        realnvp(jr.key(0), features=2, hidden=(4,), layers=1),
        realnvp(jr.key(0), layers=1, hidden=[4], features=2, bound=3.0),
    ]
    assert [flow.recipe for flow in written] == [Recipe("realnvp", REALNVP)] * 2
    assert registry.recorded("realnvp", features=2, hidden=(4,), layers=1) == Recipe("realnvp", REALNVP)


def test_build_repeats_what_a_recipe_built():
    flow = realnvp(jr.key(3), features=2, hidden=(4,), layers=1)
    again = build(flow.recipe.name, json.loads(flow.recipe.arguments), jr.key(3))
    assert eqx.tree_equal(again, flow)


def test_build_has_a_key_of_its_own():
    arguments = {"features": 2, "hidden": [4], "layers": 1}
    for one, other in zip(
        leaves(build("realnvp", arguments)), leaves(build("realnvp", arguments)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("features", [1, 2, 5])
@pytest.mark.parametrize("name", names())
@pytest.mark.filterwarnings("ignore:.*a coupling needs two features")
def test_the_structure_of_every_recipe_can_be_built_without_its_numbers(name, features):
    """As a model file is loaded. The structure must depend on neither key nor numbers."""
    arguments = {"features": features, "context_features": 2 if name != "table" else 0}
    if name == "mixed":  # its sizes are those of the columns
        cells = {"kind": "values"}
        arguments = {"columns": [cells] * features, "context": [cells] * 2}
    shells = [
        eqx.filter_eval_shape(lambda key: build(name, arguments, key), jr.key(0)),
        eqx.filter_eval_shape(lambda: build(name, arguments)),
    ]
    assert jax.tree.structure(shells[0]) == jax.tree.structure(shells[1])
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(shells[0]))
    assert shells[0].event_shape == (features,)
    assert shells[0].recipe.name == name


@pytest.mark.parametrize("name", names())
def test_every_recipe_takes_a_key_and_then_names(name):
    signature = list(inspect.signature(get(name)).parameters.values())
    assert signature[0].name == "key"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in signature[1:])
    sizes = ["columns", "context"] if name == "mixed" else ["features", "context_features"]
    assert [parameter.name for parameter in signature[1:3]] == sizes
    for call in (lambda: get(name)(features=2), lambda: get(name)(jr.key(0), 2)):
        with pytest.raises(ConfigError) as caught:
            call()
        assert str(caught.value) == (
            f"{name}: expected a key first and all else by name, as {name}(key, features=2)."
        )


def test_names_are_sorted_and_can_be_got():
    assert list(names()) == sorted(names())
    assert {"nice", "nsf", "realnvp", "table"} <= set(names())
    assert get("realnvp") is realnvp


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: get("glow2"),
            f"Unknown flow 'glow2'. Known: {', '.join(names())}.",
        ),
        (
            lambda: realnvp(jr.key(0), feature=2),
            "realnvp: missing a required argument: 'features'. It takes: features, context_features, layers, "
            "hidden, activation, dropout, scale, bound, batch_norm, memory.",
        ),
        (
            lambda: realnvp(jr.key(0), features=2, bins=8),
            "realnvp: got an unexpected keyword argument 'bins'. It takes: features, context_features, layers, "
            "hidden, activation, dropout, scale, bound, batch_norm, memory.",
        ),
        (
            lambda: realnvp(jr.key(0), features=2, hidden=np.array([4])),
            "realnvp: its arguments must be plain data that JSON can hold: "
            "Object of type ndarray is not JSON serializable.",
        ),
        (
            lambda: registry.register(realnvp),
            "register: a recipe named 'realnvp' is there already.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ConfigError) as caught:
        call()
    # What Python calls an argument depends on its version.
    assert str(caught.value).replace("keyword-only argument", "argument") == message


def test_numbers_that_json_has_not_are_refused():
    with pytest.raises(ConfigError) as caught:
        realnvp(jr.key(0), features=2, bound=float("inf"))
    # The end of the sentence is Python's own, and depends on its version.
    assert str(caught.value).startswith(
        "realnvp: its arguments must be plain data that JSON can hold: Out of range float values are not JSON"
    )


def test_a_new_recipe_is_known_by_its_name(recipes):
    @registry.register
    def plain(key, *, features: int, pairs: tuple[tuple[int, ...], ...] = ()) -> Flow:
        """The standard normal through itself."""
        del key
        assert all(isinstance(pair, tuple) for pair in pairs)
        from pushforward.bijectors import Reverse

        return Flow(StandardNormal((features,)), Reverse((features,)))

    assert "plain" in names()
    assert plain.__doc__ == "The standard normal through itself."
    # JSON's lists come back as tuples, at every depth.
    assert build("plain", {"features": 3, "pairs": [[1, 2], [3]]}).recipe == Recipe(
        "plain", '{"features": 3, "pairs": [[1, 2], [3]]}'
    )
