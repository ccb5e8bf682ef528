import functools
import itertools
import time

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import (
    Affine,
    Coupling,
    RationalQuadraticSpline,
    Shift,
    alternating,
    checkerboard,
    halves,
)
from pushforward.bijectors.coupling import _merge, _take
from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import MLP


def counting(a, context=None, *, key=None):
    """A conditioner that shifts element number i of b by 100 i + the sum of a."""
    del key
    total = jnp.sum(a) if context is None else jnp.sum(a) + 10 * jnp.sum(context)
    return 100.0 * jnp.arange(7 - a.size) + total


MASKS = {
    "halves": halves(7),
    "halves, swapped": halves(7, swap=True),
    "alternating": alternating(7),
    "alternating, swapped": alternating(7, swap=True),
    "ends": np.array([True, False, False, False, False, False, True]),
    "irregular": np.array([True, True, False, True, False, False, True]),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_part_a_passes_and_decides_how_part_b_is_mapped(mask):
    x = np.arange(1.0, 8.0, dtype=np.float32)
    expected = x.copy()
    expected[~mask] += 100.0 * np.arange((~mask).sum()) + x[mask].sum()
    coupling = Coupling(Shift(), counting, mask)
    np.testing.assert_array_equal(coupling.forward(x), expected)
    np.testing.assert_array_equal(coupling.inverse(expected), x)


def test_events_may_have_any_shape_and_context():
    mask = checkerboard((1, 7))
    coupling = Coupling(Shift(), counting, mask, context_shape=[2])
    assert (coupling.in_shape, coupling.out_shape, coupling.context_shape) == ((1, 7), (1, 7), (2,))
    x, context = np.arange(7.0, dtype=np.float32)[None], np.float32([1, 2])
    y = coupling.forward(x, context)
    np.testing.assert_array_equal(y[mask], x[mask])
    np.testing.assert_array_equal((y - x)[~mask], 100.0 * np.arange(3) + x[mask].sum() + 30)


def test_with_a_context_nothing_needs_to_be_known():
    def net(a, context, *, key=None):
        assert a.shape == (0,)
        return context

    coupling = Coupling(Shift(), net, alternating(1), (1,))
    assert coupling.forward(jnp.ones(1), jnp.full(1, 2.0)) == 3


def test_the_log_det_sums_over_part_b(randomised):
    net = randomised(lambda: MLP(jr.key(0), 2, 6, hidden=(4,)))
    coupling = Coupling(Affine("softplus"), net, halves(5))
    x = np.linspace(-1, 1, 5, dtype=np.float32)
    log_det = coupling.forward_and_log_det(x)[1]
    raw = np.asarray(net(jnp.asarray(x[:2]))).reshape(2, 3)[0]
    expected = np.log(np.log1p(np.exp(raw + np.log(np.e - 1)))).sum()
    np.testing.assert_allclose(log_det, expected, rtol=1e-5)


def test_the_key_reaches_the_net():
    def net(a, context=None, *, key=None):
        return jnp.zeros(1) if key is None else jr.normal(key, (1,))

    coupling = Coupling(Shift(), net, halves(2))
    assert coupling.forward(jnp.zeros(2))[1] == 0
    assert coupling.forward(jnp.zeros(2), key=jr.key(1))[1] == jr.normal(jr.key(1), (1,))[0]


@pytest.mark.parametrize(
    ("mask", "context_shape"), [([True, True], None), ([False, False], None), ([True], (1,)), ([False], None)]
)
def test_a_mask_with_nothing_to_map_or_to_know_is_refused(mask, context_shape):
    with pytest.raises(ConfigError) as caught:
        Coupling(Shift(), counting, mask, context_shape)
    assert str(caught.value) == (
        f"Coupling: expected a mask with True and False elements, got {len(mask)} equal ones. "
        "A coupling needs at least two features."
    )


def test_a_net_of_the_wrong_size_is_refused():
    coupling = Coupling(RationalQuadraticSpline(4), MLP(jr.key(0), 2, 32, hidden=()), halves(5))
    with pytest.raises(ShapeError) as caught:
        jax.eval_shape(coupling.forward, jnp.zeros(5))
    assert str(caught.value) == "Coupling: expected a net that returns 3 x 11 parameters, got 32 from MLP."


def test_masks():
    assert halves(5).tolist() == [True, True, False, False, False]
    assert halves(4, swap=True).tolist() == [False, False, True, True]
    assert alternating(5).tolist() == [True, False, True, False, True]
    assert alternating(4, swap=True).tolist() == [False, True, False, True]
    assert alternating(1).tolist() == alternating(1, swap=True).tolist() == [False]
    assert checkerboard((2, 3)).tolist() == [[True, False, True], [False, True, False]]
    assert checkerboard((2, 2, 3), swap=True)[..., 2].tolist() == [[False, True], [True, False]]
    with pytest.raises(ConfigError) as caught:
        checkerboard((4,))
    assert (
        str(caught.value) == "checkerboard: expected (height, width) or (height, width, channels), got (4,)."
    )


def test_every_split_of_five_elements_comes_back_together():
    values = np.arange(5.0)
    for known in itertools.chain.from_iterable(itertools.combinations(range(5), k) for k in range(5)):
        rest = tuple(i for i in range(5) if i not in known)
        a, b = (_take(jnp.asarray(values), part) for part in (known, rest))
        np.testing.assert_array_equal(a, values[list(known)])
        np.testing.assert_array_equal(_merge(a, b, known=known, rest=rest), values)
        merge = functools.partial(_merge, known=known, rest=rest)
        both = np.stack([values, -values])
        np.testing.assert_array_equal(jax.vmap(merge)(jnp.stack([a, -a]), jnp.stack([b, -b])), both)
        of_one_a = np.where(np.isin(np.arange(5), known), values, both)
        np.testing.assert_array_equal(jax.vmap(merge, (None, 0))(a, jnp.stack([b, -b])), of_one_a)


@pytest.mark.parametrize("mask", [halves(6), halves(7, swap=True), alternating(6), alternating(7, swap=True)])
def test_regular_masks_compile_to_neither_gather_nor_scatter(mask):
    shifts = Coupling(Shift(), lambda a, context=None, *, key=None: jnp.zeros(mask.size - a.size), mask)
    program = (
        jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(shifts.forward(x))))).lower(jnp.zeros(mask.size)).as_text()
    )
    assert "gather" not in program
    assert "scatter" not in program


def test_a_wide_event_is_traced_quickly():
    """The index work happens at every trace: it must not grow with the square of the features."""
    mask = np.random.default_rng(0).random(20_000) < 0.5
    coupling = Coupling(Shift(), lambda a, context=None, *, key=None: jnp.zeros((~mask).sum()), mask)
    start = time.process_time()
    jax.eval_shape(coupling.forward, jax.ShapeDtypeStruct(mask.shape, jnp.float32))
    assert time.process_time() - start < 2
