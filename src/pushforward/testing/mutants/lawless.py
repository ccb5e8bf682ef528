"""Broken laws, each with the check of `check_flow` that must catch it."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ...bijectors.elementwise import Elementwise
from ...bijectors.scalar.affine import Affine
from ...distributions.base import Distribution
from ...distributions.closed_form import ClosedForm
from ...distributions.flow import Flow, Recipe
from ...distributions.normal import StandardNormal
from .wrong import saturated_tanh

Density = Callable[..., Array]
Draw = Callable[..., Array]


class MadeLaw(Distribution):
    """A law made of plain functions of (parameters, event) and (parameters, key); a context comes last.

    Args:
        parameters: a dictionary of arrays.
        density: the log-density.
        draw: one draw.
        told: the log-density that is told with a draw, a function of (parameters, event); `density` if left
            out.
        event_shape: shape of one event.
        context_shape: shape of the context; None for none.
    """

    parameters: dict[str, Array]
    density: Density = eqx.field(static=True)
    draw: Draw = eqx.field(static=True)
    told: Density | None = eqx.field(static=True)
    event_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True)

    def __init__(
        self,
        density: Density,
        draw: Draw,
        *,
        parameters: dict[str, Array] | None = None,
        told: Density | None = None,
        event_shape: tuple[int, ...] = (2,),
        context_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.parameters = {"loc": jnp.array([0.5, -1.0])} if parameters is None else parameters
        self.density, self.draw, self.told = density, draw, told
        self.event_shape, self.context_shape = event_shape, context_shape

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        return self.density(self.parameters, x, *([] if context is None else [context]))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        more = [] if context is None else [context]
        x = self.draw(self.parameters, key, *more)
        return x, (self.told or self.density)(self.parameters, x, *more)


@dataclasses.dataclass(frozen=True)
class LawMutant:
    """A broken law.

    Attributes:
        build: makes it.
        caught_by: the name of the check that must fail.
        x: events to examine it at.
        claims: arguments for `check_flow`.
        what: what is wrong with it.
    """

    build: Callable[[], Distribution]
    caught_by: str
    x: np.ndarray
    claims: Mapping[str, Any]
    what: str


LAW_MUTANTS: dict[str, LawMutant] = {}
"""The broken laws by name."""

_X = np.random.default_rng(0).normal(loc=(0.5, -1.0), size=(16, 2))


def lawless(
    caught_by: str, x: np.ndarray = _X, **claims: Any
) -> Callable[[Callable[[], Distribution]], Callable[[], Distribution]]:
    """Enter the builder of a broken law into `LAW_MUTANTS`."""

    def enter(build: Callable[[], Distribution]) -> Callable[[], Distribution]:
        LAW_MUTANTS[build.__name__] = LawMutant(build, caught_by, x, claims, (build.__doc__ or "").strip())
        return build

    return enter


def normal_density(p: dict[str, Array], x: Array) -> Array:
    """Log-density of independent normals of variance 1 around loc."""
    return -0.5 * jnp.sum(jnp.square(x - p["loc"]) + math.log(2 * math.pi))


def normal_draw(p: dict[str, Array], key: PRNGKeyArray) -> Array:
    """A draw from `normal_density`."""
    return p["loc"] + jr.normal(key, p["loc"].shape, p["loc"].dtype)


def correct_law() -> Distribution:
    """The correct relative of the broken laws: two independent normals."""
    return MadeLaw(normal_density, normal_draw)


@lawless("data_in_support")
def zero_density() -> Distribution:
    """Gives the density 0 to data that it can produce."""
    return MadeLaw(lambda p, x: jnp.where(x[0] > 0, -jnp.inf, normal_density(p, x)), normal_draw)


@lawless("batch_shapes")
def unsummed_density() -> Distribution:
    """The log-density of every element instead of the event's."""
    return MadeLaw(lambda p, x: -0.5 * (jnp.square(x - p["loc"]) + math.log(2 * math.pi)), normal_draw)


@lawless("context_matters", context=np.random.default_rng(1).normal(size=(16, 2)))
def deaf_law() -> Distribution:
    """Takes a context and does nothing with it."""
    return MadeLaw(
        lambda p, x, context: normal_density(p, x),
        lambda p, key, context: normal_draw(p, key),
        context_shape=(2,),
    )


class _Lenient(Distribution):
    """A standard normal that takes whatever broadcasts."""

    event_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: None = eqx.field(static=True, default=None)

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        return -0.5 * jnp.sum(jnp.square(x) + math.log(2 * math.pi), axis=-1)

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        x = jr.normal(key, self.event_shape)
        return x, self._log_prob(x, None)

    def log_prob(self, x: Any, context: Any = None) -> Array:
        """Skip the checks at the door."""
        return self._log_prob(jnp.asarray(x), None)


@lawless("bad_input_raises")
def no_door() -> Distribution:
    """Accepts events of any length, and a superfluous context."""
    return _Lenient()


@lawless("dtype")
def half_in_float32() -> Distribution:
    """Computes in float32 whatever comes."""
    return MadeLaw(lambda p, x: normal_density(p, x).astype(jnp.float32), normal_draw)


@lawless("nan_stays_nan")
def nan_as_impossible() -> Distribution:
    """Turns NaN into -inf, so that every defect looks like impossible data."""
    return MadeLaw(
        lambda p, x: jnp.nan_to_num(normal_density(p, x), nan=-jnp.inf, neginf=-jnp.inf), normal_draw
    )


_BOX = np.random.default_rng(0).uniform(0.1, 0.9, size=(16, 2))


@lawless("outside_support", _BOX, support=(0.0, 1.0))
def endless_uniform() -> Distribution:
    """A uniform law that forgets its ends."""
    return MadeLaw(lambda p, x: 0 * jnp.sum(x), lambda p, key: jr.uniform(key, (2,), dtype=p["loc"].dtype))


@lawless("float32_accuracy", _X + 3000)
def expanded_square() -> Distribution:
    """(x - loc)^2 as x^2 - 2 x loc + loc^2, far from zero: in float32 the terms cancel."""

    def density(p: dict[str, Array], x: Array) -> Array:
        loc = p["loc"] + 3000
        return -0.5 * jnp.sum(jnp.square(x) - 2 * x * loc + jnp.square(loc) + math.log(2 * math.pi))

    return MadeLaw(density, lambda p, key: normal_draw(p, key) + 3000)


def _standard(x: np.ndarray) -> np.ndarray:
    return -0.5 * np.sum(np.square(x - [0.5, -1.0]) + math.log(2 * math.pi), axis=1)


@lawless("reference_law", reference=_standard)
def another_law() -> Distribution:
    """A sound law with the wrong scale: only the reference knows."""

    def density(p: dict[str, Array], x: Array) -> Array:
        return normal_density(p, p["loc"] + (x - p["loc"]) / 1.1) - 2 * math.log(1.1)

    return MadeLaw(density, lambda p, key: p["loc"] + 1.1 * (normal_draw(p, key) - p["loc"]))


@lawless("round_trip", 30 * np.ones((4, 3)))
def not_invertible() -> Distribution:
    """A flow whose bijector saturates; the data are where it did."""
    return Flow(base=StandardNormal((3,)), bijector=saturated_tanh())


@lawless("sample_matches_log_prob")
def added_log_det() -> Distribution:
    """Adds the log-det where it must be subtracted, when it tells a draw's density."""

    def density(p: dict[str, Array], x: Array) -> Array:
        return normal_density(p, p["loc"] + (x - p["loc"]) / 2) - 2 * math.log(2.0)

    def told(p: dict[str, Array], x: Array) -> Array:
        return density(p, x) + 4 * math.log(2.0)

    return MadeLaw(density, lambda p, key: p["loc"] + 2 * (normal_draw(p, key) - p["loc"]), told=told)


@lawless("normalised")
def constant_forgotten() -> Distribution:
    """The density lacks the factor 1 / sqrt(2 pi)."""
    return MadeLaw(lambda p, x: normal_density(p, x) + 0.5 * math.log(2 * math.pi), normal_draw)


@lawless("normalised", np.random.default_rng(0).normal(size=(16, 4)))
def constant_forgotten_in_four() -> Distribution:
    """The same in four dimensions, where there is no quadrature."""
    return MadeLaw(
        lambda p, x: normal_density(p, x) + 0.5 * math.log(2 * math.pi),
        normal_draw,
        parameters={"loc": jnp.zeros(4)},
        event_shape=(4,),
    )


@lawless("samples_follow_log_prob")
def cooled_sampler() -> Distribution:
    """Draws with nine tenths of the standard deviation."""
    return MadeLaw(normal_density, lambda p, key: p["loc"] + 0.9 * (normal_draw(p, key) - p["loc"]))


@lawless("samples_follow_log_prob")
def dependent_draws() -> Distribution:
    """Every coordinate has the right law, but both come from overlapping noise."""

    def draw(p: dict[str, Array], key: PRNGKeyArray) -> Array:
        a, b = jr.normal(key, (2,), p["loc"].dtype)
        return p["loc"] + jnp.array([a, 0.5 * a + math.sqrt(0.75) * b])

    return MadeLaw(normal_density, draw)


class _WrongMoments(ClosedForm):
    """A standard normal that is wrong about its variance."""

    event_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))

    def _log_prob(self, x: Array, context: Array | None) -> Array:
        return -0.5 * jnp.sum(jnp.square(x) + math.log(2 * math.pi))

    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        x = jr.normal(key, self.event_shape)
        return x, self._log_prob(x, None)

    def mean(self) -> Array:
        """Right."""
        return jnp.zeros(2)

    def variance(self) -> Array:
        """Wrong by 10 %."""
        return jnp.full(2, 1.1)


@lawless("moments")
def wrong_variance() -> Distribution:
    """Tells a variance that its density does not have."""
    return _WrongMoments()


@lawless("key_respected")
def key_ignored() -> Distribution:
    """Draws with a key of its own."""
    return MadeLaw(normal_density, lambda p, key: normal_draw(p, jr.key(0)))


@lawless("gradients_finite")
def root_of_zero() -> Distribution:
    """The derivative of sqrt(|x - loc|^4) at loc, behind a `where`, is NaN; all values are right."""

    def density(p: dict[str, Array], x: Array) -> Array:
        gap = jnp.where(x == 0, x, x - p["loc"])
        square = jnp.where(x == 0, jnp.square(p["loc"]), jnp.sqrt(jnp.square(jnp.square(gap))))
        return -0.5 * jnp.sum(square + math.log(2 * math.pi))

    return MadeLaw(density, normal_draw)


@lawless("step_lowers_loss")
def uphill() -> Distribution:
    """The gradient of every parameter has the wrong sign."""

    def turned(p: dict[str, Array]) -> dict[str, Array]:
        return {"loc": 2 * jax.lax.stop_gradient(p["loc"]) - p["loc"]}

    return MadeLaw(lambda p, x: normal_density(turned(p), x), normal_draw)


@lawless("save_and_load")
def false_recipe() -> Distribution:
    """Says that it was built by a recipe that builds another flow."""
    recipe = Recipe("realnvp", json.dumps({"features": 2, "layers": 2, "hidden": [4]}))
    return Flow(base=StandardNormal((2,)), bijector=Elementwise(Affine(), (2,)), recipe=recipe)
