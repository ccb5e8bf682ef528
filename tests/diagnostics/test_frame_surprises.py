import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Identity
from pushforward.data.encoding import learn_encoder
from pushforward.diagnostics import frame_baselines, frame_surprises
from pushforward.distributions import Dequantized, Flow, MultivariateNormal
from pushforward.distributions.encoding import Cells
from pushforward.errors import ShapeError


def test_of_a_normal_is_the_closed_form():
    rho = 0.9
    generator = np.random.default_rng(0)
    covariance = np.array([[1, rho], [rho, 1]])
    law = Flow(MultivariateNormal(jnp.zeros(2), covariance=jnp.asarray(covariance)), Identity((2,)))
    known = generator.multivariate_normal([0, 0], covariance, size=20_000)
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 0.5]])
    found = frame_surprises(law, rows, known, draws=2000)
    variance = 1 - rho**2
    usual = 0.5 * np.log(2 * np.pi) + 0.5 * 0.6745**2  # the median of -log of a standard normal density
    truth = 0.5 * (rows - rho * rows[:, ::-1]) ** 2 / variance + 0.5 * np.log(2 * np.pi * variance) - usual
    np.testing.assert_allclose(found, truth, atol=0.15)


def test_a_planted_value_is_named_whatever_its_kind():
    generator = np.random.default_rng(1)
    level = generator.choice(3, size=600).astype(float)
    value = 4 * level + generator.normal(size=600)
    other = generator.normal(size=600)
    codes = np.stack([level, value, other], axis=1)
    cells = (Cells("levels", count=3, step=1.0), Cells("values"), Cells("values"))
    encoder = learn_encoder(cells, codes, 24)
    blank = Flow(Dequantized(_normal(encoder.features), encoder, 16), Identity((3,)))
    law = frame_baselines(blank, codes, key=_key())[2].law
    odd = np.array([[0.0, 8.0, 0.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0]])
    found = frame_surprises(law, odd, codes)
    assert set(np.argsort(-found[0])[:2]) == {0, 1}
    assert found[0, :2].min() > 3 > abs(found[0, 2])
    assert np.argmax(found[1]) == 2
    assert found[1, 2] > 5
    assert np.abs(found[2]).max() < 2


def test_a_row_without_density_has_no_surprises():
    cells = (Cells("values", low=0.0), Cells("values"))
    codes = np.abs(np.random.default_rng(2).normal(size=(500, 2))) + 0.1
    encoder = learn_encoder(cells, codes, 8)
    law = Flow(Dequantized(_normal(2), encoder, 1), Identity((2,)))
    found = frame_surprises(law, np.array([[-1.0, 1.0], [1.0, 1.0]]), codes)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_rows_of_another_law_are_refused():
    with pytest.raises(ShapeError) as error:
        frame_surprises(_normal(2), np.zeros((5, 3)), np.zeros((5, 2)))
    assert str(error.value) == "frame_surprises: expected codes of shape (n, 2), got shape (5, 3)."


def _normal(size):
    return Flow(MultivariateNormal(jnp.zeros(size), covariance=jnp.eye(size)), Identity((size,)))


def _key():
    import jax

    return jax.random.key(0)
