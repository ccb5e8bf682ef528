import jax
import numpy as np
import pytest
from scipy import stats

from pushforward.bijectors import Identity
from pushforward.data.encoding import learn_encoder
from pushforward.diagnostics import frame_baselines
from pushforward.distributions import Dequantized, Flow, StandardNormal
from pushforward.distributions.encoding import Cells
from pushforward.errors import ShapeError

KEY = jax.random.key(0)


def law_of(cells, codes):
    encoder = learn_encoder(cells, codes, 16)
    inner = Flow(StandardNormal((encoder.features,)), Identity((encoder.features,)))
    return Flow(Dequantized(inner, encoder, 16), Identity((len(cells),)))


def test_normal_columns_have_their_closed_forms():
    generator = np.random.default_rng(0)
    covariance = np.array([[1.0, 0.8], [0.8, 2.0]])
    rows, new = (generator.multivariate_normal([1, -3], covariance, size=4000) for _ in range(2))
    plain = Flow(StandardNormal((2,)), Identity((2,)))
    independent, copula, mixture = frame_baselines(plain, rows, key=KEY)
    truth = stats.multivariate_normal([1, -3], covariance).logpdf(new).mean()
    alone = sum(stats.norm(m, v**0.5).logpdf(new[:, i]).mean() for i, (m, v) in enumerate([(1, 1), (-3, 2)]))
    found = [float(np.mean(item.law.log_prob(new))) for item in (independent, copula, mixture)]
    np.testing.assert_allclose(found, [alone, truth, truth], atol=0.03)
    assert [item.name for item in (independent, copula, mixture)] == [
        "independent columns",
        "Gaussian copula",
        "Gaussian mixture",
    ]
    assert "4,000 rows" in copula.note


def test_levels_have_probabilities_that_sum_to_one():
    generator = np.random.default_rng(1)
    first = generator.choice(3, p=[0.5, 0.3, 0.2], size=3000)
    codes = np.stack([first, (first + (generator.uniform(size=3000) < 0.2)) % 2], axis=1).astype(float)
    law = law_of((Cells("levels", count=3, step=1.0), Cells("levels", count=2, step=1.0)), codes)
    cells = np.array([[a, b] for a in range(3) for b in range(2)], float)
    truth = np.array([np.mean((codes == cell).all(axis=1)) for cell in cells])
    for item in frame_baselines(law, codes, key=KEY, draws=512):
        mass = np.exp(np.asarray(item.law.log_prob(cells)))
        assert mass.sum() == pytest.approx(1, abs=0.03), item.name
        alone = np.outer(*(np.bincount(column.astype(int)) / len(codes) for column in codes.T)).ravel()
        if item.name == "independent columns":
            np.testing.assert_allclose(mass, alone, atol=1e-3)
        else:  # the levels depend on each other, which these two see
            part = 0.5 if item.name == "Gaussian mixture" else 0.98
            assert np.abs(mass - truth).sum() < part * np.abs(alone - truth).sum(), item.name


def test_what_cannot_be_learned_is_said():
    rows = np.random.default_rng(2).normal(size=(200, 1)) * np.ones(2)
    found = frame_baselines(Flow(StandardNormal((2,)), Identity((2,))), rows, key=KEY)
    assert [item.law is None for item in found] == [False, True, True]
    assert "linear combination" in found[1].note


def test_rows_of_another_law_are_refused():
    with pytest.raises(ShapeError) as error:
        frame_baselines(Flow(StandardNormal((2,)), Identity((2,))), np.zeros((5, 3)), key=KEY)
    assert str(error.value) == (
        "frame_baselines: expected codes of shape (n, 2) with n >= 2, got shape (5, 3)."
    )
