"""What compilers are told, and when."""

import functools
import gc
import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.errors import NotConverged
from pushforward.numerics import programs
from pushforward.numerics.convergence import unless_failed
from pushforward.numerics.programs import (
    Compiled,
    computed_once,
    known_options,
    make_room,
    partition,
    program,
)


def test_an_option_that_xla_does_not_know_is_left_out():
    assert known_options(xla_backend_optimization_level=0, xla_never_heard_of=1) == {
        "xla_backend_optimization_level": 0
    }


@pytest.mark.parametrize(
    ("maps", "kept"),
    [((49, 100.0), 1), ((51, 100.0), 0), ((10**6, float("inf")), 1)],
    ids=["few", "many", "untold"],
)
def test_programs_are_forgotten_before_they_fill_the_memory_maps(maps, kept, monkeypatch):
    double = jax.jit(lambda x: 2 * x)
    double(1.0)
    monkeypatch.setattr(programs, "_memory_maps", lambda: maps)
    monkeypatch.setattr(programs, "_others", 0)
    make_room()
    assert double._cache_size() == kept


def test_programs_are_not_forgotten_for_the_maps_of_others(monkeypatch):
    double = jax.jit(lambda x: 2 * x)
    monkeypatch.setattr(programs, "_others", 0)
    for used, kept in ((60, 0), (79, 1), (81, 0)):  # 60 of 100 are somebody else's
        double(1.0)
        found = iter([(used, 100.0), (60, 100.0)])
        monkeypatch.setattr(programs, "_memory_maps", lambda: next(found))  # noqa: B023
        make_room()
        assert double._cache_size() == kept


def test_programs_take_memory_maps_and_give_them_back():
    if not Path("/proc/self/maps").exists():
        pytest.skip("Only Linux tells the memory maps of a process.")
    jax.clear_caches()
    gc.collect()
    before, allowed = programs._memory_maps()
    function = jax.jit(lambda x: jnp.sin(jnp.cos(x @ x.T) @ x))
    for rows in range(40, 80):
        function(np.ones((rows, 50)))
    full, _ = programs._memory_maps()
    assert full >= before + 40
    assert 1000 <= allowed < float("inf")
    jax.clear_caches()
    gc.collect()
    assert programs._memory_maps()[0] < full - 30


@pytest.mark.parametrize(("backend", "told"), [("cpu", [None]), ("gpu", [None, False]), ("tpu", [None])])
def test_only_gpus_do_without_triton_and_only_for_whole_programs(backend, told, monkeypatch):
    used, jit = [], jax.jit

    def watched(function, compiler_options=None, **options):
        done = jit(function, **options)

        @functools.wraps(function)
        def call(*args):
            used.append(None if compiler_options is None else compiler_options["xla_gpu_enable_triton_gemm"])
            return done(*args)

        return call

    def doubled(x, power):
        return 2 * x**power

    assert known_options(xla_gpu_enable_triton_gemm=False)
    monkeypatch.setattr(jax, "jit", watched)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    ours = Compiled(doubled, static_argnums=1)
    np.testing.assert_array_equal(jit(lambda x: ours(x, 2) + 1)(np.arange(3.0)), [1, 3, 9])
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
@pytest.mark.parametrize("made", [Compiled, program])
def test_programs_within_transformations(transform, made, monkeypatch):
    """JAX refuses a program within another one whose compiler was to be told something."""
    ours = made(jnp.sin)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    np.testing.assert_allclose(transform(ours)(1.0), transform(jnp.sin)(1.0), rtol=1e-6)


class Law(eqx.Module):
    """Some arrays, and what is none."""

    scale: jax.Array
    name: str
    power: int = eqx.field(static=True)
    rest: None = None


def test_a_partition_is_whole_again_when_filled():
    law = Law(jnp.arange(3.0), "law", 2)
    arrays, still = partition((law, {"n": 5, "x": np.float32(1)}))
    assert [array.shape for array in arrays] == [(3,), ()]
    assert eqx.tree_equal(still.filled(arrays), (law, {"n": 5, "x": np.float32(1)}))
    same = partition((Law(jnp.ones(3), "law", 2), {"n": 5, "x": np.float32(7)}))[1]
    assert same == still
    assert hash(same) == hash(still)
    assert partition((Law(jnp.ones(3), "other", 2), {"n": 5, "x": np.float32(1)}))[1] != still
    assert partition((Law(jnp.ones(3), "law", 3), {"n": 5, "x": np.float32(1)}))[1] != still


def test_a_program_is_compiled_once_for_what_is_no_array():
    traced = []

    @program
    def scaled(law, x, *, shift):
        traced.append(law.name)
        return Law(law.scale * x**law.power + shift, None, law.power)

    for name, shift, power in (("a", 1, 2), ("a", 1, 2), ("b", 1, 2), ("a", 2, 2), ("a", 1, 3), ("a", 1, 2)):
        out = scaled(Law(jnp.full(2, 3.0), name, power), np.arange(2.0), shift=shift)
        np.testing.assert_array_equal(out.scale, 3 * np.arange(2.0) ** power + shift)
        assert out.power == power
    assert traced == ["a", "b", "a", "a"]


def test_a_failure_in_a_program_has_its_name():
    rooted = program(lambda x: unless_failed(jnp.sqrt(x), x < 0, "rooted: expected at least 0."))
    np.testing.assert_array_equal(rooted(np.float32(4)), 2)
    with pytest.raises(NotConverged, match=r"^rooted: expected at least 0.$"):
        rooted(np.float32(-4))


def test_what_is_computed_once_stays_bit_for_bit():
    x = np.array([0.0, -0.0, 2e-38, -3.0, 3.4e38, np.inf, -np.inf, np.nan], np.float32)
    for function in (computed_once, jax.jit(computed_once), jax.vmap(computed_once)):
        np.testing.assert_array_equal(np.asarray(function(x)).view(np.uint32), x.view(np.uint32))
    assert computed_once(jnp.ones(2, jnp.float16)).dtype == jnp.float16
    slope = jax.grad(lambda x: jnp.sum(computed_once(x) ** 2))(x[:4])
    np.testing.assert_array_equal(slope, 2 * x[:4])
    np.testing.assert_array_equal(jax.jvp(computed_once, (x[3:5],), (x[3:5],))[1], x[3:5])


def test_what_is_computed_once_is_not_copied_into_later_kernels():
    """Without it 12 of these layers have 78 multiplications and 4 have 10: XLA for CPUs repeats the earlier ones."""

    def layers(x, first, second):
        for v, w in zip(first, second, strict=True):
            scale, shift = jnp.split(w @ jax.nn.relu(v @ x), 2)
            x = computed_once(scale * x + shift)[::-1]
        return x

    def products(count):
        shapes = [jax.ShapeDtypeStruct(shape, float) for shape in ((8, 64), (count, 8, 8), (count, 16, 8))]
        return len(re.findall(r" multiply\(", jax.jit(layers).lower(*shapes).compile().as_text()))

    assert products(12) <= 3 * products(4)
