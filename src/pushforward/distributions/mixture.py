"""Mixtures of normals."""

import math
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.densities import HALF_LOG_2_PI
from ..numerics.elementary import hold, standardise
from ..numerics.triangular import inverse_unit_lower, pack_factor, unit_lower
from .closed_form import ClosedForm
from .normal import REACH
from .parameters import check_finite, check_positive, cholesky, same_dtype

CovarianceType = Literal["full", "tied", "diag", "spherical"]


class NormalMixture(ClosedForm):
    """A mixture of normals: log p(x) = log sum_k exp(log weight_k + log N(x; mean_k, covariance_k)).

    The covariance of component k is F F^T, F = diag(scale) U with U unit lower triangular, as in
    `MultivariateNormal`. The trainable parameters are `logits` (the weights are their softmax), `means`,
    `log_scales` and, unless the covariances are diagonal, `lowers`, the entries of each U below the diagonal.

    The arguments are those of scikit-learn's fitted `GaussianMixture`:
    `NormalMixture(m.weights_, m.means_, m.covariances_, covariance_type=m.covariance_type)` has its density.

    Args:
        weights: positive, shape (K,); need not sum to one.
        means: shape (K, d).
        covariances: symmetric and positive definite. Factored in float64.
        covariance_type: what `covariances` holds: "full" a matrix per component, shape (K, d, d); "tied" one matrix for
            all, (d, d); "diag" variances, (K, d); "spherical" one variance per component, (K,). Tied and spherical
            ones become parameters of every component.

    Raises:
        ShapeError: if the shapes do not fit each other.
        ConfigError: if the type is unknown, a value not finite, a weight or variance not positive, or a covariance not
            symmetric and positive definite.

    Gradients: finite for every finite x; zero beyond 2^48 standard deviations from all means (float32), see
        `normal.REACH`.
    Accuracy: tests/distributions/test_mixture.py::test_log_prob_matches_scikit_learn.
    """

    logits: Array
    means: Array
    log_scales: Array
    lowers: Array | None

    def __init__(
        self,
        weights: ArrayLike,
        means: ArrayLike,
        covariances: ArrayLike,
        *,
        covariance_type: CovarianceType = "full",
    ):
        weights, means, covariances = same_dtype(weights, means, covariances)
        _check_shapes(weights, means, covariances, covariance_type)
        for name, values in (("weights", weights), ("means", means), ("covariances", covariances)):
            check_finite("NormalMixture", name, values)
        check_positive("NormalMixture", "weights", weights)
        self.logits = jnp.log(weights) - jnp.log(jnp.sum(weights))
        self.means = means
        self.log_scales, self.lowers = _factors(means.shape, covariances, covariance_type)
