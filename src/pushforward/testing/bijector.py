"""check_bijector: every claim of the bijector contract, tested on one object."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

from jaxtyping import ArrayLike, PRNGKeyArray

from ..bijectors.base import Bijector
from . import contract, cost, derivatives, edges, exactness, purity
from .report import Finding, Report, Result
from .running import chosen, run_check, run_checks
from .subject import Extremes, Interval, Structure, Subject

BIJECTOR_CHECKS: dict[str, Callable[[Subject], Finding]] = {
    check.__name__: check
    for check in (
        contract.log_det_shape,
        contract.dtype,
        contract.missing_context_raises,
        contract.wrong_shape_raises,
        exactness.round_trip_x,
        exactness.round_trip_y,
        exactness.log_det_forward,
        exactness.log_det_inverse,
        exactness.log_dets_negate,
        exactness.float32_accuracy,
        exactness.identity_at_init,
        contract.row_independent_of_batch,
        contract.batch_shapes,
        contract.context_matters,
        edges.edges_finite,
        edges.edge_gradients_finite,
        edges.domain,
        edges.nan_stays_nan,
        derivatives.parameters_used,
        derivatives.gradcheck,
        derivatives.structure,
        derivatives.monotone,
        purity.tree_round_trip,
        purity.transforms_compose,
        purity.no_global_state,
        purity.no_input_mutation,
        purity.deterministic,
        cost.cheap_side,
    )
}
"""The checks by name, in the order in which they run."""


def check_bijector(
    bijector: Bijector,
    key: PRNGKeyArray,
    *,
    points: ArrayLike | None = None,
    context: ArrayLike | None = None,
    extremes: Extremes | None = None,
    domain: Interval | None = None,
    codomain: Interval | None = None,
    structure: Structure | None = None,
    increasing: bool = False,
    identity_at_init: bool = False,
    perturbation: float = 0.2,
    accuracy: float = 0.0,
    quick: bool = False,
    only: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    raises: bool = True,
) -> Report:
    """Hold a bijector to the contract, and to what its author claims beyond it.

    All checks run, whatever fails; `BIJECTOR_CHECKS` lists them; each says in its docstring what it
    demands.
    Parameters are perturbed first, so that an initialisation at the identity hides nothing.

    Args:
        bijector: the object to examine.
        key: draws points, contexts and the perturbation; the same key repeats a run.
        points: events x to look at, shape (n, *in_shape), instead of drawn ones. Needed where the domain is
            more than an interval for every element.
        context: contexts, shape (n, *context_shape) or context_shape, instead of drawn ones.
        extremes: the numbers for the checks at the edges. By default zeros, the smallest normal number, 1,
            1e4, 1e15, half the largest float32, every number that a part calls its `bound` with its
            neighbours, all with both signs; in a bounded domain those inside, and the neighbours of its
            ends. Also a mapping with keys "forward" (of x) and "inverse" (of y).
        domain: the open interval that the elements of x must lie in; all real numbers if left out.
        codomain: the same for y.
        structure: the pattern of the Jacobian dy/dx: "diagonal", "lower", "upper", or booleans of shape
            (out_size, in_size) that are False where it is zero.
        increasing: claim that every element of y grows with the same element of x and depends on no other.
        identity_at_init: claim that the bijector as given is the identity.
        perturbation: standard deviation of the noise on every parameter.
        accuracy: for a map that is solved for rather than computed, the relative error of its outputs and
            log-determinants, in every float type: both may be off by accuracy (1 + |.|) beyond rounding. 0 for others.
        quick: compile a third less: gradients are compared in float32, and stacked parameters left out.
        only: names of the checks to run; all if left out.
        expected_failures: names of checks that are known to fail, with the reason. They are reported as
            excused; one that passes after all is a failure.
        raises: raise if a check fails; otherwise return the report.

    Returns:
        The report: one result per check.

    Raises:
        CheckFailed: with the whole report, if a check fails.
        ConfigError: if an argument does not fit the bijector, or a check's name is unknown.
    """
    checks = bijector_checks(
        bijector,
        key,
        points=points,
        context=context,
        extremes=extremes,
        domain=domain,
        codomain=codomain,
        structure=structure,
        increasing=increasing,
        identity_at_init=identity_at_init,
        perturbation=perturbation,
        accuracy=accuracy,
        quick=quick,
        only=only,
        expected_failures=expected_failures,
    )
    name = f"{type(bijector).__name__} {bijector.in_shape} -> {bijector.out_shape}"
    report = run_checks(name, checks, key)
    if raises:
        report.raise_if_failed()
    return report


def bijector_checks(
    bijector: Bijector,
    key: PRNGKeyArray,
    *,
    points: ArrayLike | None = None,
    context: ArrayLike | None = None,
    extremes: Extremes | None = None,
    domain: Interval | None = None,
    codomain: Interval | None = None,
    structure: Structure | None = None,
    increasing: bool = False,
    identity_at_init: bool = False,
    perturbation: float = 0.2,
    accuracy: float = 0.0,
    quick: bool = False,
    only: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Give the checks of `check_bijector` one by one, for `pytest.mark.parametrize`.

    They share what they compute, so that running them one by one costs no more than `check_bijector`.

    Args: see `check_bijector`.

    Yields:
        The name of a check, and a function without arguments that runs it and returns its result.

    Raises:
        ConfigError: if an argument does not fit the bijector, or a check's name is unknown.
    """
    expected = dict(expected_failures or {})
    subject = Subject(
        bijector,
        key,
        points=points,
        context=context,
        extremes=extremes,
        domain=domain,
        codomain=codomain,
        structure=structure,
        increasing=increasing,
        identity_at_init=identity_at_init,
        perturbation=perturbation,
        accuracy=accuracy,
        quick=quick,
    )
    for name in chosen(BIJECTOR_CHECKS, only, expected):
        check = functools.partial(BIJECTOR_CHECKS[name], subject)
        yield name, functools.partial(run_check, name, check, expected.get(name))
