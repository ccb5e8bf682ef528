import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Affine, Coupling, Elementwise, halves
from pushforward.bijectors.frozen import Frozen
from pushforward.errors import ConfigError
from pushforward.nets import MLP
from pushforward.testing.mutants import Made
from pushforward.testing.subject import ROWS, Subject

AFFINE = Elementwise(Affine(), (3,))


def test_points_of_another_shape_are_refused():
    with pytest.raises(ConfigError) as caught:
        Subject(AFFINE, jr.key(0), points=np.zeros((4, 2)))
    assert str(caught.value) == "check_bijector: expected points of shape (n, *(3,)) with n > 0, got (4, 2)."


def test_superfluous_context_is_refused():
    with pytest.raises(ConfigError) as caught:
        Subject(AFFINE, jr.key(0), context=np.zeros(2))
    assert str(caught.value) == (
        "check_bijector: Elementwise (3,) -> (3,) takes no context, but one was given."
    )


def test_the_key_decides_everything():
    first, again, other = (Subject(AFFINE, jr.key(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.x, again.x)
    assert not np.array_equal(first.x, other.x)
    assert eqx.tree_equal(first.parameters, again.parameters)
    assert not eqx.tree_equal(first.parameters, other.parameters)


def test_only_trained_leaves_are_perturbed():
    held = {"free": jnp.zeros(3), "held": Frozen(jnp.ones(3)), "mask": jnp.array([True, False, True])}
    subject = Subject(Made(held, lambda p, x: (x, x[0]), lambda p, y: (y, y[0])), jr.key(0))
    assert np.all(subject.parameters.parameters["free"] != 0)
    assert np.all(subject.parameters.parameters["held"].content == 1)
    assert subject.static.parameters["mask"].dtype == bool


def test_one_context_serves_all_rows():
    net = MLP(jr.key(0), 1, 2, context_features=2, hidden=())
    subject = Subject(Coupling(Affine(), net, halves(2), (2,)), jr.key(0), context=np.array([1.0, 2.0]))
    assert subject.contexts(3).tolist() == [[1, 2]] * 3


def test_blocks_of_any_number_of_rows():
    subject = Subject(AFFINE, jr.key(0))
    events = np.random.default_rng(0).normal(size=(ROWS + 5, 3)).astype(np.float32)
    out, log_det = subject.values("forward", events, np.float32)
    expected = jax.vmap(subject.bijector().forward_and_log_det)(events)
    np.testing.assert_allclose(out, expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(log_det, expected[1], rtol=1e-5, atol=1e-6)


def test_exact_derivatives_in_float64():
    subject = Subject(AFFINE, jr.key(0), points=np.ones((2, 3)))
    exact = subject.exact("forward", subject.x)
    scale = np.exp(3 * np.tanh(subject.parameters.params[:, 0].astype(np.float64) / 3))
    assert exact.jacobian.dtype == np.float64
    np.testing.assert_allclose(exact.jacobian[0], np.diag(scale), rtol=1e-12)
    np.testing.assert_allclose(exact.slope, 0.0, atol=1e-15)


@jax.custom_vjp
def _identity(x):
    return x


_identity.defvjp(lambda x: (x, None), lambda _, g: (g,))


def test_reverse_mode_where_there_is_no_forward_mode():
    zero = jnp.zeros(())
    subject = Subject(Made({}, lambda p, x: (_identity(2 * x), zero), lambda p, y: (y / 2, zero)), jr.key(0))
    np.testing.assert_allclose(subject.exact("forward", subject.x).jacobian[0], 2 * np.eye(3))
    assert subject.reverse_only == {"forward"}
