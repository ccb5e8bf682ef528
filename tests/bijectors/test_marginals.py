import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Marginals
from pushforward.bijectors.frozen import trainable
from pushforward.errors import ConfigError

BASES = np.array([[-2.0, 0.0, 2.0], [-1.0, 0.5, 1.0]])
VALUES = np.array([[10.0, 20.0, 40.0], [-0.1, 0.0, 0.3]])
SLOPES = np.array([[0.2, 0.15, 0.1], [6.0, 5.0, 2.0]])


def test_every_feature_goes_through_its_own_knots():
    marginals = Marginals(BASES, VALUES, SLOPES)
    for knot in range(3):
        np.testing.assert_allclose(marginals.forward(BASES[:, knot]), VALUES[:, knot], rtol=1e-6)
        scores, log_det = marginals.inverse_and_log_det(VALUES[:, knot])
        np.testing.assert_allclose(scores, BASES[:, knot], atol=1e-6)
        np.testing.assert_allclose(log_det, np.log(SLOPES[:, knot]).sum(), atol=1e-6)
        np.testing.assert_allclose(marginals.forward_and_log_det(BASES[:, knot])[1], -log_det, atol=1e-6)


def test_tails_are_logarithmic_towards_the_base():
    marginals = Marginals(BASES, VALUES, SLOPES)
    scores = marginals.inverse(np.array([40.0 + 990.0, 0.3 + 1e6]))
    np.testing.assert_allclose(scores, [2 + np.log(100), 1 + np.log1p(2e6)], rtol=1e-6)


def test_nothing_of_it_is_trained():
    marginals = Marginals(BASES, VALUES, SLOPES)
    assert not any(jax.tree.leaves(trainable(marginals)))
    gradient = eqx.filter_grad(lambda m: jnp.sum(m.inverse(jnp.array([15.0, 0.1]))))(marginals)
    for frozen in (gradient.bases, gradient.values, gradient.slopes):
        np.testing.assert_array_equal(frozen.content, 0)


def test_identity_is_one_between_its_outer_knots():
    marginals = Marginals.identity(2, 7)
    assert marginals.bases.value.shape == (2, 7)
    x = jnp.array([-0.97, 0.4])
    y, log_det = marginals.forward_and_log_det(x)
    np.testing.assert_allclose(y, x, atol=1e-6)
    np.testing.assert_allclose(log_det, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            (BASES, VALUES[:, :2], SLOPES),
            "Marginals: expected three arrays of one shape (features, knots) with at least 2 knots, got "
            "(2, 3), (2, 2), (2, 3).",
        ),
        (
            (BASES[0], VALUES[0], SLOPES[0]),
            "Marginals: expected three arrays of one shape (features, knots) with at least 2 knots, got "
            "(3,), (3,), (3,).",
        ),
        (
            (BASES[:, :1], VALUES[:, :1], SLOPES[:, :1]),
            "Marginals: expected three arrays of one shape (features, knots) with at least 2 knots, got "
            "(2, 1), (2, 1), (2, 1).",
        ),
        (
            (BASES[:, ::-1], VALUES, SLOPES),
            "Marginals: expected increasing bases, those of feature 0 are not, in float32.",
        ),
        (
            # Different in float64 only.
            (BASES, np.array([[10.0, 20.0, 40.0], [1.0, 1 + 1e-9, 2.0]]), SLOPES),
            "Marginals: expected increasing values, those of feature 1 are not, in float32.",
        ),
        (
            (BASES, VALUES, np.where(SLOPES == 2, np.nan, SLOPES)),
            "Marginals: expected positive slopes, those of feature 1 are not, in float32.",
        ),
    ],
)
def test_knots_without_a_monotone_spline_are_refused(arrays, message):
    with pytest.raises(ConfigError) as caught:
        Marginals(*arrays)
    assert str(caught.value) == message
