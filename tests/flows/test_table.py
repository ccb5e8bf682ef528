import json

import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import LU, Invert, Marginals
from pushforward.distributions import StandardNormal, StudentT
from pushforward.errors import ConfigError
from pushforward.flows import build, get, realnvp
from pushforward.flows.table import join

table = get("table")
INNER = {"flow": "realnvp", "options": {"layers": 1, "hidden": (4,)}}


def test_the_preprocessing_lies_on_the_data_side():
    flow = jax.eval_shape(lambda: table(jr.key(0), features=3, knots=5, **INNER))
    assert len(flow.bijector) == 4
    # In sampling order: the inner flow first, then the steps, the one next to the data last.
    last = flow.bijector[3]
    assert isinstance(last, Marginals)
    assert last.values.content.shape == (3, 5)
    assert isinstance(flow.bijector[2], Invert)
    assert isinstance(flow.bijector[2].bijector, LU)
    assert flow.base == StandardNormal((3,))


def test_its_arguments_are_recorded_with_those_of_the_inner_recipe():
    flow = jax.eval_shape(lambda: table(jr.key(0), features=3, steps=("whitening",), **INNER))
    assert json.loads(flow.recipe.arguments) == {
        "features": 3,
        "context_features": 0,
        "flow": "realnvp",
        "options": {"layers": 1, "hidden": [4]},
        "steps": ["whitening"],
        "knots": 32,
        "context_knots": 32,
    }
    again = jax.eval_shape(lambda: build("table", json.loads(flow.recipe.arguments)))
    assert jax.tree.structure(again) == jax.tree.structure(flow)


def test_the_inner_flow_takes_context_and_base():
    options = {"base": "student_t", "layers": 1, "hidden": (4,), "bins": 4}
    flow = jax.eval_shape(lambda: table(jr.key(0), features=3, context_features=2, options=options))
    assert flow.context_shape == (2,)
    assert isinstance(flow.base, StudentT)


def test_join_puts_learned_steps_around_a_flow():
    """Density in the data's units: log p(x) = log p(inner) + the log-determinants of the steps."""
    inner = realnvp(jr.key(0), features=2, layers=1, hidden=(4,))
    knots = np.linspace(-3, 3, 7)
    marginals = Marginals(
        np.tile(knots, (2, 1)), np.stack([10 * knots, knots / 10]), np.full((2, 7), [[0.1], [10]])
    )
    flow = join(inner, [marginals])
    x = np.array([[5.0, 0.02], [-12.0, 0.1]], np.float32)
    expected = StandardNormal((2,)).log_prob(x * np.array([0.1, 10.0]))  # the determinants are 0.1 and 10
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-4)
    assert flow.recipe is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "table: expected features to be a whole number of at least 1, got 0."),
        ({"knots": 1}, "table: expected knots to be a whole number of at least 2, got 1."),
        ({"steps": ("marginals", "pca")}, "table: expected steps among marginals, whitening, got 'pca'."),
        ({"flow": "table"}, "table: expected another recipe as the inner flow, got 'table' itself."),
        (
            {"options": {"features": 3}},
            "table: expected features as an argument of its own, got it among the options.",
        ),
        (
            {"context_features": -1},
            "realnvp: expected context_features to be a whole number of at least 0, got -1.",
        ),
        (
            {"options": {"bins": 8}},
            "realnvp: got an unexpected keyword argument 'bins'. It takes: features, context_features, layers, "
            "hidden, activation, dropout, scale, bound, batch_norm, memory.",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        table(jr.key(0), **{"features": 2, "flow": "realnvp", **arguments})
    assert str(caught.value) == message
