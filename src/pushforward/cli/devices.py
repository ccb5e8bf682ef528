"""The devices that share the rows of each batch: the cores of a machine that has no other."""

import os

from ..errors import ConfigError

_NAME = "JAX_NUM_CPU_DEVICES"


def offer_cores() -> None:
    """Have JAX show every core of the processor as a device of its own, unless the user has said how many.

    To be called before JAX is imported. A step that cores share as devices is faster than one that XLA divides
    among the threads of one device.
    """
    if _NAME not in os.environ and "xla_force_host_platform_device_count" not in os.environ.get(
        "XLA_FLAGS", ""
    ):
        os.environ[_NAME] = str(_cores())


def chosen_devices(text: str) -> int | str:
    """Return what `fit` takes as devices for what the user wrote.

    Raises:
        ConfigError: if it is neither a whole number nor all nor auto.
    """
    if text in ("all", "auto"):
        return text
    if not text.isdecimal():
        raise ConfigError(f"--devices: expected a whole number, all or auto, got {text!r}.")
    return int(text)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
