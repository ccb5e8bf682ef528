"""Mutants that break at the edges, in their derivatives, or in the contract of shapes, context and cost."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...bijectors.base import Bijector
from .made import Made, Pair, back, made_affine, mutant, onward, parameters, relative

# Edges.


def _kinked(p: dict[str, Any], x: Array, tail: Array) -> Pair:
    u = x + p["shift"]
    beyond = u > 1
    y = jnp.where(beyond, 1 + jnp.log(tail), u)
    return y, jnp.sum(jnp.where(beyond, -jnp.log(tail), 0.0))


def _unkinked(p: dict[str, Any], y: Array) -> Pair:
    beyond = y > 1
    safe = jnp.where(beyond, y, 1.0)
    return jnp.where(beyond, jnp.exp(safe - 1), y) - p["shift"], jnp.sum(jnp.where(beyond, safe - 1, 0.0))


_TAIL = {"increasing": True, "extremes": (0.0, 1e-30, -1.0, 1.0, 10.0, 50.0, -1e4), "perturbation": 0.0}


@mutant("edge_gradients_finite", **_TAIL)
def nan_behind_a_where() -> Made:
    """Y = x up to 1 and 1 + log(x) beyond: at x = 0 the branch not taken makes the gradient 0 * inf = NaN."""
    return Made({"shift": jnp.zeros(3)}, lambda p, x: _kinked(p, x, x + p["shift"]), _unkinked)


@relative(points=np.linspace(-40, 40, 48).reshape(16, 3), **_TAIL)
def safe_where() -> Made:
    """The same map with the logarithm of a clipped argument."""
    return Made(
        {"shift": jnp.zeros(3)}, lambda p, x: _kinked(p, x, jnp.maximum(x + p["shift"], 1.0)), _unkinked
    )


@mutant("edges_finite")
def naive_softplus() -> Made:
    """A scale of log(1 + exp(x)) in part a for part b: it overflows where it should be x."""

    def log_scale(x: Array) -> Array:
        return 1e-4 * jnp.log1p(jnp.exp(x[:1]))

    def forward(p: dict[str, Any], x: Array) -> Pair:
        return jnp.concatenate([x[:1], x[1:] * jnp.exp(log_scale(x))]), 2 * log_scale(x)[0]

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return jnp.concatenate([y[:1], y[1:] * jnp.exp(-log_scale(y))]), -2 * log_scale(y)[0]

    return Made({}, forward, inverse)


@mutant("float32_accuracy")
def cancelling_arcsinh() -> Made:
    """Y = log(x + sqrt(x^2 + 1)): for negative x two numbers cancel, and float32 keeps no digit."""

    def forward(p: dict[str, Any], x: Array) -> Pair:
        root = jnp.sqrt(jnp.square(x) + 1)
        return jnp.log(x + root), -jnp.sum(jnp.log(root))

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        return jnp.sinh(y), jnp.sum(jnp.log(jnp.cosh(y)))

    return Made({}, forward, inverse)


@mutant("domain", codomain=(0.0, np.inf))
def unmasked_logarithm() -> Made:
    """The inverse of exp returns NaN for a negative number, instead of log_det = -inf."""
    return Made({}, lambda p, x: (jnp.exp(x), jnp.sum(x)), lambda p, y: (jnp.log(y), -jnp.sum(jnp.log(y))))


@mutant("nan_stays_nan")
def nan_relabelled() -> Made:
    """NaN becomes a number, so that a defect looks like data."""
    return made_affine(lambda p, x: onward(p, jnp.nan_to_num(x)))


# Derivatives.


@mutant("parameters_used")
def detached_gradient() -> Made:
    """stop_gradient cuts a parameter off."""

    def cut(p: dict[str, Any]) -> dict[str, Any]:
        return {**p, "log_scale": jax.lax.stop_gradient(p["log_scale"])}

    return made_affine(lambda p, x: onward(cut(p), x), lambda p, y: back(cut(p), y))


@mutant("gradcheck")
def detached_shift() -> Made:
    """The gradient reaches the shift, but is half of what it should be."""

    def half(p: dict[str, Any]) -> dict[str, Any]:
        return {**p, "shift": (p["shift"] + jax.lax.stop_gradient(p["shift"])) / 2}

    return made_affine(lambda p, x: onward(half(p), x), lambda p, y: back(half(p), y))


@mutant("gradcheck")
def wrong_custom_rule() -> Made:
    """A custom derivative rule of the log-det leaves out the factor 2."""

    @jax.custom_jvp
    def square(x: Array) -> Array:
        return jnp.square(x)

    @square.defjvp
    def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        return square(primals[0]), primals[0] * tangents[0]

    def forward(p: dict[str, Any], x: Array) -> Pair:
        y, log_det = onward(p, x)
        return y, log_det + jnp.sum(square(p["log_scale"]))

    return made_affine(forward)


# The contract.


@mutant("dtype")
def float32_constant() -> Made:
    """A constant of dtype float32 in the way of float64."""
    return made_affine(lambda p, x: onward(p, x * np.float32(1.0)))


@mutant("dtype")
def default_float() -> Made:
    """The log-det starts as `jnp.zeros(())`, which with x64 is float64 whatever the event."""
    return made_affine(lambda p, x: (onward(p, x)[0], jnp.zeros(()) + jnp.sum(p["log_scale"])))


@mutant("row_independent_of_batch")
def batch_leak() -> Made:
    """A mean over the batch's axis, as batch normalisation takes it, enters every row."""

    def forward(p: dict[str, Any], x: Array) -> Pair:
        try:
            mean = jax.lax.pmean(x, "batch")
        except NameError:  # so JAX says that there is no such axis
            mean = x
        y, log_det = onward(p, x)
        return y + 0.1 * mean, log_det

    return made_affine(forward)


@mutant("batch_shapes")
def needs_a_batch() -> Made:
    """The map works only inside a vmap whose axis has a certain name."""
    return made_affine(lambda p, x: onward(p, x - 0 * jax.lax.pmean(x, "batch")))


def _shifted(p: dict[str, Any], x: Array, context: Array) -> Pair:
    y, log_det = onward(p, x)
    return y + p["weight"] @ context, log_det


def _unshifted(p: dict[str, Any], y: Array, context: Array) -> Pair:
    return back(p, y - p["weight"] @ context)


def _conditional(forward: Any, inverse: Any) -> Made:
    weight = {"weight": jnp.array([[0.5, -1.0], [0.3, 0.2], [0.0, 0.8]])}
    return Made({**parameters(), **weight}, forward, inverse, context_shape=(2,))


@relative(structure="diagonal", increasing=True)
def conditional_affine() -> Made:
    """An affine map whose shift is linear in the context."""
    return _conditional(_shifted, _unshifted)


@mutant("context_matters")
def context_dropped() -> Made:
    """Takes a context and does nothing with it."""
    return _conditional(lambda p, x, context: onward(p, x), lambda p, y, context: back(p, y))


class _Lenient(Bijector):
    """Doubles its input; its methods came without the checks at the door."""

    in_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(3,))
    context_shape: tuple[int, ...] | None = eqx.field(static=True, default=None)
    cheap: Any = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x: Array, context: Array | None = None, *, key: Any = None) -> Pair:
        """Double."""
        return 2 * x, x.size * jnp.log(jnp.full_like(x, 2.0, shape=()))

    def inverse_and_log_det(self, y: Array, context: Array | None = None, *, key: Any = None) -> Pair:
        """Halve."""
        return y / 2, -y.size * jnp.log(jnp.full_like(y, 2.0, shape=()))


for _name in ("forward_and_log_det", "inverse_and_log_det"):
    setattr(_Lenient, _name, getattr(_Lenient, _name).__wrapped__)


@mutant("missing_context_raises")
def context_not_refused() -> Bijector:
    """A superfluous context is accepted in silence."""
    return _Lenient()


@mutant("wrong_shape_raises")
def shape_not_refused() -> Bijector:
    """A batch is accepted as one event, and its log-dets are summed up."""
    return _Lenient()


class _Net(eqx.Module):
    """A conditioner of one weight."""

    weight: Array

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        """Scale and squash."""
        return jnp.tanh(self.weight * x)


def _added(p: dict[str, Any], x: Array) -> Pair:
    return jnp.concatenate([x[:1], x[1:] + p["net"](x[:1])]), jnp.zeros_like(x[0])


def _subtracted(p: dict[str, Any], y: Array) -> Pair:
    return jnp.concatenate([y[:1], y[1:] - p["net"](y[:1])]), jnp.zeros_like(y[0])


@relative(structure="lower", extremes=(0.0, 1.0, -1e4))
def one_pass_each() -> Made:
    """An additive coupling that declares both directions cheap, rightly."""
    return Made({}, _added, _subtracted, (2,), net=_Net(jnp.array([0.7])))


@mutant("cheap_side")
def not_cheap() -> Made:
    """Declares both directions cheap, but the inverse iterates its conditioner."""

    def inverse(p: dict[str, Any], y: Array) -> Pair:
        x = y
        for _ in range(2):
            x = jnp.concatenate([y[:1], y[1:] - p["net"](x[:1])])
        return x, jnp.zeros_like(y[0])

    return Made({}, _added, inverse, (2,), net=_Net(jnp.array([0.7])))


@mutant("cheap_side")
def wrong_side_declared() -> Made:
    """Declares only the inverse cheap, though both directions cost one pass."""
    return Made({}, _added, _subtracted, (2,), cheap="inverse", net=_Net(jnp.array([0.7])))
