"""Laws over whole numbers that are wrong in one way each, and are found out."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import Distribution
from pushforward.testing import check_flow, counting
from pushforward.testing.law import LawSubject

P = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])


class Dice(Distribution):
    """Two dice of three values, whose draws and probabilities may be wrong."""

    defect: str = eqx.field(static=True, default="none")
    event_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)

    def _log_prob(self, x, context):
        codes = jnp.clip(x, 0, 2).astype(int)
        log_prob = jnp.sum(jnp.log(jnp.asarray(P, x.dtype)[jnp.arange(2), codes]))
        return log_prob + (1e-4 if self.defect == "too much" else 0.0)

    def _sample_and_log_prob(self, key, context):
        logits = np.log(P[:, ::-1] if self.defect == "turned round" else P)
        x = jr.categorical(key, logits, axis=1).astype(jnp.result_type(float))
        if self.defect == "alike":  # each value as often as it should, the two never apart
            u = jr.uniform(key)
            x = jnp.sum(jnp.cumsum(P, axis=1) <= u, axis=1).astype(x.dtype)
        return x, self._log_prob(x, context)


def subject(defect="none", values=3):
    return LawSubject(Dice(defect), np.zeros((1, 2)), jr.key(0), values=values)


def test_a_right_law_passes():
    right = subject()
    assert counting.total(right).ok
    assert counting.frequencies(right, 1e-6).ok


def test_probabilities_that_do_not_sum_to_one_are_found():
    finding = counting.total(subject("too much"))
    assert not finding.ok
    assert finding.message == "the probabilities sum to 1.000100005"


@pytest.mark.parametrize("defect", ["turned round", "alike"])
def test_draws_that_do_not_follow_are_found(defect):
    finding = counting.frequencies(subject(defect), 1e-6)
    assert not finding.ok
    assert finding.message.startswith("-log of the chance of such a count among ")


def test_too_many_events_are_not_counted():
    many = subject(values=129)
    total, frequencies = counting.total(many), counting.frequencies(many, 1e-6)
    assert total.skipped
    assert frequencies.skipped
    assert total.message == "16641 events are too many to sum over."
    assert frequencies.message == "16641 events are too many to count."


def test_the_checks_of_a_law_use_them():
    report = check_flow(
        Dice("alike"),
        np.zeros((1, 2)),
        jr.key(0),
        values=3,
        only=["normalised", "samples_follow_log_prob"],
        raises=False,
    )
    assert report["normalised"].status == "passed"
    assert report["samples_follow_log_prob"].status == "failed"
