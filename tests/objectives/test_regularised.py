import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from pushforward.bijectors import Chain, Continuous, Identity, Invert, Permute, Stack
from pushforward.distributions import Flow, StandardNormal
from pushforward.errors import ConfigError
from pushforward.objectives import negative_log_likelihood, regularised_likelihood

A = np.array([[0.5, -1.2], [0.8, -0.4]])
X = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
WEIGHTS = np.float32([1, 3, 0])


class Linear(eqx.Module):
    matrix: jax.Array

    def __call__(self, t, x, context):
        return self.matrix @ x


def layer():
    return Continuous(Linear(jnp.asarray(A, jnp.float32)), (2,))


def _one(x):
    """The base point of x, and the two costs: |A x(t)|^2 by Gauss-Legendre, |A|^2 as it is the same everywhere."""
    z = scipy.linalg.expm(-A) @ x
    nodes, weights = np.polynomial.legendre.leggauss(12)
    speeds = [np.sum((A @ scipy.linalg.expm(A * (1 + node) / 2) @ z) ** 2) for node in nodes]
    return z, weights @ speeds / 2, np.sum(A**2)


def _expected(x, times, turned):
    """The loss of strengths 0.5 and 0.7 after so many layers, and an exchange of the two elements."""
    loss = 0.0
    for _ in range(times):
        x, energy, size = _one(x)
        loss += 0.5 * energy + 0.7 * size + np.trace(A)
    x = x[::-1] if turned else x
    return loss - scipy.stats.norm.logpdf(x).sum()


@pytest.mark.parametrize(
    ("build", "times", "turned"),
    [
        (lambda: Chain([Permute([1, 0]), layer(), Identity((2,)), Stack([layer(), layer()])]), 3, True),
        pytest.param(layer, 1, False, marks=pytest.mark.slow),
    ],
    ids=["chain", "alone"],
)
def test_it_adds_the_costs_of_the_paths(build, times, turned):
    flow = Flow(StandardNormal((2,)), build())
    expected = [_expected(x.astype(float), times, turned) for x in X]
    loss = eqx.filter_jit(regularised_likelihood)(
        flow, X, None, WEIGHTS, jr.key(0), kinetic=0.5, jacobian=0.7
    )
    np.testing.assert_allclose(loss, np.average(expected, weights=WEIGHTS), rtol=3e-4)


def test_without_a_key_it_is_the_likelihood():
    flow = Flow(StandardNormal((2,)), layer())
    losses = [
        eqx.filter_jit(objective)(flow, X, None, WEIGHTS)
        for objective in (regularised_likelihood, negative_log_likelihood)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("law", "kinetic", "message"),
    [
        (
            Flow(StandardNormal((2,)), layer()),
            -1.0,
            "regularised_likelihood: expected strengths of at least 0, got kinetic=-1.0 and jacobian=0.01.",
        ),
        (
            StandardNormal((2,)),
            0.01,
            "regularised_likelihood: expected a Flow of Continuous layers, alone or in a Chain or Stack, got "
            "StandardNormal.",
        ),
        (
            Flow(StandardNormal((2,)), Invert(layer())),
            0.01,
            "regularised_likelihood: expected a Flow of Continuous layers, alone or in a Chain or Stack, got Invert.",
        ),
    ],
)
def test_wrong_arguments(law, kinetic, message):
    with pytest.raises(ConfigError) as caught:
        regularised_likelihood(law, jnp.zeros((3, 2)), None, jnp.ones(3), kinetic=kinetic)
    assert str(caught.value) == message
