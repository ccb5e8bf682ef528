import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.testing import regions
from pushforward.testing.law import LawSubject
from pushforward.testing.mutants import LAW_MUTANTS, MadeLaw, correct_law
from pushforward.testing.mutants.lawless import normal_density, normal_draw

X = np.random.default_rng(0).normal(size=(4, 2))


def test_regions_of_a_correct_law_hold_many_draws():
    subject = LawSubject(correct_law(), X, jr.key(0))
    for index in range(regions.REGIONS):
        here = regions.region(subject, index)
        assert regions.count(here, 1e-6).ok
        assert all(finding.ok for finding in regions.alike(here, 1e-6))
        assert len(here.kept) > 3000
        assert np.linalg.norm(here.kept, axis=1).max() <= 1


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_quarter_more_or_less_density_is_found(factor):
    shifted = MadeLaw(lambda p, x: normal_density(p, x) + jnp.log(factor), normal_draw)
    subject = LawSubject(shifted, X, jr.key(0))
    assert not any(regions.count(regions.region(subject, i), 1e-6).ok for i in range(regions.REGIONS))


def test_dependence_is_seen_along_some_axis_or_in_number():
    subject = LawSubject(LAW_MUTANTS["dependent_draws"].build(), X, jr.key(0))
    here = regions.region(subject, 0)
    assert not all(finding.ok for finding in [regions.count(here, 1e-6), *regions.alike(here, 1e-6)])
