import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors.base import Bijector, Cheap, as_float, check_context, merge_context_shapes
from pushforward.errors import DomainError, ShapeError


class Doubling(Bijector):
    """y = 2 x + sum of the context + noise from the key."""

    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: tuple[int, ...] | None = eqx.field(static=True, default=None)
    cheap: Cheap = eqx.field(static=True, default="both")

    def shift(self, context, key):
        noise = 0.0 if key is None else jr.normal(key)
        return noise if context is None else noise + jnp.sum(context)

    def forward_and_log_det(self, x, context=None, *, key=None):
        return 2 * x + self.shift(context, key), jnp.full((), 2 * jnp.log(2.0), x.dtype)

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return (y - self.shift(context, key)) / 2, jnp.full((), -2 * jnp.log(2.0), y.dtype)


PLAIN = Doubling()
CONDITIONED = Doubling(context_shape=(3,))


def test_forward_and_inverse_drop_the_log_det():
    x = jnp.array([1.0, -1.0])
    np.testing.assert_array_equal(PLAIN.forward(x), PLAIN.forward_and_log_det(x)[0])
    np.testing.assert_array_equal(PLAIN.inverse(x), PLAIN.inverse_and_log_det(x)[0])


def test_context_and_key_reach_the_map():
    x, context, key = jnp.zeros(2), jnp.array([1.0, 2.0, 3.0]), jr.key(0)
    assert CONDITIONED.forward(x, context)[0] == 6
    assert CONDITIONED.forward(x, context, key=key)[0] == 6 + jr.normal(key)
    assert CONDITIONED.inverse(x, context, key=key)[0] == -(6 + jr.normal(key)) / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: PLAIN.forward(jnp.zeros(3)),
            "Doubling.forward_and_log_det: expected one event of shape (2,), got x of shape (3,).",
        ),
        (
            lambda: PLAIN.inverse(jnp.zeros((5, 2))),
            "Doubling.inverse_and_log_det: expected one event of shape (2,), got y of shape (5, 2). "
            "A bijector maps one event: use jax.vmap for a batch.",
        ),
        (
            lambda: PLAIN.forward(jnp.zeros(2), jnp.zeros(3)),
            "Doubling.forward_and_log_det: expected no context, got one of shape (3,). "
            "Build the map with context_features to condition it.",
        ),
        (
            lambda: CONDITIONED.forward(jnp.zeros(2)),
            "Doubling.forward_and_log_det: expected a context of shape (3,), got none.",
        ),
        (
            lambda: CONDITIONED.inverse(jnp.zeros(2), jnp.zeros((5, 3))),
            "Doubling.inverse_and_log_det: expected a context of shape (3,), got shape (5, 3).",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ShapeError) as caught:
        call()
    assert str(caught.value) == message


def test_the_checks_hold_under_jit_too():
    with pytest.raises(
        ShapeError, match=r"^Doubling.forward_and_log_det: expected one event of shape \(2,\), "
    ):
        jax.jit(PLAIN.forward)(jnp.zeros(3))


def test_abstract_methods_are_demanded():
    class Half(Bijector):
        in_shape = out_shape = (1,)
        context_shape = None
        cheap = "both"

        def forward_and_log_det(self, x, context=None, *, key=None):
            return x, 0.0

    with pytest.raises(TypeError, match="inverse_and_log_det"):
        Half()


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1, 2], jnp.float32),
        (np.array([True, False]), jnp.float32),
        (np.array([1.0, 2.0]), jnp.float32),
        (jnp.ones(2, jnp.bfloat16), jnp.bfloat16),
        (3, jnp.float32),
    ],
)
def test_numbers_become_floats(value, dtype):
    array = as_float(value)
    assert (array.dtype, array.weak_type) == (dtype, isinstance(value, int) and array.weak_type)
    np.testing.assert_array_equal(np.asarray(array, float), np.asarray(value, float))


def test_with_x64_the_default_float_is_float64_and_float32_stays():
    with jax.enable_x64(True):
        assert as_float([1, 2]).dtype == jnp.float64
        assert as_float(np.ones(2, np.float32)).dtype == jnp.float32
        assert PLAIN.forward(np.ones(2, np.float32)).dtype == jnp.float32


def test_complex_numbers_are_refused():
    with pytest.raises(DomainError) as caught:
        PLAIN.forward(np.ones(2, np.complex64))
    assert str(caught.value) == (
        "Doubling.forward_and_log_det: expected real numbers, got complex64 of shape (2,)."
    )


def test_check_context_returns_floats():
    assert check_context("f", [1, 2], (2,)).dtype == jnp.float32
    assert check_context("f", None, None) is None


def test_context_shapes_merge_if_they_agree():
    assert merge_context_shapes("f", [None, (2,), None, (2,)]) == (2,)
    assert merge_context_shapes("f", [None, None]) is None
    with pytest.raises(ShapeError) as caught:
        merge_context_shapes("Chain", [(3,), None, (2,)])
    assert str(caught.value) == "Chain: its parts expect contexts of different shapes: [(2,), (3,)]."
