"""The two densities that a flow must beat: a full-covariance Gaussian, and a mixture chosen by validation."""

import warnings

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

COMPONENTS = (1, 2, 4, 8, 16, 32, 64)
ROUND = 5  # EM iterations between two looks at the clock and at the validation rows


def gaussian(split, budget):
    law = multivariate_normal(split.train.mean(0), np.cov(split.train.T))
    return law.logpdf, {"ended": "closed form", "validation": float(law.logpdf(split.validation).mean())}


def mixture(split, budget):
    """Every number of components within a share of the time; for the best, larger floors of the covariance.

    EM stops when it converges, when validation has fallen for four looks, or when the share is used; the best
    parameters seen on validation are kept.
    """
    tried, plan = [], [(k, 1e-6) for k in COMPONENTS]
    while plan:
        k, floor = plan[0]
        if tried and budget.left() < tried[-1]["first"] * k / tried[-1]["components"]:
            break
        plan = plan[1:]
        share = budget.left() * k / (k + sum(later for later, _ in plan))
        tried.append(fit_one(split, k, floor, budget, share))
        if len(tried) == len(COMPONENTS):
            best = max(tried, key=lambda fitted: fitted["validation"])
            plan = [(best["components"], floor) for floor in (1e-5, 1e-4, 1e-3)]
    best = max(tried, key=lambda fitted: fitted["validation"])
    return best["model"].score_samples, {
        "components": best["components"],
        "floor": best["floor"],
        "validation": best["validation"],
        "steps": sum(fitted["iterations"] for fitted in tried),
        "ended": "time" if any(fitted["capped"] for fitted in tried) or plan else "all converged",
    }


def fit_one(split, components, floor, budget, seconds):
    """One mixture within its seconds: the best parameters on validation."""
    start = budget.used()
    model = GaussianMixture(
        components, tol=1e-4, reg_covar=floor, max_iter=ROUND, warm_start=True, random_state=budget.seed
    )
    best, best_model, worse, iterations, first = -np.inf, None, 0, 0, None
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it stops every ROUND iterations
            round_start = budget.used()
            model.fit(split.train)
        iterations += model.n_iter_
        score = float(model.score(split.validation))
        if score > best:
            best, best_model, worse = score, freeze(model), 0
        else:
            worse += 1
        now = budget.used()
        first = now - start if first is None else first
        capped = now - start + (now - round_start) > seconds
        if model.converged_ or worse >= 4 or capped:
            break
    return {
        "components": components,
        "floor": floor,
        "validation": best,
        "model": best_model,
        "iterations": iterations,
        "first": first,  # seconds of the first round, with its start by k-means
        "capped": capped and not model.converged_,
    }


def freeze(model):
    """A copy of a fitted mixture that later rounds do not touch."""
    copy = GaussianMixture(model.n_components)
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        setattr(copy, name, getattr(model, name).copy())
    return copy


METHODS = {"gaussian": gaussian, "gmm": mixture}
