import itertools
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.linalg

from pushforward.bijectors import Continuous, Solver
from pushforward.distributions import Flow, StandardNormal
from pushforward.errors import ConfigError, NotConverged
from pushforward.nets import TimeMLP
from pushforward.numerics.divergence import draw_probe

A = np.array([[0.5, -1.2, 0.3], [0.8, -0.4, 0.1], [-0.2, 0.6, 0.9]])
X = np.array([[1.0, -0.5, 2.0], [0.0, 3.0, -1.0]])
C = np.array([[0.3, -1.0, 0.5], [2.0, 0.0, 1.0]])


class Linear(eqx.Module):
    """dx/dt = matrix x + context."""

    matrix: jax.Array

    def __call__(self, t, x, context):
        del t
        return self.matrix @ x + (0 if context is None else context)


class Turning(eqx.Module):
    """dx/dt = rate cos(30 t) x, for which steps must be short."""

    rate: jax.Array

    def __call__(self, t, x, context):
        del context
        return self.rate * jnp.cos(30 * t) * x


def linear(dtype=np.float32, context=False, matrix=A, **options):
    size = len(matrix)
    return Continuous(Linear(jnp.asarray(matrix, dtype)), (size,), (size,) if context else None, **options)


def _exact(x, c):
    """The end of dx/dt = A x + c, by the exponential of [[A, c], [0, 0]]."""
    whole = [scipy.linalg.expm(np.block([[A, row[:, None]], [np.zeros((1, 4))]])) for row in c]
    return np.stack([(matrix @ [*row, 1])[:3] for matrix, row in zip(whole, x, strict=True)])


@pytest.mark.parametrize(
    ("solver", "dtype", "tolerance"),
    [
        (Solver("dopri8", 1e-10, 1e-10), np.float64, 2e-9),
        (Solver(), np.float32, 5e-5),
        (Solver("dopri5", 1e-12, 1e-12), np.float32, 1e-5),  # as tight as float32 can be
    ],
    ids=["dopri8", "tsit5", "dopri5"],
)
def test_a_linear_velocity_is_the_matrix_exponential(solver, dtype, tolerance):
    with jax.enable_x64(dtype == np.float64):
        layer = linear(dtype, context=True, solver=solver)

        @eqx.filter_jit
        def run(layer, x, c):
            y, log_det = jax.vmap(layer.forward_and_log_det)(x, c)
            back, other = jax.vmap(layer.inverse_and_log_det)(y, c)
            alone = jax.vmap(layer.forward)(x, c) if dtype == np.float64 else y
            return y, log_det, back, other, alone

        found = run(layer, jnp.asarray(X, dtype), jnp.asarray(C, dtype))
    y, log_det, back, other, alone = jax.tree.map(np.asarray, found)
    assert y.dtype == log_det.dtype == dtype
    np.testing.assert_allclose(y, _exact(X, C), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(alone, _exact(X, C), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(log_det, np.full(2, np.trace(A)), atol=tolerance)
    np.testing.assert_allclose(other, np.full(2, -np.trace(A)), atol=tolerance)
    np.testing.assert_allclose(back, X, atol=5 * tolerance)


@pytest.mark.parametrize(
    "adjoint",
    ["checkpoint", *(pytest.param(name, marks=pytest.mark.slow) for name in ("backsolve", "direct"))],
)
def test_gradients_are_those_of_the_matrix_exponential(adjoint):
    """d (w^T exp(A) x + tr A) / dA along E is w^T L(A, E) x + tr E, L the exponential's derivative."""
    w, along = np.array([0.3, -1.0, 2.0]), np.random.default_rng(0).normal(size=(3, 3))
    with jax.enable_x64(True):
        layer = linear(np.float64, solver=Solver("dopri8", 1e-9, 1e-9, adjoint=adjoint))

        @eqx.filter_jit
        @eqx.filter_grad
        def slope(pair):
            y, log_det = pair[0].forward_and_log_det(pair[1])
            return w @ y + log_det

        got, of_x = slope((layer, jnp.asarray(X[0])))
    exponential, moved = scipy.linalg.expm_frechet(A, along)
    expected = w @ moved @ X[0] + np.trace(along)
    np.testing.assert_allclose(np.sum(np.asarray(got.velocity.matrix) * along), expected, rtol=1e-6)
    np.testing.assert_allclose(of_x, w @ exponential, rtol=1e-6)


def test_costs_are_integrals_along_the_path():
    layer = linear(solver=Solver(rtol=1e-6, atol=1e-6))
    y = scipy.linalg.expm(A) @ X[0]
    x, log_det, costs = eqx.filter_jit(layer.inverse_with_costs)(jnp.asarray(y, jnp.float32))
    nodes, weights = np.polynomial.legendre.leggauss(12)
    speeds = [np.sum((A @ scipy.linalg.expm(A * (1 + node) / 2) @ X[0]) ** 2) for node in nodes]
    np.testing.assert_allclose(costs.kinetic, weights @ speeds / 2, rtol=1e-3)
    np.testing.assert_allclose(costs.jacobian, np.sum(A**2), rtol=1e-5)
    np.testing.assert_allclose(x, X[0], atol=1e-4)
    np.testing.assert_allclose(log_det, -np.trace(A), atol=1e-5)


def test_one_probe_lasts_for_the_whole_path():
    """Along any path of a linear velocity the estimate is then e^T A e, and not a mean over many e."""
    layer = linear(divergence="estimate")
    x, keys = jnp.asarray(X[0], jnp.float32), jr.split(jr.key(0), 6)
    _, log_dets = jax.jit(jax.vmap(lambda key: layer.forward_and_log_det(x, key=key)))(keys)
    probes = np.asarray(jax.vmap(lambda key: draw_probe(key, x, "rademacher"))(keys))
    np.testing.assert_allclose(log_dets, np.einsum("ni,ij,nj->n", probes, A, probes), atol=1e-4)
    assert np.ptp(log_dets) > 0.1
    np.testing.assert_allclose(eqx.filter_jit(layer.forward_and_log_det)(x)[1], np.trace(A), atol=1e-4)


@pytest.mark.parametrize(("size", "is_exact"), [(16, True), (17, False)])
def test_auto_estimates_beyond_sixteen_numbers_and_only_with_a_key(size, is_exact):
    matrix = np.random.default_rng(0).normal(size=(size, size)) / size
    layer = linear(matrix=matrix)

    @jax.jit
    def both(x):
        return layer.forward_and_log_det(x, key=jr.key(0))[1], layer.forward_and_log_det(x)[1]

    keyed, alone = both(jnp.ones(size))
    np.testing.assert_allclose(alone, np.trace(matrix), atol=1e-4)
    assert (abs(keyed - alone) < 1e-4) == is_exact


_MESSAGE = (
    "Continuous.forward_and_log_det: expected tsit5 to meet rtol=1e-05 and atol=1e-05 within max_steps=8, got no "
    "solution. Allow more steps or larger errors, or train with objectives.regularised_likelihood."
)


def test_too_few_steps_raise():
    layer = Continuous(Turning(jnp.float32(5.0)), (1,), solver=Solver(max_steps=8))
    with pytest.raises(NotConverged) as caught:
        layer.forward_and_log_det(jnp.ones(1))
    assert str(caught.value) == _MESSAGE
    with pytest.raises(RuntimeError, match=_MESSAGE.replace(".", r"\.")):
        eqx.filter_jit(layer.forward_and_log_det)(jnp.ones(1))
    with pytest.raises(NotConverged) as caught:
        Flow(StandardNormal((1,)), layer).to_data(jnp.ones((3, 1)))
    assert str(caught.value) == _MESSAGE.replace("forward_and_log_det", "forward")


def test_too_few_steps_make_one_row_nan():
    layer = Continuous(Turning(jnp.float32(5.0)), (1,), solver=Solver(max_steps=8, unconverged="nan"))
    rows = jnp.asarray([[1.0], [0.0], [jnp.nan], [jnp.inf]])  # zero stays where it is, in a few steps
    # Its divergence does not, so that the log-determinant is what fails.
    assert np.isnan(jax.jit(jax.vmap(layer.forward_and_log_det))(rows)[1]).all()
    np.testing.assert_array_equal(jax.jit(jax.vmap(layer.forward))(rows)[:, 0], [np.nan, 0, np.nan, np.nan])


@pytest.mark.parametrize("activation", ["tanh", pytest.param("softplus", marks=pytest.mark.slow)])
def test_extreme_numbers_stay_finite(randomised, activation):
    net = randomised(lambda: TimeMLP(jr.key(0), 2, hidden=(4,), activation=activation))
    layer = Continuous(net, (2,))
    numbers = [0.0, 1e-38, -1.0, 1e4, -1e6, 1e15, -1e30, 1.7e38]
    rows = np.float32(list(itertools.product(numbers, repeat=2)))

    @jax.jit
    def both(rows):
        y, log_det = jax.vmap(layer.forward_and_log_det)(rows)
        return y, log_det, jax.vmap(layer.inverse)(y)

    y, log_det, back = both(rows)
    assert np.isfinite(y).all()
    assert np.isfinite(log_det).all()
    # Softplus carries an element as far as its neighbour is large, 4e6 here, and back again. What the solver leaves of
    # that is a share of the way, by its tolerance of 1e-5: with 1e-9, in float64, 5e-8.
    way = np.abs(np.asarray(y, float) - rows)
    off = np.abs(np.asarray(back, float) - rows) / (1 + np.abs(rows) + way)
    assert off.max() < 1e-4


_FIRST_USE = """
import sys
import jax, jax.numpy as jnp
from pushforward.bijectors import Continuous
assert "diffrax" not in sys.modules
layer = Continuous(lambda t, x, context: -x, (2,))
first = jax.jit(jax.vmap(layer.forward))(jnp.ones((3, 2)))
assert "diffrax" in sys.modules
second = jax.jit(layer.inverse)(jnp.ones(2))
print(abs(float(first[0, 0] * second[0]) - 1) < 1e-4)
"""


def test_the_library_may_be_imported_while_a_program_is_traced():
    run = subprocess.run([sys.executable, "-c", _FIRST_USE], capture_output=True, text=True, timeout=120)
    assert (run.stdout, run.returncode) == ("True\n", 0), run.stderr


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Solver("rk4"), "Solver: expected method tsit5 or dopri5 or dopri8, got 'rk4'."),
        (
            lambda: Solver(adjoint="none"),
            "Solver: expected adjoint checkpoint or backsolve or direct, got 'none'.",
        ),
        (lambda: Solver(unconverged="inf"), "Solver: expected unconverged raise or nan, got 'inf'."),
        (lambda: Solver(rtol=0.0), "Solver: expected rtol between 0 and 1, got 0.0."),
        (lambda: Solver(atol=2.0), "Solver: expected atol between 0 and 1, got 2.0."),
        (
            lambda: Solver(max_steps=0),
            "Solver: expected max_steps to be a whole number of at least 1, got 0.",
        ),
        (
            lambda: linear(divergence="none"),
            "Continuous: expected divergence auto or exact or estimate, got 'none'.",
        ),
        (lambda: linear(probe="uniform"), "Continuous: expected probe rademacher or normal, got 'uniform'."),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ConfigError) as caught:
        build()
    assert str(caught.value) == message
