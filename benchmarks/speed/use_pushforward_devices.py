"""Pushforward's `fit` on as many CPU devices as there are threads: each takes the gradient of its share of a batch.

A user asks for them by the same two lines: `jax.config.update("jax_num_cpu_devices", 2)` before JAX is used, and
`devices="all"`. The cores are those of all libraries.
"""

import os

import jax

jax.config.update("jax_num_cpu_devices", int(os.environ["NPROC"]))

from use_pushforward import whole_fits  # noqa: E402


def build(workload, rows, compiled):
    return {"training step": whole_fits(workload, rows, devices="all")}
