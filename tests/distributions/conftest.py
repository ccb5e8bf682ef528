"""One law of every kind, built in the float type that is in force."""

from collections.abc import Callable

import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import (
    ClosedForm,
    Laplace,
    Logistic,
    MultivariateNormal,
    Normal,
    NormalMixture,
    Product,
    StandardLogistic,
    StandardNormal,
    StudentT,
    Uniform,
)

DRAWS = 8 * 4096
FALSE_ALARM = 1e-6 / 32
"""Rate at which a right sampler fails one comparison: 1e-6 for all those of this folder together."""

COVARIANCES = np.array([[[2.0, 0.6], [0.6, 1.0]], [[0.5, -0.3], [-0.3, 0.4]]])
LOC = np.array([0.5, -1.0])
SCALE = np.array([2.0, 0.3])

BUILDERS: dict[str, Callable[[], ClosedForm]] = {
    "StandardNormal": lambda: StandardNormal((2,)),
    "Normal": lambda: Normal(LOC, SCALE),
    "MultivariateNormal": lambda: MultivariateNormal(LOC, COVARIANCES[0]),
    "Uniform": lambda: Uniform(LOC, LOC + SCALE),
    "Laplace": lambda: Laplace(LOC, SCALE),
    "StandardLogistic": lambda: StandardLogistic((2,)),
    "Logistic": lambda: Logistic(LOC, SCALE),
    "StudentT": lambda: StudentT(np.array([0.8, 5.0]), LOC, SCALE),
    "NormalMixture": lambda: NormalMixture([0.3, 0.7], [LOC, -LOC], COVARIANCES),
    "Product": lambda: Product([Laplace(LOC[0], 2.0), Normal(np.array([1.0]), 2.0)]),
}


@pytest.fixture(params=sorted(BUILDERS))
def build(request: pytest.FixtureRequest) -> Callable[[], ClosedForm]:
    return BUILDERS[request.param]


@pytest.fixture
def check_samples() -> Callable[..., None]:
    """Compare samples with the cdf of every element, by the inequality of Dvoretzky, Kiefer and Wolfowitz.

    The bound is 0.017: a cdf that is off by 0.034 anywhere is found.
    """

    def check(law: ClosedForm, cdfs: list[Callable]) -> None:
        bound = np.sqrt(np.log(2 / FALSE_ALARM) / (2 * DRAWS))
        x = np.sort(np.asarray(law.sample(jr.key(0), DRAWS), dtype=float).reshape(DRAWS, len(cdfs)), axis=0)
        steps = np.arange(DRAWS + 1) / DRAWS
        for column, cdf in zip(x.T, cdfs, strict=True):
            expected = cdf(column)
            distance = max(np.max(np.abs(expected - steps[1:])), np.max(np.abs(expected - steps[:-1])))
            assert distance < bound

    return check


@pytest.fixture
def integral() -> Callable[[ClosedForm], float]:
    """Integrate a density over one number by the trapezoidal rule in s, x = sinh(s): far tails included."""

    def integrate(law: ClosedForm) -> float:
        s = np.linspace(-40.0, 40.0, 4096)
        density = np.exp(np.asarray(law.log_prob(np.sinh(s).reshape(-1, *law.event_shape)), dtype=float))
        return float(np.sum(density * np.cosh(s)) * (s[1] - s[0]))

    return integrate
