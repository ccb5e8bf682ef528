"""check_flow: every claim of the distribution contract, tested on one law."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

from jaxtyping import ArrayLike, PRNGKeyArray

from ..distributions.base import Distribution
from . import density, lawful
from .law import LawSubject, Reference, Support
from .report import Finding, Report, Result
from .running import chosen, run_check, run_checks

FLOW_CHECKS: dict[str, Callable[[LawSubject], Finding]] = {
    check.__name__: check
    for check in (
        lawful.data_in_support,
        lawful.batch_shapes,
        lawful.context_matters,
        lawful.bad_input_raises,
        lawful.dtype,
        lawful.nan_stays_nan,
        lawful.outside_support,
        lawful.float32_accuracy,
        lawful.reference_law,
        lawful.round_trip,
        lawful.sample_matches_log_prob,
        density.normalised,
        density.samples_follow_log_prob,
        density.moments,
        lawful.key_respected,
        lawful.gradients_finite,
        lawful.step_lowers_loss,
        lawful.save_and_load,
    )
}
"""The checks by name, in the order in which they run."""


def check_flow(
    flow: Distribution,
    x: ArrayLike,
    key: PRNGKeyArray,
    *,
    context: ArrayLike | None = None,
    support: Support | None = None,
    values: int | None = None,
    reference: Reference | None = None,
    perturbation: float = 0.0,
    only: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    raises: bool = True,
) -> Report:
    """Hold a flow, or any other distribution, to the contract.

    All checks run, whatever fails; `FLOW_CHECKS` lists them, and each says in its docstring what it
    demands. Those that draw fail a correct law with probability at most 1e-6, and say what they can detect.

    Args:
        flow: the law to examine.
        x: events in its support, shape (n, *event_shape), ordinary ones: the loss must fall there.
        key: for draws and the perturbation; the same key repeats a run.
        context: contexts, shape (n, *context_shape) or context_shape, if the law takes one. Densities are
            integrated and draws counted under the first.
        support: two ends of the box in which the density is positive, numbers or of shape event_shape; all
            real numbers if left out.
        values: for a law over whole numbers, how many values each element has, from 0; its `log_prob` is then a
            log-probability, and sums over all events take the place of integrals.
        reference: the true log-density, a function of float64 events (n, *event_shape).
        perturbation: standard deviation of noise to be added to every trainable parameter first. A recipe's
            flow starts as its base; without noise the checks see no more of it.
        only: names of the checks to run; all if left out.
        expected_failures: names of checks that are known to fail, with the reason; one that passes is a
            failure.
        raises: raise if a check fails; otherwise return the report.

    Returns:
        The report: one result per check.

    Raises:
        CheckFailed: with the whole report, if a check fails.
        ConfigError: if an argument does not fit the law, or a check's name is unknown.
    """
    checks = flow_checks(
        flow,
        x,
        key,
        context=context,
        support=support,
        values=values,
        reference=reference,
        perturbation=perturbation,
        only=only,
        expected_failures=expected_failures,
    )
    report = run_checks(f"{type(flow).__name__} over events {flow.event_shape}", checks, key)
    if raises:
        report.raise_if_failed()
    return report


def flow_checks(
    flow: Distribution,
    x: ArrayLike,
    key: PRNGKeyArray,
    *,
    context: ArrayLike | None = None,
    support: Support | None = None,
    values: int | None = None,
    reference: Reference | None = None,
    perturbation: float = 0.0,
    only: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Give the checks of `check_flow` one by one, for `pytest.mark.parametrize`.

    Args: see `check_flow`.

    Yields:
        The name of a check, and a function without arguments that runs it and returns its result.

    Raises:
        ConfigError: if an argument does not fit the law, or a check's name is unknown.
    """
    expected = dict(expected_failures or {})
    subject = LawSubject(
        flow,
        x,
        key,
        context=context,
        support=support,
        values=values,
        reference=reference,
        perturbation=perturbation,
    )
    for name in chosen(FLOW_CHECKS, only, expected):
        check = functools.partial(FLOW_CHECKS[name], subject)
        yield name, functools.partial(run_check, name, check, expected.get(name))
