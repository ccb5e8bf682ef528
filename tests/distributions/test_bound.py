"""Public methods of laws as objects: callable, compiled, differentiated, documented."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.distributions import Normal

POINTS = np.linspace(-2.0, 2.0, 6, dtype=np.float32).reshape(3, 2)


@pytest.fixture(scope="module")
def flow():
    return pf.flows.realnvp(jax.random.key(0), features=2, layers=2, hidden=(8,))


@pytest.mark.parametrize("compiled", [jax.jit, eqx.filter_jit, jax.vmap])
def test_methods_can_be_transformed(flow, compiled):
    expected = flow.log_prob(POINTS)
    np.testing.assert_allclose(compiled(flow.log_prob)(POINTS), expected, rtol=1e-5)
    np.testing.assert_allclose(compiled(flow.to_base)(POINTS), flow.to_base(POINTS), rtol=1e-5, atol=1e-6)


def test_a_method_is_an_argument_of_compiled_functions_with_the_laws_arrays_in_it():
    calls = []

    @jax.jit
    def mean_of(log_prob):
        calls.append(None)
        return log_prob(POINTS).mean()

    laws = [Normal(jnp.full(2, mean), jnp.ones(2)) for mean in (0.0, 1.0)]
    for law in laws:
        np.testing.assert_allclose(mean_of(law.log_prob), law.log_prob(POINTS).mean(), rtol=1e-6)
    assert len(calls) == 1  # arrays are no part of the program
    slopes = jax.grad(lambda log_prob: log_prob(POINTS).sum())(laws[0].log_prob)
    slope = jax.tree.leaves(slopes)[0]
    np.testing.assert_allclose(slope, POINTS.sum(axis=0), atol=1e-5)  # d/dm of -(x - m)^2 / 2 at m = 0


@pytest.mark.parametrize(
    "name", ["log_prob", "sample", "sample_and_log_prob", "to_base", "to_data", "intermediates"]
)
def test_names_and_documentation_are_the_methods_own(flow, name):
    bound, function = getattr(flow, name), getattr(type(flow), name)
    assert inspect.isfunction(function)
    assert bound.__name__ == name
    assert inspect.getdoc(bound) == inspect.getdoc(function)
    assert list(inspect.signature(bound).parameters) == list(inspect.signature(function).parameters)[1:]
