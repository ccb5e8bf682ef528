import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from pushforward.bijectors import SoftmaxCentered, StickBreaking
from pushforward.distributions import Flow, StandardNormal
from pushforward.errors import ConfigError


@pytest.mark.parametrize("class_", [SoftmaxCentered, StickBreaking])
def test_shapes_and_the_log_determinant_of_the_first_coordinates(class_):
    bijector = class_(4)
    assert (bijector.in_shape, bijector.out_shape) == ((3,), (4,))
    x = np.random.default_rng(0).normal(size=3)
    with jax.enable_x64(True):
        y, log_det = bijector.forward_and_log_det(jnp.asarray(x))
        jacobian = jax.jacfwd(lambda v: bijector.forward(v)[:-1])(jnp.asarray(x))
        back, log_back = bijector.inverse_and_log_det(y)
    y, jacobian = np.asarray(y), np.asarray(jacobian)
    np.testing.assert_allclose(y.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], rtol=1e-12)
    np.testing.assert_allclose(back, x, rtol=1e-12)
    np.testing.assert_allclose(log_back, -log_det, rtol=1e-12)
    assert np.all(np.triu(jacobian, 1) == 0) == (class_ is StickBreaking)


@pytest.mark.parametrize("class_", [SoftmaxCentered, StickBreaking])
def test_a_density_on_the_simplex_integrates_to_one(class_):
    """Over the first two of three numbers, which is the convention of the log-determinant and of SciPy's Dirichlet."""
    flow = Flow(StandardNormal((2,)), class_(3))
    edge = np.linspace(0, 1, 201)[1:-1]
    first, second = (a.reshape(-1) for a in np.meshgrid(edge, edge, indexing="ij"))
    events = np.stack([first, second, 1 - first - second], axis=1).astype(np.float32)
    density = np.exp(np.asarray(flow.log_prob(events), np.float64)).reshape(199, 199)
    assert (density.reshape(-1)[first + second > 1.001] == 0).all()
    total = integrate.trapezoid(integrate.trapezoid(density, edge), edge)
    np.testing.assert_allclose(total, 1, atol=2e-3)


def test_two_parts_are_the_logistic_normal():
    flow, p = Flow(StandardNormal((1,)), SoftmaxCentered(2)), np.float32([0.1, 0.5, 0.83])
    expected = stats.norm.logpdf(np.log(p / (1 - p))) - np.log(p * (1 - p))
    np.testing.assert_allclose(flow.log_prob(np.stack([p, 1 - p], axis=1)), expected, rtol=1e-5)


@pytest.mark.parametrize("class_", [SoftmaxCentered, StickBreaking])
@pytest.mark.parametrize("parts", [1, 2.0, True])
def test_wrong_arguments(class_, parts):
    with pytest.raises(ConfigError) as caught:
        class_(parts)
    assert str(caught.value) == f"{class_.__name__}: expected a whole number of parts above 1, got {parts!r}."
