import re

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import ConfigError, DomainError, ShapeError
from pushforward.training.rows import split_rows

X = np.arange(20.0).reshape(10, 2)
KEY = jr.key(0)


def test_a_fraction_divides_the_rows_once_and_for_all(affine):
    split = split_rows(affine(), X, None, None, 0.3, KEY)
    assert (len(split.training), len(split.validation)) == (7, 3)
    np.testing.assert_array_equal(split.training.x, X[split.index])
    together = np.concatenate([split.training.x, split.validation.x])
    np.testing.assert_array_equal(together[np.argsort(together[:, 0])], X)
    np.testing.assert_array_equal(split.index, split_rows(affine(), X, None, None, 0.3, KEY).index)
    assert (split.index != split_rows(affine(), X, None, None, 0.3, jr.key(1)).index).any()


def test_there_is_always_a_row_on_each_side(affine):
    for fraction, expected in ((0.001, 1), (0.999, 9)):
        assert len(split_rows(affine(), X, None, None, fraction, KEY).validation) == expected


def test_rows_of_ones_own_are_held_out(affine):
    split = split_rows(affine(), X, None, None, X[:3] + 1, KEY)
    np.testing.assert_array_equal(split.index, np.arange(10))
    np.testing.assert_array_equal(split.validation.x, X[:3] + 1)
    assert split_rows(affine(), X, None, None, 0, KEY).validation is None


def test_contexts_stay_with_their_rows(affine):
    flow, context = affine(context_features=1), X[:, :1] * 10
    split = split_rows(flow, X, context, None, 0.3, KEY)
    for rows in (split.training, split.validation):
        np.testing.assert_array_equal(rows.context, rows.x[:, :1] * 10)
    own = split_rows(flow, X, context, None, (X[:2], context[:2]), KEY)
    np.testing.assert_array_equal(own.validation.context, context[:2])


def test_weights_have_mean_one_and_rows_without_weight_are_left_out(affine):
    weights = np.array([0, 1, 2, 3, 0, 1, 2, 3, 1e30, 0])
    split = split_rows(affine(), X, None, weights, 0, KEY)
    np.testing.assert_array_equal(split.index, [1, 2, 3, 5, 6, 7, 8])
    np.testing.assert_allclose(split.training.weights.mean(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(split.training.weights[2] / split.training.weights[0], 3.0, rtol=1e-6)


def test_values_get_the_precision_of_the_device_and_are_a_copy(affine):
    for values in (X, X.astype(int), X.astype(np.float16), X.tolist(), jnp.asarray(X)):
        assert split_rows(affine(), values, None, None, 0, KEY).training.x.dtype == np.float32
    with jax.enable_x64(True):
        assert split_rows(affine(), X, None, None, 0, KEY).training.x.dtype == np.float64
        assert split_rows(affine(), X.astype(np.float32), None, None, 0, KEY).training.x.dtype == np.float32
    mine = X.astype(np.float32)
    assert not np.shares_memory(split_rows(affine(), mine, None, None, 0, KEY).training.x, mine)


def test_the_fingerprint_sees_every_value_and_the_order(affine):
    def mark(x, validation=0.0, weights=None):
        return split_rows(affine(), x, None, weights, validation, KEY).fingerprint()

    changed = X.copy()
    changed[9, 1] += 1e-5
    marks = [mark(X), mark(changed), mark(X[::-1]), mark(X, X[:1]), mark(X, weights=np.arange(1, 11))]
    assert len(set(marks)) == 5
    assert mark(X) == mark(X.astype(np.float32))


def bad(*places, shape=(10, 2), value=np.nan):
    x = np.zeros(shape)
    for place in places:
        x[place] = value
    return x


FINITE = "NaN, infinity or overflow in"
KINDS = "fit: expected validation to be a fraction, an array, or a tuple (x, context), got"
REFUSALS = {
    "columns": (
        {"x": np.zeros((10, 3))},
        ShapeError,
        "fit: expected x of shape (rows, 2), got shape (10, 3).",
    ),
    "one event": ({"x": np.zeros(2)}, ShapeError, "fit: expected x of shape (rows, 2), got shape (2,)."),
    "nan": (
        {"x": bad((3, 1), (3, 0), (7, 1))},
        DomainError,
        f"fit: expected finite float32 values in x, got {FINITE} 2 of 10 rows, the first row 3 "
        "(column 0: 1, column 1: 2). Drop those rows or fill their values.",
    ),
    "overflow": (
        {"x": bad((0, 1), value=1e39)},
        DomainError,
        f"fit: expected finite float32 values in x, got {FINITE} 1 of 10 rows, the first row 0 "
        "(column 1: 1). Drop those rows or fill their values.",
    ),
    "validation nan": (
        {"validation": bad((3, 1))},
        DomainError,
        f"fit: expected finite float32 values in the validation x, got {FINITE} 1 of 10 rows, "
        "the first row 3 (column 1: 1). Drop those rows or fill their values.",
    ),
    "text": (
        {"x": np.array([["a", "b"]])},
        ConfigError,
        "fit: expected x to hold real numbers, got dtype <U1.",
    ),
    "superfluous context": (
        {"context": np.zeros((10, 1))},
        ShapeError,
        "fit: expected no context, got context of shape (10, 1). "
        "Build the flow with context_features to condition it.",
    ),
    "no context": (
        {"features": 1},
        ShapeError,
        "fit: expected context of shape (rows, 1), got none.",
    ),
    "no validation context": (
        {"features": 1, "context": np.zeros((10, 1)), "validation": X},
        ShapeError,
        "fit: expected the validation context of shape (rows, 1), got none.",
    ),
    "short context": (
        {"features": 1, "context": np.zeros((9, 1))},
        ShapeError,
        "fit: expected context to have as many rows as x, 10, got 9.",
    ),
    "weights": (
        {"weights": np.ones(9)},
        ShapeError,
        "fit: expected weights of shape (10,), one per row of x, got shape (9,).",
    ),
    "negative weight": (
        {"weights": -np.arange(10.0)},
        DomainError,
        "fit: expected finite weights of at least 0, got 9 of 10 that are not, the first at row 1: -1.0.",
    ),
    "no weight": (
        {"weights": np.zeros(10)},
        ConfigError,
        "fit: expected at least one positive weight, got none.",
    ),
    "fraction": (
        {"validation": 1.0},
        ConfigError,
        "fit: expected validation to be a fraction in [0, 1) or rows, got 1.0.",
    ),
    "truth": ({"validation": True}, ConfigError, f"{KINDS} bool."),
    "triple": ({"validation": (X, X, X)}, ConfigError, f"{KINDS} a tuple of 3."),
    "empty validation": (
        {"validation": X[:0]},
        ConfigError,
        "fit: expected at least one validation row, got 0. Pass validation=0 to do without.",
    ),
    "one row": (
        {"x": X[:1]},
        ConfigError,
        "fit: expected at least 2 rows, to train on one and validate on the other, got 1. "
        "Pass validation=0 to train on all rows.",
    ),
    "no rows": (
        {"x": X[:0], "validation": 0},
        ConfigError,
        "fit: expected at least one row in x to train on, got 0.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(affine, case):
    given, error, message = REFUSALS[case]
    arguments = {"x": X, "context": None, "weights": None, "validation": 0.1} | given
    flow = affine(context_features=arguments.pop("features", 0))
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        split_rows(flow, **arguments, key=KEY)


def test_many_bad_columns_are_cut_short(affine):
    with pytest.raises(DomainError, match=re.escape("column 7: 1, and 4 more columns). Drop")):
        split_rows(affine(features=12), bad((3,), shape=(10, 12)), None, None, 0.1, KEY)


def test_events_may_be_numbers():
    from pushforward.distributions.normal import StandardNormal

    split = split_rows(StandardNormal(()), np.arange(4.0), None, None, 0.25, KEY)
    assert split.training.x.shape == (3,)
    with pytest.raises(ShapeError, match=re.escape("fit: expected x of shape (rows,), got shape (4, 1).")):
        split_rows(StandardNormal(()), np.zeros((4, 1)), None, None, 0.25, KEY)
