"""What a step of training draws: once for all rows, and for each row by itself; evaluation draws nothing."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Identity
from pushforward.distributions import Flow, Recipe, StandardNormal
from pushforward.distributions.keyed import Keyed
from pushforward.objectives import negative_log_likelihood


class Shaky(Keyed):
    """A log-density that is `level`, which a step draws, and with a key a number of the row's own on top."""

    level: jnp.ndarray
    own: bool = eqx.field(static=True, default=False)
    event_shape: tuple[int, ...] = eqx.field(static=True, default=(1,))
    context_shape: None = eqx.field(static=True, default=None)

    def _log_prob(self, x, context, key=None):
        return self.level + (jr.normal(key) if self.own and key is not None else 0.0) + 0 * x[0]

    def _for_step(self, key):
        return Shaky(100 + jr.uniform(key), self.own)

    def _sample_and_log_prob(self, key, context):
        raise NotImplementedError


ROWS = jnp.zeros((3, 1))


def losses(law, key):
    """The loss of each row alone."""
    return [float(negative_log_likelihood(law, ROWS, None, jnp.eye(3)[i], key)) for i in range(3)]


def wrapped(law):
    return Flow(Flow(law, Identity((1,))), Identity((1,)))


@pytest.mark.parametrize("wrap", [lambda law: law, wrapped], ids=["bare", "in flows"])
def test_what_is_drawn_for_a_step_is_the_same_for_all_rows(wrap):
    law = wrap(Shaky(jnp.float32(7)))
    first, again, other = losses(law, jr.key(0)), losses(law, jr.key(0)), losses(law, jr.key(1))
    assert len(set(first)) == 1
    assert -101 < first[0] < -100
    assert first == again
    assert first[0] != other[0]
    assert losses(law, None) == [-7.0] * 3


@pytest.mark.parametrize("wrap", [lambda law: law, wrapped], ids=["bare", "in flows"])
def test_rows_have_what_is_random_of_their_own(wrap):
    law = wrap(Shaky(jnp.float32(7), own=True))
    assert len(set(losses(law, jr.key(0)))) == 3
    assert losses(law, None) == [-7.0] * 3


def test_a_flow_keeps_all_but_its_base():
    flow = Flow(Shaky(jnp.float32(7)), Identity((1,)), Recipe("made", "{}"))
    drawn = flow._for_step(jr.key(0))
    assert drawn.bijector is flow.bijector
    assert drawn.recipe == flow.recipe
    np.testing.assert_allclose(drawn.base.level, 100 + jr.uniform(jr.key(0)))
    plain = Flow(StandardNormal((1,)), Identity((1,)))
    assert plain._for_step(jr.key(0)) is plain
