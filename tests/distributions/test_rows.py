import os
import subprocess
import sys
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.distributions import rows
from pushforward.distributions.rows import (
    _CPU_BLOCK,
    _OTHER_BLOCK,
    ROWS_PER_CALL,
    _block_rows,
    _call_rows,
    map_rows,
)
from pushforward.errors import NotConverged
from pushforward.numerics.convergence import unless_failed


def shifted(row, shift):
    return row + shift


def rooted(row):
    return unless_failed(jnp.sqrt(row), row < 0, "rooted: expected numbers of at least 0.")


@pytest.fixture
def seen(monkeypatch):
    """The threads that call a compiled map, on a machine of three cores."""
    threads, compiled = [], rows._map_compiled

    def watched(*args):
        threads.append(threading.current_thread())
        return compiled(*args)

    monkeypatch.setattr(rows, "_map_compiled", watched)
    monkeypatch.setattr(rows, "_cores", lambda: 3)
    return threads


def numbers(count, dtype=np.float32):
    return np.arange(count, dtype=dtype)


# Calls


@pytest.mark.parametrize("cores", [1, 2, 7, 64])
@pytest.mark.parametrize("block", [64, 1024])
def test_any_number_of_rows_meets_few_programs_and_little_padding(cores, block):
    sizes = set()
    for count in range(1, 3 * ROWS_PER_CALL, 7):
        size = _call_rows(count, block, cores)
        calls = -(-count // size)
        assert size <= ROWS_PER_CALL
        assert calls == 1 or calls <= cores * -(-count // (ROWS_PER_CALL // 2))
        assert calls == 1 or size > block // 2
        assert count <= calls * size <= max(2 * count, count + calls * 2048)
        sizes.add(size)
    assert len(sizes) <= 26


def test_calls_of_a_benchmark():
    assert [_call_rows(10_000, 1024, cores) for cores in (1, 2, 4, 100)] == [10_240, 5120, 2560, 1536]
    assert [_call_rows(1_000, 256, cores) for cores in (1, 2, 4, 100)] == [1024, 512, 512, 512]
    assert _call_rows(100, 1024, 8) == 128


def test_blocks_fit_the_cache_of_a_core():
    assert [_block_rows(width, *_CPU_BLOCK) for width in (1, 21, 63, 784)] == [512, 512, 256, 64]
    assert [_block_rows(width, *_OTHER_BLOCK) for width in (1, 63, 784)] == [
        ROWS_PER_CALL,
        ROWS_PER_CALL,
        1024,
    ]


def test_functions_and_trees():
    def function(row, factor):
        return {"double": 2 * row, "scaled": (factor * row, jnp.sum(row))}

    for count in (0, 3, 4):
        x = np.arange(2.0 * count, dtype=np.float32).reshape(count, 2)
        out = map_rows(function, (x,), (jnp.float32(10),))
        np.testing.assert_array_equal(out["double"], 2 * x)
        np.testing.assert_array_equal(out["scaled"][0], 10 * x)
        np.testing.assert_array_equal(out["scaled"][1], x.sum(axis=1))


def test_what_is_no_array_tells_programs_apart():
    x = numbers(3)
    np.testing.assert_array_equal(map_rows(lambda row: row + 1, (x,)), x + 1)
    np.testing.assert_array_equal(map_rows(lambda row: row + 2, (x,)), x + 2)
    np.testing.assert_array_equal(map_rows(shifted, (x,), (3,)), x + 3)
    np.testing.assert_array_equal(map_rows(shifted, (x,), (4,)), x + 4)


@pytest.mark.parametrize(("count", "block"), [(1, None), (600, None), (1023, None), (1024, 512), (5000, 512)])
def test_fewer_rows_than_two_blocks_go_at_once_and_more_in_blocks(count, block, monkeypatch):
    blocks, compiled = [], rows._map_compiled

    def watched(*args):
        blocks.append(args[-1])
        return compiled(*args)

    monkeypatch.setattr(rows, "_map_compiled", watched)
    monkeypatch.setattr(rows, "_cores", lambda: 1)
    monkeypatch.setattr(rows, "_block_rows", lambda *sizes: 512)
    np.testing.assert_array_equal(map_rows(shifted, (numbers(count),), (1.0,)), numbers(count) + 1)
    assert set(blocks) == {block}


@pytest.mark.parametrize("count", [16_384, 32_769, 40_000])
def test_no_number_of_rows_makes_the_compiler_add_up_garbage(count):
    """Of a product in 3 dimensions and a sum of squares it makes one kernel, which is wrong from 2^15 rows on."""
    x = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)

    def length(row, matrix):
        return jnp.sum((matrix @ row) ** 2)

    matrix = 2 * jnp.eye(3)
    expected = 4 * np.sum(x**2, axis=1)
    np.testing.assert_allclose(map_rows(length, (x,), (matrix,)), expected, rtol=1e-5)
    within = jax.jit(lambda x: map_rows(length, (x,), (matrix,)))
    np.testing.assert_allclose(within(x), expected, rtol=1e-5)
    slopes = jax.jit(jax.grad(lambda x: jnp.sum(map_rows(length, (x,), (matrix,)))))(x)
    np.testing.assert_allclose(slopes, 8 * x, rtol=1e-5)


def test_random_keys_and_trees_of_many_rows_inside_a_compiled_function():
    keys = jax.random.split(jax.random.key(0), 20_001)
    draw = lambda key: {"x": jax.random.uniform(key), "pair": jax.random.uniform(key, (2,))}  # noqa: E731
    out = jax.jit(lambda keys: map_rows(draw, (keys,)))(keys)
    expected = jax.jit(jax.vmap(draw))(keys)
    np.testing.assert_allclose(out["x"], expected["x"])
    np.testing.assert_allclose(out["pair"], expected["pair"])


# Accelerators


@pytest.fixture
def elsewhere(monkeypatch):
    """What is done where JAX does not compute on the CPU, with the CPU's arrays."""
    monkeypatch.setattr(rows, "on_cpu", lambda: False)
    monkeypatch.setattr(rows, "_joined", None)
    monkeypatch.setattr(rows, "ROWS_PER_CALL", 4096)


@pytest.mark.parametrize("count", [1, 1000, 4096, 4097, 10_000])
def test_arrays_of_an_accelerator_never_leave_it(count, elsewhere, monkeypatch):
    monkeypatch.setattr(rows, "_padded", None)
    x = numbers(count)
    out = map_rows(lambda a, b, shift: {"sum": a + b + shift}, (jnp.asarray(x), jnp.asarray(x)), (3.0,))
    np.testing.assert_array_equal(out["sum"], 2 * x + 3)


@pytest.mark.parametrize("count", [1, 1000, 4096, 4097, 10_000])
def test_arrays_of_the_host_are_cut_there_and_their_results_are_not(count, elsewhere):
    np.testing.assert_array_equal(map_rows(shifted, (numbers(count),), (3.0,)), numbers(count) + 3)


def test_concrete_rows_inside_a_function_compiled_for_an_accelerator(monkeypatch):
    monkeypatch.setattr(rows, "on_cpu", lambda: False)
    x = jnp.asarray(numbers(1000))
    out = jax.jit(lambda shift: map_rows(shifted, (x,), (np.float32(5),)) + shift)(jnp.float32(1))
    np.testing.assert_array_equal(out, x + 6)


# Threads


def test_every_core_has_a_call_of_its_own(seen):
    tracing = []

    def shifted(row, shift):
        tracing.append(threading.current_thread())
        return row + shift

    x = numbers(5 * 1024 + 1)
    np.testing.assert_array_equal(map_rows(shifted, (x,), (np.float32(1),)), x + 1)
    # The caller compiles, with the first of three calls; the others have the other two. None of them asked before:
    # JAX starts a program slowly for ever if its first call raised.
    caller = threading.current_thread()
    assert [thread is caller for thread in seen] == [True, False, False]
    assert set(tracing) == {caller}
    seen.clear()
    tracing.clear()
    np.testing.assert_array_equal(map_rows(shifted, (x,), (np.float32(2),)), x + 2)
    assert len(seen) == 3
    assert caller not in seen
    assert not tracing
    seen.clear()
    np.testing.assert_array_equal(map_rows(shifted, (x[:1000],), (np.float32(2),)), x[:1000] + 2)
    assert seen == [caller]


ONE = np.float32(1)


@pytest.mark.parametrize(
    ("x", "shift", "before"),
    [
        (numbers(4 * 1024), ONE, ONE),
        ((numbers(5 * 1024) % 1000).astype(np.float16), ONE, ONE),
        (np.stack([numbers(5 * 1024)] * 2, axis=1), ONE, ONE),
        (numbers(5 * 1024), np.ones(1, np.float32), ONE),
        (numbers(5 * 1024), np.int32(1), ONE),
        (numbers(5 * 1024), jnp.float32(1), ONE),
        (numbers(5 * 1024), jnp.asarray(1.0), jnp.float32(1)),
        (numbers(5 * 1024), jax.device_put(ONE, jax.devices()[0]), jax.device_put(ONE)),
    ],
    ids=["size", "rows' type", "rows' shape", "shape", "type", "JAX", "weak type", "committed"],
)
def test_the_first_call_of_every_program_is_the_callers(x, shift, before, seen):
    def moved(row, shift):
        return row + shift

    map_rows(moved, (numbers(5 * 1024),), (before,))
    out = map_rows(moved, (x,), (shift,))
    np.testing.assert_array_equal(np.squeeze(out), x + 1)
    calls = [thread is threading.current_thread() for thread in seen]
    assert calls[0]
    assert calls[3]
    assert sum(calls) == 2


def test_programs_that_jax_forgot_start_quickly_again(seen, monkeypatch):
    forgotten, x = [], numbers(5 * 1024)
    monkeypatch.setattr(rows._map_compiled, "clear_cache", lambda: forgotten.append(len(seen)), raising=False)
    map_rows(shifted, (x,), (np.float32(1),))
    assert not forgotten
    jax.clear_caches()
    seen.clear()
    np.testing.assert_array_equal(map_rows(shifted, (x,), (np.float32(1),)), x + 1)
    assert len(forgotten) == 1


@pytest.fixture
def ways(monkeypatch):
    """How results were joined, by which function."""
    found = []

    def watched(name):
        function = getattr(rows, name)
        monkeypatch.setattr(rows, name, lambda *args: (found.append(name), function(*args))[1])

    watched("_joined")
    watched("_joined_compiled")
    monkeypatch.setattr(rows, "_COUNTS", set())
    return found


def test_results_of_a_count_that_comes_again_are_joined_by_a_program(seen, ways):
    def function(row):
        return {"double": 2 * row, "pair": jnp.stack([row, -row])}

    for count in (5000, 5001, 5000, 5001, 5002):
        x = numbers(count)
        out = map_rows(function, (x,))
        np.testing.assert_array_equal(out["double"], 2 * x)
        np.testing.assert_array_equal(out["pair"], np.stack([x, -x], axis=1))
    assert ways == ["_joined"] * 4 + ["_joined_compiled"] * 2 + ["_joined"] * 2


def test_counts_that_never_end_do_not_fill_the_memory(seen, ways, monkeypatch):
    monkeypatch.setattr(rows, "_MOST_COUNTS", 2)
    for count in (5000, 5001, 5002, 5002, 5001):
        np.testing.assert_array_equal(map_rows(shifted, (numbers(count),), (ONE,)), numbers(count) + 1)
    assert ways == ["_joined"] * 4 + ["_joined_compiled"]
    assert len(rows._COUNTS) == 2


def test_what_one_call_found_is_cut_without_a_program(seen, ways):
    for _ in range(2):
        np.testing.assert_array_equal(map_rows(shifted, (numbers(100),), (ONE,)), numbers(100) + 1)
    assert ways == ["_joined"] * 2


def test_many_parts_are_joined_without_a_program_of_so_many_arguments(seen, ways):
    x = numbers(4 * ROWS_PER_CALL)
    for _ in range(2):
        np.testing.assert_array_equal(map_rows(shifted, (x,), (ONE,)), x + 1)
    assert ways == ["_joined"] * 2


def test_many_calls_stay_in_order(seen):
    x = numbers(10 * ROWS_PER_CALL + 5)
    for _ in range(2):
        np.testing.assert_array_equal(map_rows(shifted, (x,), (np.float32(-3),)), x - 3)
    assert len(seen) == 2 * 21


def test_settings_of_the_callers_thread_alone_hold(seen):
    """Other threads would find the program of the settings outside, which has other dtypes."""
    x = numbers(4096, np.float64)
    small = np.float64(2.0**-40)
    assert map_rows(shifted, (x,), (small,)).dtype == jnp.float32
    with jax.enable_x64(True):
        seen.clear()
        out = map_rows(shifted, (x,), (small,))
        assert out.dtype == jnp.float64
        np.testing.assert_array_equal(out, x + small)
    assert set(seen) == {threading.current_thread()}
    with jax.disable_jit():
        np.testing.assert_allclose(map_rows(shifted, (x,), (small,)), x, atol=2 * small)
    assert map_rows(shifted, (x,), (small,)).dtype == jnp.float32


def test_a_call_from_within_a_call_does_not_wait_for_itself(seen):
    many = numbers(2048)

    def of_many(shift):
        return np.asarray(map_rows(shifted, (many,), (np.float32(shift),)))[0]

    def outer(x):
        return jax.pure_callback(of_many, jax.ShapeDtypeStruct((), np.float32), x, vmap_method="sequential")

    of_many(0)
    for _ in range(2):
        np.testing.assert_array_equal(map_rows(outer, (numbers(200),), width=4096), numbers(200))


def test_concrete_rows_inside_a_compiled_function(seen):
    x = numbers(4096)
    out = jax.jit(lambda shift: map_rows(shifted, (x,), (np.float32(5),)) + shift)(jnp.float32(1))
    np.testing.assert_array_equal(out, x + 6)


@pytest.mark.parametrize("bad", [0, 4095])
def test_a_failure_in_any_thread_has_its_name(seen, bad, caplog):
    x = numbers(4096)
    np.testing.assert_allclose(map_rows(rooted, (x,)), np.sqrt(x), rtol=1e-6)
    x[bad] = -1
    for _ in range(2):
        with pytest.raises(NotConverged, match="rooted: expected numbers of at least 0"):
            map_rows(rooted, (x,))
    assert not caplog.records


@pytest.mark.parametrize("count", [3, 4096])
def test_a_runtime_error_of_ones_own_comes_as_it_was_written(count, caplog):
    def positive(row):
        return eqx.error_if(row, row < 0, "positive: expected\nno less than 0.")

    with pytest.raises(eqx.EquinoxRuntimeError, match=r"^positive: expected\nno less than 0.$"):
        map_rows(positive, (-numbers(count),))
    assert not caplog.records


_AFTER_MAIN = """
import threading
import numpy as np
from pushforward.distributions import rows
rows._cores = lambda: 2
x = np.arange(4096, dtype=np.float32)
shifted = lambda row: row + 1
def work():
    threading.main_thread().join()
    for _ in range(2):
        np.testing.assert_array_equal(rows.map_rows(shifted, (x,)), x + 1)
    print("done")
threading.Thread(target=work).start()
"""


def test_a_thread_that_outlives_the_main_one_goes_on():
    """No pool of threads takes work any more then."""
    run = subprocess.run([sys.executable, "-c", _AFTER_MAIN], capture_output=True, text=True, check=True)
    assert run.stdout == "done\n", run.stderr


_ON_TWO_DEVICES = """
import threading
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from pushforward.distributions import rows
rows._cores = lambda: 2
seen, compiled = set(), rows._map_compiled
rows._map_compiled = lambda *args: (compiled(*args), seen.add(threading.current_thread()))[0]
x = np.arange(4096, dtype=np.float32)
mesh = Mesh(np.array(jax.devices()), ("d",))
shifted = lambda row, shift: row + shift
for place, threads in [(jax.devices()[1], True), (NamedSharding(mesh, PartitionSpec()), False)]:
    shift = jax.device_put(np.float32(1), place)
    for _ in range(3):
        seen.clear()
        out = rows.map_rows(shifted, (x,), (shift,))
        np.testing.assert_array_equal(out, x + 1)
        assert not threads or out.devices() == {place}, out.devices()
    assert (threading.main_thread() not in seen) == threads, (place, seen)
"""


_BETWEEN_TWO_DEVICES = """
import jax
import numpy as np
from pushforward.distributions import rows
rows.on_cpu = lambda: False
first, second = jax.devices()
x = np.arange(1000, dtype=np.float32)
for place in (first, second):
    shift = jax.device_put(np.float32(1), place)
    out = rows.map_rows(lambda row, shift: row + shift, (jax.device_put(x, first),), (shift,))
    np.testing.assert_array_equal(out, x + 1)
    assert out.devices() == {place}
"""


@pytest.mark.parametrize("code", [_ON_TWO_DEVICES, _BETWEEN_TWO_DEVICES], ids=["CPUs", "accelerators"])
def test_arrays_on_several_devices(code):
    """Those that XLA's devices share are left to it, and rows on another device than the law's go to the law's."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"XLA_FLAGS": flags}, check=True)
