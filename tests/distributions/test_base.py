import functools
import logging

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.distributions import door, rows
from pushforward.distributions.base import Distribution
from pushforward.distributions.rows import ROWS_PER_CALL
from pushforward.errors import ConfigError, DomainError, ShapeError


class Around(Distribution):
    """Normal, up to a constant, around the sum of the context."""

    event_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: tuple[int, ...] | None = eqx.field(static=True, default=None)

    def _log_prob(self, x, context):
        return -jnp.sum(jnp.square(x - self.centre(context))) / 2

    def _sample_and_log_prob(self, key, context):
        x = jr.normal(key, self.event_shape) + self.centre(context)
        return x, self._log_prob(x, context)

    def centre(self, context):
        return 0.0 if context is None else jnp.sum(context)


LAW, NUMBER, CONDITIONED = Around((2,)), Around(()), Around((2,), (3,))
X = np.random.default_rng(0).normal(size=(2, 3, 2)).astype(np.float32)


def expected(x, centre=0.0):
    return -np.square(np.asarray(x, np.float32) - np.asarray(centre)[..., None]).sum(axis=-1) / 2


@pytest.fixture(params=["cpu", "accelerator"])
def given(request, monkeypatch):
    """What makes arrays as they come there; on an accelerator they are JAX's and stay that."""
    if request.param == "cpu":
        return np.asarray
    for module in (door, rows):
        monkeypatch.setattr(module, "on_cpu", lambda: False)
    monkeypatch.setattr(rows, "_padded", None)
    return jnp.asarray


# Shapes


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_log_prob_has_the_shape_of_the_batch(batch, given):
    x = given(np.broadcast_to(X[0, 0], (*batch, 2)))
    log_prob = LAW.log_prob(x)
    assert (log_prob.shape, log_prob.dtype) == (batch, jnp.float32)
    np.testing.assert_allclose(log_prob, expected(x), rtol=1e-6)
    assert NUMBER.log_prob(given(np.zeros(batch))).shape == batch


@pytest.mark.parametrize("shape", [(), (0,), 4, np.int64(4), (2, 3), [2, 3]])
def test_samples_have_the_shape_asked_for(shape):
    full = (int(shape),) if isinstance(shape, int | np.integer) else tuple(shape)
    x, log_prob = LAW.sample_and_log_prob(jr.key(0), shape)
    assert (x.shape, log_prob.shape) == ((*full, 2), full)
    np.testing.assert_allclose(log_prob, expected(x), rtol=1e-6)
    np.testing.assert_array_equal(LAW.sample(jr.key(0), shape), x)


@pytest.mark.parametrize(
    ("batch", "context_batch"),
    [((), ()), ((), (3,)), ((3,), ()), ((2, 3), (3,)), ((3,), (2, 1)), ((2, 1), (3,))],
)
def test_batches_of_events_and_contexts_broadcast(batch, context_batch, given):
    random = np.random.default_rng(1)
    x = given(random.normal(size=(*batch, 2)).astype(np.float32))
    context = given(random.normal(size=(*context_batch, 3)).astype(np.float32))
    wanted = expected(*np.broadcast_arrays(x, context.sum(axis=-1)[..., None])[:1], context.sum(axis=-1))
    np.testing.assert_allclose(CONDITIONED.log_prob(x, context), wanted, rtol=1e-5)


def test_every_context_gets_its_own_draws():
    context = np.array([[0, 0, 0], [100, 0, 0]], np.float32)
    x, log_prob = CONDITIONED.sample_and_log_prob(jr.key(0), (500,), context)
    assert (x.shape, log_prob.shape) == ((500, 2, 2), (500, 2))
    np.testing.assert_allclose(x.mean(axis=(0, 2)), [0, 100], atol=0.3)  # nine standard deviations
    assert np.abs(x[:, 1] - 100 - x[:, 0]).min() > 0
    shared = CONDITIONED.sample(jr.key(0), (500,), context[1])
    np.testing.assert_allclose(shared, 100 + LAW.sample(jr.key(0), (500,)), rtol=1e-5)


# Chunks


def test_many_rows_give_what_few_give():
    count = 2 * ROWS_PER_CALL + 77
    # Multiples of 1/64: all sums and squares are exact in float32.
    x = np.random.default_rng(2).integers(-200, 200, (count, 2)).astype(np.float32) / 64
    context = np.random.default_rng(3).integers(-200, 200, (count, 3)).astype(np.float32) / 64
    np.testing.assert_array_equal(CONDITIONED.log_prob(x, context), expected(x, context.sum(axis=1)))
    np.testing.assert_array_equal(CONDITIONED.log_prob(x, context[0]), expected(x, context[0].sum()))


def test_draws_depend_on_their_number_alone():
    many = LAW.sample(jr.key(1), ROWS_PER_CALL + 100)
    for shape in (1, 5, 64, ROWS_PER_CALL):
        np.testing.assert_array_equal(LAW.sample(jr.key(1), shape), many[:shape])
    np.testing.assert_array_equal(LAW.sample(jr.key(1), (4, 25)).reshape(100, 2), many[:100])
    assert len(np.unique(np.asarray(many)[:, 0])) > 0.99 * len(many)
    assert np.abs(LAW.sample(jr.key(2), 5) - many[:5]).min() > 0


def test_a_hundred_numbers_of_rows_meet_eight_programs(caplog):
    law = Around((5,))
    x = np.zeros((100, 5), np.float32)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        for count in range(1, 101):
            assert law.log_prob(x[:count]).shape == (count,)
    compiled = [
        record.getMessage() for record in caplog.records if record.getMessage().startswith("Compiling")
    ]
    assert len(compiled) <= 8
    assert all("_map_compiled" in message for message in compiled)


# Inputs


def variants():
    yield "float64", X.astype(np.float64)
    yield "jax", jnp.asarray(X)
    yield "list", X.tolist()
    yield "Fortran order", np.asfortranarray(X)
    yield "strided", np.repeat(X, 2, axis=1)[:, ::2]
    read_only = X.copy()
    read_only.setflags(write=False)
    yield "read-only", read_only


@pytest.mark.parametrize("x", [pytest.param(x, id=name) for name, x in variants()])
def test_events_may_come_in_any_form(x):
    np.testing.assert_allclose(LAW.log_prob(x), expected(X), rtol=1e-6)


def test_whole_numbers_and_booleans_become_floats():
    log_prob = LAW.log_prob([[1, 2], [0, -3]])
    assert log_prob.dtype == jnp.float32
    assert log_prob.tolist() == [-2.5, -4.5]
    assert NUMBER.log_prob(np.array([True, False])).tolist() == [-0.5, 0]


def test_numbers_beyond_float32_are_infinite_without_a_warning():
    assert LAW.log_prob(np.array([1e300, 0])) == -np.inf


def test_the_owner_may_change_the_input_afterwards():
    """No call may read the caller's memory later."""
    law = Around((512,))
    # Aligned as XLA wants it, so that it is tempted to use the memory in place.
    raw = np.zeros(4096 * 512 + 16, np.float32)
    offset = -raw.ctypes.data // 4 % 16
    x = raw[offset : offset + 4096 * 512].reshape(4096, 512)
    for _ in range(3):
        x[:] = 1
        log_prob = law.log_prob(x)
        x[:] = 7
        np.testing.assert_allclose(log_prob, np.full(4096, -256.0))


def test_nan_stays_nan_in_its_own_row():
    x = X[0].copy()
    x[1, 0] = np.nan
    assert np.isnan(LAW.log_prob(x)).tolist() == [False, True, False]


# JAX transformations


def test_it_works_under_jit_grad_and_vmap():
    wanted = expected(X)
    np.testing.assert_allclose(jax.jit(LAW.log_prob)(X), wanted, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(LAW.log_prob)(X), wanted, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(CONDITIONED.log_prob, (0, None))(X, np.zeros(3)), wanted, rtol=1e-6)
    gradient = jax.grad(lambda x: jnp.sum(LAW.log_prob(x)))(jnp.asarray(X))
    np.testing.assert_allclose(gradient, -X, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(lambda: LAW.log_prob(X[0, :2]))(), wanted[0, :2], rtol=1e-6)
    assert jax.jit(lambda x: LAW.log_prob(x))(np.zeros((0, 2))).shape == (0,)


def test_sampling_works_under_jit_and_vmap():
    draw = functools.partial(CONDITIONED.sample, shape=(5,), context=np.ones(3, np.float32))
    wanted = draw(jr.key(0))
    np.testing.assert_allclose(jax.jit(draw)(jr.key(0)), wanted, rtol=1e-6)
    np.testing.assert_allclose(
        jax.vmap(draw)(jr.split(jr.key(3), 2))[1], draw(jr.split(jr.key(3), 2)[1]), rtol=1e-6
    )


def test_with_x64_the_dtype_of_the_events_is_kept():
    with jax.enable_x64(True):
        assert LAW.log_prob(X).dtype == jnp.float32
        assert LAW.log_prob(X.astype(np.float64)).dtype == jnp.float64
        assert LAW.log_prob([1, 2]).dtype == jnp.float64


# Refusals


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: LAW.log_prob(np.zeros((4, 3))),
            ShapeError,
            "Around.log_prob: expected events of shape (2,), got x of shape (4, 3). "
            "The law was built for 2 features.",
        ),
        (
            lambda: Around((2, 3)).log_prob(np.zeros(3)),
            ShapeError,
            "Around.log_prob: expected events of shape (2, 3), got x of shape (3,).",
        ),
        (
            lambda: LAW.log_prob(np.zeros(2), np.zeros((4, 3))),
            ShapeError,
            "Around.log_prob: expected no context, got one of shape (4, 3). "
            "Build the flow with context_features to condition it.",
        ),
        (
            lambda: CONDITIONED.log_prob(np.zeros(2)),
            ShapeError,
            "Around.log_prob: expected contexts of shape (3,), got none.",
        ),
        (
            lambda: CONDITIONED.sample(jr.key(0), (2,)),
            ShapeError,
            "Around.sample: expected contexts of shape (3,), got none.",
        ),
        (
            lambda: CONDITIONED.sample_and_log_prob(jr.key(0), (2,), np.zeros((5, 2))),
            ShapeError,
            "Around.sample_and_log_prob: expected contexts of shape (3,), got context of shape (5, 2). "
            "The law was built for 3 context features.",
        ),
        (
            lambda: CONDITIONED.log_prob(np.zeros((4, 2)), np.zeros((5, 3))),
            ShapeError,
            "Around.log_prob: expected batches that broadcast, got (4,) of x and (5,) of the context.",
        ),
        (
            lambda: LAW.sample(jr.key(0), (2, -1)),
            ShapeError,
            "Around.sample: expected sizes of at least 0, got shape (2, -1).",
        ),
        (
            lambda: LAW.sample(3, (2,)),
            ConfigError,
            "Around.sample: expected a key like jax.random.key(0), got 3.",
        ),
        (
            lambda: LAW.log_prob(np.zeros(2, complex)),
            DomainError,
            "Around.log_prob: expected real numbers, got complex64 of shape (2,).",
        ),
        (
            lambda: LAW.log_prob(["1.0", "none"]),
            DomainError,
            "Around.log_prob: expected real numbers, got <U4 of shape (2,).",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
