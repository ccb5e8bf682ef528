"""The settings of the optimiser, as plain data, and what the compiled step makes of them."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from ..errors import ConfigError

Schedule = Literal["cosine", "constant"]


@dataclass(frozen=True)
class Optimizer:
    """Settings of AdamW with clipping, a schedule, and an average of the parameters.

    The schedule is a function of progress, which goes from 0 to 1 over the run: over its steps, or over its
    seconds where `max_seconds` is nearer. So the rate is annealed when the run ends, however it ends.

    Args:
        learning_rate: the rate at its highest.
        weight_decay: decay of every trainable parameter, decoupled from the gradient; times the learning
            rate.
        clip: the largest global norm of a gradient; longer ones are scaled down to it. None does not clip.
        warmup: the part of the run over which the rate rises linearly from zero.
        schedule: "cosine" falls from the highest rate to zero along half a cosine after the warm-up;
            "constant" stays.
        ema: decay of the exponential moving average of the parameters, which is what is validated and
            returned; None validates and returns the parameters themselves. Early on the decay is smaller, (1
            + step) / (10 + step), so that the average never remembers more than about a ninth of the steps so
            far.
        betas: Adam's decay rates of the first and the second moment.

    Raises:
        ConfigError: if a value is out of its range.

    Reference: Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, arXiv:1711.05101, algorithm
        2; the schedule: Loshchilov and Hutter 2017, SGDR, arXiv:1608.03983, eq. 5, without restarts.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float | None = 5.0
    warmup: float = 0.02
    schedule: Schedule = "cosine"
    ema: float | None = 0.999
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        # A list would make the settings unhashable, and they are a static argument of compiled functions.
        object.__setattr__(self, "betas", tuple(self.betas))
        checks = {
            "learning_rate": (0 < self.learning_rate < float("inf"), "a positive number"),
            "weight_decay": (0 <= self.weight_decay < float("inf"), "a number of at least 0"),
            "clip": (self.clip is None or self.clip > 0, "a positive number or None"),
            "warmup": (0 <= self.warmup < 1, "a number in [0, 1)"),
            "schedule": (self.schedule in get_args(Schedule), f"one of {', '.join(get_args(Schedule))}"),
            "ema": (self.ema is None or 0 <= self.ema < 1, "a number in [0, 1) or None"),
            "betas": (len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas), "two numbers in [0, 1)"),
        }
        for name, (fine, expected) in checks.items():
            if not fine:
                raise ConfigError(
                    f"Optimizer: expected {name} to be {expected}, got {getattr(self, name)!r}."
                )


AnyOptimizer = Optimizer | optax.GradientTransformation
"""Our settings, or any transformation of Optax, which then brings its own learning rate and no average."""


def transformation(optimizer: AnyOptimizer) -> optax.GradientTransformationExtraArgs:
    """Return the Optax transformation. That of an `Optimizer` leaves the rate out: see `rate`."""
    if not isinstance(optimizer, Optimizer):
        return optax.with_extra_args_support(optimizer)
    parts = [
        optax.identity() if optimizer.clip is None else _clipped(optimizer.clip),
        optax.scale_by_adam(*optimizer.betas),
        optax.add_decayed_weights(optimizer.weight_decay) if optimizer.weight_decay else optax.identity(),
        optax.scale(-1.0),
    ]
    # Array by array, not by `optax.flatten` on one long vector: with it a step of 17 million parameters took 1.4 times
    # as long on two cores, and smaller flows were no faster.
    return optax.with_extra_args_support(optax.chain(*parts))


def _clipped(longest: float) -> optax.GradientTransformation:
    """Return what `optax.clip_by_global_norm` does, by one factor for all numbers.

    XLA multiplies by it where they are read; what Optax selects and divides is written down and read again, a fifth of
    the time of a whole update.
    """

    def update(updates: Any, state: optax.OptState, params: Any = None) -> tuple[Any, optax.OptState]:
        del params
        factor = jnp.minimum(1, longest / optax.tree.norm(updates))
        return jax.tree.map(lambda leaf: leaf * factor.astype(leaf.dtype), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def rate(optimizer: AnyOptimizer, progress: Array) -> Array:
    """Return what the updates are multiplied with at a progress in [0, 1]: the learning rate, or 1."""
    if not isinstance(optimizer, Optimizer):
        return jnp.ones_like(progress)
    progress = jnp.clip(progress, 0, 1)
    if optimizer.schedule == "cosine":
        after = jnp.clip((progress - optimizer.warmup) / (1 - optimizer.warmup), 0, 1)
        height = 0.5 * (1 + jnp.cos(jnp.pi * after))
    else:
        height = jnp.ones_like(progress)
    if optimizer.warmup > 0:
        height = jnp.where(progress < optimizer.warmup, progress / optimizer.warmup, height)
    return optimizer.learning_rate * height


def average_decay(optimizer: AnyOptimizer, step: Array) -> Array | None:
    """Return the decay of the moving average at a step counted from 0, or None if there is no average."""
    if not isinstance(optimizer, Optimizer) or optimizer.ema is None:
        return None
    return jnp.minimum(optimizer.ema, (1 + step) / (10 + step))
