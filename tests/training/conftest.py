"""Small flows, each with one thing to test training with."""

import signal

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors.base import Bijector
from pushforward.bijectors.compose import Chain
from pushforward.bijectors.frozen import Frozen
from pushforward.distributions.flow import Flow
from pushforward.distributions.normal import StandardNormal


class ScaleShift(Bijector):
    """x = exp(log_scale) z + shift + fixed + slope . context."""

    log_scale: jax.Array
    shift: jax.Array
    fixed: Frozen
    slope: jax.Array | None
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)
    cheap: str = eqx.field(static=True, default="both")

    def __init__(self, features=2, context_features=0, fixed=0.0):
        self.log_scale = jnp.zeros(features)
        self.shift = jnp.zeros(features)
        self.fixed = Frozen(jnp.full(features, fixed))
        self.slope = jnp.zeros((features, context_features)) if context_features else None
        self.in_shape = self.out_shape = (features,)
        self.context_shape = (context_features,) if context_features else None

    def _centre(self, context):
        centre = self.shift + self.fixed.value
        return centre if self.slope is None else centre + self.slope @ context

    def forward_and_log_det(self, x, context=None, *, key=None):
        return x * jnp.exp(self.log_scale) + self._centre(context), jnp.sum(self.log_scale)

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return (y - self._centre(context)) * jnp.exp(-self.log_scale), -jnp.sum(self.log_scale)


class Plain(Bijector):
    """A map of the identity's value and of whatever log-determinant a test needs."""

    weight: jax.Array
    kind: str = eqx.field(static=True)
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x, context=None, *, key=None):
        return x, -self._extra(x, key)

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return y, self._extra(y, key)

    def _extra(self, y, key):
        if self.kind == "overflow":  # exp(88.8) is beyond float32
            return -jnp.exp(y[0]) * jnp.exp(self.weight)
        if self.kind == "nan gradient":  # the value at y[0] = 0 is 0, its gradient 0 / 0
            return -jnp.sqrt((self.weight * y[0]) ** 2)
        if self.kind == "noise":
            return jnp.zeros(()) if key is None else 1000 + jr.uniform(key)
        return self.weight


@pytest.fixture
def affine():
    """A diagonal normal law as a flow, with a constant shift that is frozen."""
    return lambda **options: Flow(StandardNormal((options.get("features", 2),)), ScaleShift(**options))


@pytest.fixture
def with_layer():
    """An affine layer at the data side of a layer of the kind asked for, which sees x as it is."""
    return lambda kind, weight=0.0: Flow(
        StandardNormal((2,)), Chain([ScaleShift(), Plain(jnp.asarray(weight, jnp.float32), kind)])
    )


@pytest.fixture
def table():
    """A thousand rows of two independent normals: means 3 and -1, deviations 2 and 0.5."""
    return np.random.default_rng(0).normal([3.0, -1.0], [2.0, 0.5], (1000, 2)).astype(np.float32)


@pytest.fixture
def equal():
    """Compare two PyTrees bit by bit."""

    def compare(first, second):
        ours, theirs = (jax.tree.leaves(eqx.filter(tree, eqx.is_array)) for tree in (first, second))
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))

    return compare


@pytest.fixture
def heeded_signals():
    """Ctrl-C as a foreground process knows it: one started in the background ignores it, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
