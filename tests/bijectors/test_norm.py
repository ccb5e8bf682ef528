import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import BATCH_AXIS, ActNorm, BatchNorm, Chain, Invert, Stack
from pushforward.bijectors.frozen import trainable
from pushforward.bijectors.norm import statistics
from pushforward.errors import ConfigError, ShapeError

RANDOM = np.random.default_rng(0)
EPS = 1e-5


def placed(layer, log_scale, shift):
    """The layer with other trained numbers."""
    where = lambda node: (node.log_scale, node.shift)  # noqa: E731
    return eqx.tree_at(where, layer, (jnp.asarray(log_scale), jnp.asarray(shift)))


def in_batch(layer, rows, key=None, axis_name=BATCH_AXIS):
    key = jr.key(0) if key is None else key
    return jax.vmap(lambda y: layer.inverse_and_log_det(y, key=key), axis_name=axis_name)(rows)


def paper(y, mean, variance, gamma, beta):
    """The formulas of arXiv:1705.07057, appendix B, written out row by row in float64."""
    x = np.array([[(v - m) / np.sqrt(s + EPS) * np.exp(g) + b
                   for v, m, s, g, b in zip(row, mean, variance, gamma, beta, strict=True)] for row in y])  # fmt: skip
    return x, sum(g - 0.5 * np.log(s + EPS) for g, s in zip(gamma, variance, strict=True))


GAMMA, BETA = np.float32([0.3, -1.0, 0.0]), np.float32([2.0, 0.0, -1.0])
ROWS = (RANDOM.normal(size=(40, 3)) * [1.0, 50.0, 0.01] + [0.0, -300.0, 5.0]).astype(np.float32)


def test_with_a_key_it_is_the_papers_formula_with_the_batchs_statistics():
    layer = placed(BatchNorm((3,)), GAMMA, BETA)
    exact = ROWS.astype(float)
    expected, log_det = paper(exact, exact.mean(0), exact.var(0), GAMMA, BETA)
    x, log_dets = in_batch(layer, ROWS)
    np.testing.assert_allclose(x, expected, atol=2e-3)  # 5 +- 0.01 has six digits less than float32
    np.testing.assert_allclose(x[:, :2], expected[:, :2], atol=1e-5)
    np.testing.assert_allclose(log_dets, np.full(40, log_det), rtol=1e-5)


def test_without_a_key_it_is_the_papers_formula_with_the_stored_statistics():
    mean, variance = np.float32([1.0, 2.0, 3.0]), np.float32([4.0, 0.0, 0.25])
    layer = placed(BatchNorm((3,), mean, variance), GAMMA, BETA)
    expected, log_det = paper(ROWS[:1].astype(float), mean, variance, GAMMA, BETA)
    x, found = layer.inverse_and_log_det(ROWS[0])
    np.testing.assert_allclose(x, expected[0], rtol=1e-5)
    np.testing.assert_allclose(found, log_det, rtol=1e-6)
    y, back = layer.forward_and_log_det(x)
    np.testing.assert_allclose(y, ROWS[0], rtol=1e-5)
    assert back == -found
    # Towards the data there is no batch to take statistics of: a key changes nothing.
    np.testing.assert_array_equal(layer.forward(x, key=jr.key(0)), y)


def test_a_channel_is_the_last_axis():
    images = RANDOM.normal(size=(6, 4, 5, 2)).astype(np.float32) * [1, 3] + [5, 0]
    layer = BatchNorm((4, 5, 2))
    assert layer.mean.value.shape == (2,)
    x, log_det = in_batch(layer, images.astype(np.float32))
    mean, variance = images.mean((0, 1, 2)), images.var((0, 1, 2))
    np.testing.assert_allclose(x, (images - mean) / np.sqrt(variance + EPS), atol=1e-4)
    np.testing.assert_allclose(log_det, np.full(6, -0.5 * 20 * np.log(variance + EPS).sum()), rtol=1e-5)
    numbers = RANDOM.normal(size=7).astype(np.float32)
    np.testing.assert_allclose(np.mean(in_batch(BatchNorm(()), numbers)[0]), 0, atol=1e-6)


def test_gradients_flow_through_the_batchs_statistics():
    """Against central differences in float64; with fixed statistics the gradient is another one."""
    with jax.enable_x64(True):
        rows, direction, along = (RANDOM.normal(size=(5, 3)) for _ in range(3))
        layer = placed(BatchNorm((3,)), GAMMA.astype(float), BETA.astype(float))

        def height(rows):
            x, log_det = in_batch(layer, rows)
            return jnp.sum(x * along) + jnp.sum(log_det)

        slope = jnp.sum(jax.grad(height)(rows) * direction)
        step = 1e-5
        difference = (height(rows + step * direction) - height(rows - step * direction)) / (2 * step)
        np.testing.assert_allclose(slope, difference, rtol=1e-7)
        stored = BatchNorm((3,), rows.mean(0), rows.var(0))
        held = jax.grad(lambda r: jnp.sum(jax.vmap(stored.inverse)(r) * along))(rows)
        assert abs(jnp.sum(held * direction) - difference) > 1e-2


@pytest.mark.parametrize(
    "rows", [np.ones((4, 2), np.float32), np.float32([[3.0, -1e4]])], ids=["constant", "one row"]
)
def test_variance_zero_stays_finite(rows):
    layer = placed(BatchNorm((2,)), np.float32([0.5, 0.0]), np.float32([1.0, 2.0]))
    (x, log_det), pull = jax.vjp(lambda r: in_batch(layer, r), rows)
    np.testing.assert_array_equal(x, np.broadcast_to([1.0, 2.0], x.shape))
    np.testing.assert_allclose(log_det, 0.5 - np.log(EPS), rtol=1e-5)
    assert np.isfinite(pull((jnp.ones_like(x), jnp.ones_like(log_det)))[0]).all()


def test_layers_in_containers_share_the_batch():
    """In a Stack inside a Chain and two inverses the batch's statistics are those of what reaches each layer."""
    layers = [placed(BatchNorm((3,)), GAMMA * sign, BETA) for sign in (1, -1)]
    chain = Chain([Invert(Invert(placed(BatchNorm((3,)), BETA, GAMMA))), Stack(layers)])
    x, log_det = in_batch(chain, ROWS[:, [0, 1, 0]])
    y, total = ROWS[:, [0, 1, 0]].astype(float), 0.0
    for gamma, beta in ((-GAMMA, BETA), (GAMMA, BETA), (BETA, GAMMA)):
        y, part = paper(y, y.mean(0), y.var(0), gamma, beta)
        total += part
    np.testing.assert_allclose(x, y, atol=1e-5)
    np.testing.assert_allclose(log_det, np.full(40, total), rtol=1e-5)


@pytest.mark.parametrize("mapped", ["alone", "in another batch"])
def test_a_key_without_a_batch_is_refused(mapped):
    layer = Chain([BatchNorm((3,))])
    call = {
        "alone": lambda: layer.inverse(ROWS[0], key=jr.key(0)),
        "in another batch": lambda: in_batch(layer, ROWS, axis_name="other"),
    }[mapped]
    with pytest.raises(ConfigError) as caught:
        call()
    assert str(caught.value) == (
        "BatchNorm.inverse_and_log_det: with a key it takes the statistics of a training batch, and there is none. "
        "Map the batch by jax.vmap(..., axis_name=pushforward.bijectors.BATCH_AXIS), or leave out the key."
    )


def test_statistics_are_neither_trained_nor_anything_else():
    stack = Stack([Chain([BatchNorm((3,)), ActNorm((3,))]), Chain([BatchNorm((3,)), ActNorm((3,))])])
    trained, stored = trainable(stack).stacked, statistics(stack).stacked
    assert (trained[0].log_scale, trained[0].shift, trained[0].mean) == (True, True, False)
    assert (stored[0].log_scale, stored[0].shift) == (False, False)
    assert (stored[0].mean.content, stored[0].variance.content) == (True, True)
    assert not any(jax.tree.leaves(stored[1]))


@pytest.mark.parametrize("forward", [False, True])
def test_actnorm_learns_to_standardise_whichever_way_values_enter(forward):
    mean, variance = ROWS.mean(0), ROWS.var(0)
    layer = ActNorm((3,)).learned(mean, variance, forward=forward)
    out = jax.vmap(layer.forward if forward else layer.inverse)(ROWS)
    np.testing.assert_allclose(np.mean(out, 0), 0, atol=2e-3)
    np.testing.assert_allclose(np.std(out, 0), 1, rtol=1e-4)


def test_actnorm_centres_a_constant_and_does_not_stretch_it():
    layer = ActNorm((3,)).learned(jnp.float32([0.0, 1e4, 1e4]), jnp.float32([0.0, 1e-6, 1e-2]), forward=False)
    np.testing.assert_allclose(layer.log_scale, [0.0, 0.0, 0.5 * np.log(1e-2)], rtol=1e-6)
    np.testing.assert_array_equal(layer.shift, [0.0, 1e4, 1e4])


def test_actnorm_is_one_scale_and_shift_for_a_channel():
    layer = placed(ActNorm((4, 5, 2)), np.float32([0.5, -1.0]), np.float32([1.0, 2.0]))
    image = RANDOM.normal(size=(4, 5, 2)).astype(np.float32)
    y, log_det = layer.forward_and_log_det(image)
    np.testing.assert_allclose(y, image * np.exp([0.5, -1.0]) + [1.0, 2.0], rtol=1e-5)
    np.testing.assert_allclose(log_det, 20 * (0.5 - 1.0), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"mean": np.zeros(2)},
            ShapeError,
            "BatchNorm: expected mean of shape (3,), got shape (2,).",
        ),
        (
            {"variance": np.ones((4, 3))},
            ShapeError,
            "BatchNorm: expected variance of shape (3,), got shape (4, 3).",
        ),
        ({"eps": 0.0}, ConfigError, "BatchNorm: expected eps to be a positive number, got 0.0."),
        ({"eps": float("nan")}, ConfigError, "BatchNorm: expected eps to be a positive number, got nan."),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message):
    with pytest.raises(error) as caught:
        BatchNorm((3,), **arguments)
    assert str(caught.value) == message
