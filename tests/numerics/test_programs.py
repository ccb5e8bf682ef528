"""What compilers are told, and when."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.numerics.programs import known_options, program


def test_an_option_that_xla_does_not_know_is_left_out():
    assert known_options(xla_backend_optimization_level=0, xla_never_heard_of=1) == {
        "xla_backend_optimization_level": 0
    }


@pytest.mark.parametrize(("backend", "told"), [("cpu", [None]), ("gpu", [None, False]), ("tpu", [None])])
def test_only_gpus_do_without_triton_and_only_for_whole_programs(backend, told, monkeypatch):
    used = []

    def watched(function, compiler_options=None, **options):
        compiled = jax.jit(function, **options)

        @functools.wraps(function)
        def call(*args):
            used.append(None if compiler_options is None else compiler_options["xla_gpu_enable_triton_gemm"])
            return compiled(*args)

        return call

    def doubled(x, power):
        return 2 * x**power

    ours = program(doubled, jit=watched, static_argnums=1)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    np.testing.assert_array_equal(jax.jit(lambda x: ours(x, 2) + 1)(np.arange(3.0)), [1, 3, 9])
    np.testing.assert_array_equal(ours(np.arange(3.0), 2), [0, 2, 8])
    assert used == [None, told[-1]]


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: f,
        jax.jit,
        jax.grad,
        lambda f: jax.jit(jax.grad(f)),
        lambda f: jax.grad(jax.jit(f)),
        lambda f: lambda x: jax.vmap(f)(jnp.full(2, x)),
        lambda f: lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, length=1)[0],
    ],
    ids=["none", "jit", "grad", "jit of grad", "grad of jit", "vmap", "scan"],
)
@pytest.mark.parametrize("jit", [jax.jit, eqx.filter_jit])
def test_programs_within_transformations(transform, jit, monkeypatch):
    """JAX refuses a program within another one whose compiler was to be told something."""
    ours = program(jnp.sin, jit=jit)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    np.testing.assert_allclose(transform(ours)(1.0), transform(jnp.sin)(1.0), rtol=1e-6)
