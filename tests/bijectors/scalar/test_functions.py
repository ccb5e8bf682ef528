import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from pushforward.bijectors import (
    Chain,
    Elementwise,
    Exp,
    Invert,
    Log,
    Logit,
    NormalCDF,
    Power,
    Sigmoid,
    Softplus,
    Tanh,
)
from pushforward.distributions import Flow, StandardNormal
from pushforward.errors import ConfigError

NONE = jnp.zeros(0)
VALUES = [
    (Exp(), np.exp, (-2.0, 2.0)),
    (Log(), np.log, (0.1, 5.0)),
    (Softplus(), lambda x: np.log1p(np.exp(x)), (-2.0, 2.0)),
    (Sigmoid(), lambda x: 1 / (1 + np.exp(-x)), (-2.0, 2.0)),
    (Logit(), lambda x: np.log(x / (1 - x)), (0.1, 0.9)),
    (Tanh(), np.tanh, (-2.0, 2.0)),
    (Power(-0.5), lambda x: 1 / np.sqrt(x), (0.1, 5.0)),
    (NormalCDF(), stats.norm.cdf, (-2.0, 2.0)),
]


@pytest.mark.parametrize(("map_", "formula", "ends"), VALUES, ids=[type(v[0]).__name__ for v in VALUES])
def test_it_is_what_its_name_says(map_, formula, ends):
    assert map_.num_params == 0
    x = np.linspace(*ends, 21)
    with jax.enable_x64(True):
        y, log_dydx = map_.forward(NONE, jnp.asarray(x))
        back, log_dxdy = map_.inverse(NONE, y)
    np.testing.assert_allclose(y, formula(x), rtol=1e-12)
    np.testing.assert_allclose(back, x, rtol=1e-10)
    np.testing.assert_allclose(log_dxdy, -log_dydx, rtol=1e-9, atol=1e-12)
    slope = (formula(x + 1e-5) - formula(x - 1e-5)) / 2e-5
    np.testing.assert_allclose(np.exp(log_dydx), np.abs(slope), rtol=1e-6)


def test_a_flow_of_named_laws():
    """exp of a normal number is log-normal, its quantile transform uniform."""
    events = np.float32([[0.3, 2.0], [1.5, 0.01], [-1.0, 1.0]])
    log_normal = Flow(StandardNormal((2,)), Elementwise(Exp(), (2,)))
    expected = stats.lognorm.logpdf(events.astype(float), 1).sum(axis=1)
    np.testing.assert_allclose(log_normal.log_prob(events), expected, rtol=1e-5)
    assert log_normal.log_prob(events)[2] == -np.inf
    uniform = Flow(StandardNormal((2,)), Elementwise(NormalCDF(), (2,)))
    np.testing.assert_allclose(
        uniform.log_prob(np.float32([[0.2, 0.999], [0.5, 1.2]])), [0, -np.inf], atol=1e-5
    )


def test_inverses_are_each_other():
    pairs = [(Exp(), Log()), (Sigmoid(), Logit()), (Power(0.5), Power(2.0))]
    x = jnp.float32([0.3, 0.8])
    for one, other in pairs:
        there_and_back = Chain([Elementwise(one, (2,)), Elementwise(other, (2,))])
        turned = Invert(Elementwise(other, (2,)))
        y, log_det = there_and_back.forward_and_log_det(x)
        np.testing.assert_allclose(y, x, rtol=1e-5)
        np.testing.assert_allclose(log_det, 0, atol=1e-6)
        np.testing.assert_allclose(turned.forward(x), Elementwise(one, (2,)).forward(x), rtol=1e-6)


@pytest.mark.parametrize("exponent", [0, 0.001, -101.0, True, "2", float("nan")])
def test_wrong_exponents(exponent):
    with pytest.raises(ConfigError) as caught:
        Power(exponent)
    assert str(caught.value) == f"Power: expected an exponent of size 0.01 to 100, got {exponent!r}."
