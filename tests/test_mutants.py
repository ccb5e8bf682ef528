"""Every broken bijector and law is caught by the check that is named for it, and the correct relatives pass."""

import jax.random as jr
import numpy as np
import pytest

from pushforward.testing import BIJECTOR_CHECKS, FLOW_CHECKS, check_bijector, check_flow
from pushforward.testing.mutants import LAW_MUTANTS, MUTANTS, RELATIVES, correct_law


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(name):
    mutant = MUTANTS[name]
    report = check_bijector(mutant.build(), jr.key(0), only=[mutant.caught_by], raises=False, **mutant.claims)
    assert report[mutant.caught_by].status == "failed", str(report)


@pytest.mark.parametrize("name", RELATIVES)
def test_correct_relative_passes(name):
    build, claims = RELATIVES[name]
    check_bijector(build(), jr.key(0), **claims)


@pytest.mark.parametrize("name", LAW_MUTANTS)
def test_law_mutant_is_caught(name):
    mutant = LAW_MUTANTS[name]
    report = check_flow(
        mutant.build(), mutant.x, jr.key(0), only=[mutant.caught_by], raises=False, **mutant.claims
    )
    assert report[mutant.caught_by].status == "failed", str(report)


def test_correct_law_passes():
    def reference(x):
        return -0.5 * np.sum(np.square(x - [0.5, -1.0]) + np.log(2 * np.pi), axis=1)

    x = np.random.default_rng(0).normal(size=(16, 2))
    check_flow(correct_law(), x, jr.key(0), reference=reference)


def test_every_check_has_a_mutant():
    assert {mutant.caught_by for mutant in MUTANTS.values()} == set(BIJECTOR_CHECKS)
    assert {mutant.caught_by for mutant in LAW_MUTANTS.values()} == set(FLOW_CHECKS)


def test_mutants_say_what_is_wrong():
    assert all(mutant.what for mutant in [*MUTANTS.values(), *LAW_MUTANTS.values()])
