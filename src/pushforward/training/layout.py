"""Several devices that share the rows of each batch: where arrays lie, and what processes must agree on."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

from ..errors import ConfigError
from .clock import Clock

_AXIS = "batch"

Devices = int | str | Sequence[Any] | None
"""What `fit` takes as devices: so many, "all", "auto", JAX devices, or None."""

_MOST_CORES = 4
"""Cores that "auto" takes: a batch of the default size leaves each of more too few rows."""


class Layout:
    """Devices that hold the same parameters and share each batch.

    What a batch is as a whole (statistics of `BatchNorm`, keys of dropout) does not depend on the number of devices;
    see `gradient.loss_and_gradient`.

    Args:
        devices: of one process or several; every process passes the same ones in the same order.

    Attributes:
        is_first: whether this process is the one that writes and shows.
    """

    def __init__(self, devices: Sequence[Any]) -> None:
        self._mesh = Mesh(np.array(devices), (_AXIS,))
        self._count = len(devices)
        self.processes = len({device.process_index for device in devices})
        self.is_first = jax.process_index() == devices[0].process_index

    def __hash__(self) -> int:
        return hash(self._mesh)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and other._mesh == self._mesh

    def padded(self, rows: int) -> int:
        """Return the least number of rows, at least as many, that the devices can share alike."""
        return -(-rows // self._count) * self._count

    def replicated(self, tree: PyTree) -> PyTree:
        """Return a tree with all its arrays on every device."""
        return jax.tree.map(lambda leaf: self._place(leaf, None) if eqx.is_array(leaf) else leaf, tree)

    def local(self, tree: PyTree) -> PyTree:
        """Return a replicated tree as arrays of this process alone, on its default device."""
        return jax.tree.map(lambda leaf: _local(leaf) if eqx.is_array(leaf) else leaf, tree)

    def dealt(self, tree: PyTree) -> PyTree:
        """Return a tree of arrays (groups, rows, ...) with the rows divided; their number is a `padded` one."""
        return jax.tree.map(lambda leaf: self._place(leaf, 1), tree)

    @property
    def is_shared(self) -> bool:
        """Whether there are several devices."""
        return self._count > 1

    def shared(self, function: Callable[[Any, Any], PyTree]) -> Callable[[PyTree, PyTree], PyTree]:
        """Return a function of arrays that are the same on every device, and of others whose first axis is divided.

        Inside of it a device sees its own part of the latter; the results must be the same on every device.
        """
        specs = PartitionSpec(), PartitionSpec(_AXIS)
        # Unchecked: checked, gradients would be summed where they arise, in every layer, and not once at the end.
        return jax.shard_map(
            function, mesh=self._mesh, in_specs=specs, out_specs=PartitionSpec(), check_vma=False
        )

    def summed(self, value: Array) -> Array:
        """Return the sum over the devices, inside a function that is `shared`."""
        return jax.lax.psum(value, _AXIS)

    def kept(self, tree: PyTree) -> PyTree:
        """Return a tree whose arrays are to be the same on every device, inside a compiled function."""
        sharding = NamedSharding(self._mesh, PartitionSpec())
        return jax.tree.map(
            lambda leaf: jax.lax.with_sharding_constraint(leaf, sharding) if eqx.is_array(leaf) else leaf,
            tree,
        )

    def clock(self, clock: Clock) -> "Clock | SharedClock":
        """Return a clock on which all processes agree."""
        return clock if self.processes == 1 else SharedClock(clock, self)

    def agreed(self, value: float) -> float:
        """Return the first process's value, bit for bit, so that all do the same; every process must call it."""
        if self.processes == 1:
            return value
        # As words: without x64 a double would lose digits.
        mine = np.broadcast_to(np.array([value], np.float64).view(np.uint32), (self._count, 2))
        rows = jax.make_array_from_callback(
            mine.shape, NamedSharding(self._mesh, PartitionSpec(_AXIS)), lambda index: mine[index]
        )
        first = jax.jit(_first, out_shardings=NamedSharding(self._mesh, PartitionSpec()))(rows)
        return float(np.asarray(first).view(np.float64)[0])

    def _place(self, leaf: Any, axis: int | None) -> Array:
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jr.wrap_key_data(self._place(jr.key_data(leaf), axis), impl=jr.key_impl(leaf))
        host = np.asarray(leaf)
        spec = PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, _AXIS)
        return jax.make_array_from_callback(
            host.shape, NamedSharding(self._mesh, spec), lambda index: host[index]
        )


def _local(leaf: Array) -> Array:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jr.wrap_key_data(_local(jr.key_data(leaf)), impl=jr.key_impl(leaf))
    return jnp.asarray(np.asarray(leaf))


def _first(rows: Array) -> Array:
    return rows[0]


def make_layout(devices: Devices, *, pays: bool = True) -> Layout | None:
    """Return the layout for the `devices` of `fit`, or None for one device and nothing to agree on.

    Args:
        devices: None; "all" of all processes; the first so many of them; "auto"; or devices.
        pays: whether several cores would be faster than one device with several threads; "auto" asks for it.

    Raises:
        ConfigError: if there are not so many, one comes twice, or this process has none of them.
    """
    if devices is None:
        return None
    found = list(jax.devices())
    if isinstance(devices, str):
        if devices not in ("all", "auto"):
            raise ConfigError(
                f"fit: expected devices to be a number, 'all', 'auto' or JAX devices, got {devices!r}."
            )
        chosen = found
        if devices == "auto":
            if not pays or len(found) == 1 or jax.default_backend() != "cpu" or jax.process_count() > 1:
                return None
            chosen = found[:_MOST_CORES]
    elif isinstance(devices, int):
        if isinstance(devices, bool) or not 1 <= devices <= len(found):
            raise ConfigError(
                f"fit: expected 1 to {len(found)} devices, as many as there are, got {devices}."
            )
        chosen = found[:devices]
    else:
        chosen = list(devices)
        if (
            not chosen
            or len(set(chosen)) < len(chosen)
            or not all(isinstance(one, jax.Device) for one in chosen)
        ):
            raise ConfigError(f"fit: expected devices to be JAX devices, each once, got {chosen}.")
    if all(device.process_index != jax.process_index() for device in chosen):
        raise ConfigError(
            f"fit: expected a device of process {jax.process_index()} among the devices, got none."
        )
    return Layout(chosen)


class SharedClock:
    """A clock whose answers are those of the first process, so that all processes take the same steps.

    Args:
        clock: this process's own.
        layout: the devices, of several processes.
    """

    def __init__(self, clock: Clock, layout: Layout) -> None:
        self._clock, self._layout = clock, layout
        self.limited = clock.limited
        self.credit, self.elapsed = clock.credit, clock.elapsed
        self.saw_steps, self.saw_check, self.seconds_left = (
            clock.saw_steps,
            clock.saw_check,
            clock.seconds_left,
        )

    def is_over(self) -> bool:
        """Whether the time is over; see `Clock`."""
        return self.limited and bool(self._layout.agreed(self._clock.is_over()))

    def slice_steps(self, most: int) -> int:
        """Return how many steps to take before the host looks again; see `Clock`."""
        return int(self._layout.agreed(self._clock.slice_steps(most)))

    def advance(self, progress: float, steps: int) -> float:
        """Return the progress in time after some steps; see `Clock`."""
        return self._layout.agreed(self._clock.advance(progress, steps)) if self.limited else progress
