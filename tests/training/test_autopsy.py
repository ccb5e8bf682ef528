import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors.frozen import trainable
from pushforward.distributions.base import Distribution
from pushforward.distributions.flow import Flow
from pushforward.training.autopsy import explain
from pushforward.training.guard import Fault
from pushforward.training.rows import Rows, Split

FIRST = "fit: step 7 gave loss nan and gradient norm nan, also after going back 8 times with half the learning rate each time. "  # noqa: E501
FAULT = Fault(7, float("nan"), float("nan"), None, None)


class Steep(Distribution):
    """log p = -weight x^2 (up to a constant), which overflows beyond 1e19 in float32."""

    weight: jnp.ndarray
    event_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)

    def _log_prob(self, x, context):
        return -jnp.sum(self.weight * x**2)

    def _sample_and_log_prob(self, key, context):
        raise NotImplementedError


STEEP = Steep(jnp.ones(()))


def message(flow, x, index=(30, 40, 50)):
    params, fixed = eqx.partition(flow, trainable(flow))
    rows = Rows(np.asarray(x, np.float32), None, None)
    # The step saw training rows 2, 0 and 1, which the caller knows by other numbers.
    return str(explain(FAULT, params, fixed, Split(rows, None, np.asarray(index)), np.array([2, 0, 1]), 8))


def test_a_row_that_overflows(with_layer):
    assert message(with_layer("overflow"), [[1, 1], [90, 1], [1, 1]]) == (
        f"{FIRST}No finite log-density in row 40 of x (1 of 3 in the batch). From data to base, the first "
        "log-determinant that is not finite is that of layer 1 (Plain) of 2, counted from the base. "
        "The largest |parameter| is 0."
    )


def test_an_infinite_weight(affine):
    flow = eqx.tree_at(lambda f: f.bijector.shift, affine(), jnp.array([0.0, -jnp.inf]))
    assert message(flow, np.ones((3, 2))) == (
        f"{FIRST}No finite log-density in rows 50, 30, 40 of x (3 of 3 in the batch). From data to base, the "
        "first value that is not finite is that of layer 0 (ScaleShift) of 1, counted from the base. "
        "The largest |parameter| is inf."
    )


def test_a_base_law_that_overflows(affine):
    assert message(Flow(STEEP, affine().bijector), [[1, 1], [1, 1], [1e30, 1]]) == (
        f"{FIRST}No finite log-density in row 50 of x (1 of 3 in the batch). All layers are finite; the base "
        "law's log-density (Steep) is not. The largest |parameter| is 1."
    )


def test_nan_only_in_the_gradient(with_layer):
    assert message(with_layer("nan gradient", 2.0), [[1, 1], [1, 1], [0, 1]]) == (
        f"{FIRST}No finite gradient in row 50 of x (1 of 3 in the batch). From base to data, the first "
        "gradient that is not finite is that of layer 1 (Plain) of 2, counted from the base. "
        "The largest |parameter| is 2."
    )


def test_nothing_to_see_without_randomness(affine):
    assert message(affine(), np.ones((3, 2))) == (
        f"{FIRST}Each of the 3 rows of the batch alone has a finite log-density and gradient without "
        "randomness, so the cause is in the objective, in dropout, or in their sum. "
        "The largest |parameter| is 0."
    )


def test_a_law_without_layers():
    assert message(STEEP, [[1, 1], [1e30, 1], [1, 1]]) == (
        f"{FIRST}No finite log-density in row 40 of x (1 of 3 in the batch). The largest |parameter| is 1."
    )


def test_many_rows_are_cut_short():
    flow = STEEP
    params, fixed = eqx.partition(flow, trainable(flow))
    rows = Rows(np.full((10, 2), 1e30, np.float32), None, None)
    text = str(explain(FAULT, params, fixed, Split(rows, None, np.arange(10)), np.arange(10), 8))
    assert "in rows 0, 1, 2, 3, 4, 5, 6, 7, and 2 more of x (10 of 10 in the batch)." in text


@pytest.mark.parametrize("kind", ["overflow", "nan gradient"])
def test_a_flow_of_flows_is_blamed_on_its_base(with_layer, affine, kind):
    flow = Flow(with_layer(kind, 1.0), affine().bijector)
    x = [[1, 1], [90 if kind == "overflow" else 0, 1], [1, 1]]
    assert "base law" in message(flow, x)
