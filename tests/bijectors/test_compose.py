import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import (
    LU,
    Affine,
    Chain,
    Coupling,
    Elementwise,
    Invert,
    Permute,
    Reverse,
    Scale,
    Shift,
    Stack,
    compose,
    halves,
)
from pushforward.bijectors.base import Bijector, Cheap
from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import MLP

ADD = Elementwise(Shift(), (2,), jnp.ones((2, 1)))
DOUBLE = Elementwise(Scale(), (2,), jnp.full((2, 1), jnp.log(2.0)))


class Odd(Bijector):
    """A map of any declared shapes, contexts and cheap side; adds the noise of its key."""

    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    context_shape: tuple[int, ...] | None = eqx.field(static=True, default=None)
    cheap: Cheap = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x, context=None, *, key=None):
        return x.reshape(self.out_shape) + (0 if key is None else jr.normal(key)), jnp.zeros(())

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return y.reshape(self.in_shape) - (0 if key is None else jr.normal(key)), jnp.zeros(())


class Weighted(Bijector):
    """y = weights * x: its shape is read off its array."""

    weights: jax.Array

    @property
    def in_shape(self):
        return self.weights.shape

    @property
    def out_shape(self):
        return self.weights.shape

    @property
    def context_shape(self):
        return None

    @property
    def cheap(self):
        return "both"

    def forward_and_log_det(self, x, context=None, *, key=None):
        return self.weights * x, jnp.sum(jnp.log(self.weights))

    def inverse_and_log_det(self, y, context=None, *, key=None):
        return y / self.weights, -jnp.sum(jnp.log(self.weights))


@pytest.fixture
def layer(randomised):
    """Return a function (seed, context): a permutation, a linear map and a coupling with dropout."""

    def build(seed, context=None):
        sizes = {"context_features": context or 0, "hidden": (8,), "dropout": 0.5}
        linear, net = randomised(lambda: (LU(5), MLP(jr.key(0), 2, 6, **sizes)), seed)
        coupling = Coupling(Affine(), net, halves(5), None if context is None else (context,))
        return Chain([Permute(np.random.default_rng(seed).permutation(5)), linear, coupling])

    return build


# Chain


def test_a_chain_applies_its_parts_in_sampling_order():
    chain = Chain([ADD, DOUBLE])
    y, log_det = chain.forward_and_log_det(jnp.array([1.0, 3.0]))
    np.testing.assert_allclose(y, [4, 8])
    np.testing.assert_allclose(log_det, 2 * np.log(2), rtol=1e-6)
    x, log_det = chain.inverse_and_log_det(y)
    np.testing.assert_allclose(x, [1, 3])
    np.testing.assert_allclose(log_det, -2 * np.log(2), rtol=1e-6)


def test_a_chain_is_a_sequence_of_its_parts():
    chain = Chain([ADD, DOUBLE])
    assert (len(chain), chain[0], chain[-1]) == (2, ADD, DOUBLE)
    assert list(chain) == [ADD, DOUBLE]


def test_a_chain_passes_the_context_to_those_that_take_one(layer):
    conditioned = layer(0, context=3)
    chain = Chain([Reverse((5,)), conditioned])
    assert chain.context_shape == (3,)
    x, context = jnp.arange(5.0), jnp.ones(3)
    both = jax.jit(lambda x, context: (chain.forward(x, context), conditioned.forward(x[::-1], context)))
    np.testing.assert_array_equal(*both(x, context))


def test_every_part_has_randomness_of_its_own():
    chain = Chain([Odd(), Odd()])
    x, key = jnp.zeros(2), jr.key(3)
    expected = jr.normal(jr.fold_in(key, 0)) + jr.normal(jr.fold_in(key, 1))
    np.testing.assert_allclose(chain.forward(x, key=key), expected, rtol=1e-6)
    np.testing.assert_allclose(chain.inverse(chain.forward(x, key=key), key=key), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        (("both", "both"), "both"),
        (("both", "forward"), "forward"),
        (("inverse", "inverse"), "inverse"),
        (("forward", "inverse"), "neither"),
        (("neither", "forward"), "neither"),
    ],
)
def test_the_cheap_side_of_a_chain(sides, expected):
    assert Chain([Odd(cheap=side) for side in sides]).cheap == expected


def test_a_chain_has_the_shapes_of_its_ends():
    chain = Chain([Odd(in_shape=(6,), out_shape=(2, 3)), Odd(in_shape=(2, 3), out_shape=(3, 2))])
    assert (chain.in_shape, chain.out_shape) == ((6,), (3, 2))
    assert chain.inverse(chain.forward(jnp.arange(6.0))).tolist() == list(range(6))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Chain([]), ConfigError, "Chain: expected at least one bijector, got an empty list."),
        (
            lambda: Chain([LU(3), Reverse((4,))]),
            ShapeError,
            "Chain: bijectors[1] (Reverse) expects events of shape (4,), but bijectors[0] (LU) gives (3,).",
        ),
        (
            lambda: Chain([Odd(context_shape=(1,)), Odd(), Odd(context_shape=(2,))]),
            ShapeError,
            "Chain: its parts expect contexts of different shapes: [(1,), (2,)].",
        ),
        (lambda: Stack([]), ConfigError, "Stack: expected at least one layer, got an empty list."),
        (
            lambda: Stack([LU(3), LU(3), LU(2)]),
            ConfigError,
            "Stack: expected layers of one structure, but layer 2 differs from layer 0. "
            "Use Chain for layers that differ.",
        ),
        (
            lambda: Stack([Elementwise(Affine(bound=2.0), (2,)), Elementwise(Affine(), (2,))]),
            ConfigError,
            "Stack: expected layers of one structure, but layer 1 differs from layer 0. "
            "Use Chain for layers that differ.",
        ),
        (
            lambda: Stack([Odd(in_shape=(6,), out_shape=(2, 3))]),
            ShapeError,
            "Stack: expected layers that keep the shape, got (6,) -> (2, 3).",
        ),
        (
            lambda: Stack([ADD, ADD]).layer(2),
            IndexError,
            "Stack.layer: expected an index of one of 2 layers, got 2.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(build, error, message):
    with pytest.raises(error) as caught:
        build()
    assert str(caught.value) == message


# Stack


@pytest.mark.parametrize("small", [2048, 5])
def test_a_stack_is_the_chain_of_its_layers(layer, small, monkeypatch):
    """Values and gradients, both directions, with dropout and a context; arrays turned, and read at an index."""
    monkeypatch.setattr(compose, "_SMALL", small)
    layers = [layer(seed, context=3) for seed in range(3)]
    x, context, key = jnp.linspace(-1, 1, 5), jnp.array([0.3, -1.0, 2.0]), jr.key(2)

    def results(bijector):
        def loss(arrays, static, x):
            whole = eqx.combine(arrays, static)
            y, log_det = whole.forward_and_log_det(x, context, key=key)
            z, log_det_back = whole.inverse_and_log_det(x, context, key=key)
            out = (y, z, log_det, log_det_back)
            return sum(jnp.sum(jnp.sin(value)) for value in out), out

        arrays, static = eqx.partition(bijector, eqx.is_inexact_array)
        return jax.jit(lambda arrays, x: jax.grad(loss, (0, 2), has_aux=True)(arrays, static, x))(arrays, x)

    (by_arrays, by_x), values = results(Chain(layers))
    (by_stacked, by_x_stacked), stacked_values = results(Stack(layers, unroll=2))
    for found, wanted in zip(stacked_values, values, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(by_x_stacked, by_x, rtol=1e-4, atol=1e-4)
    expected = jax.tree.map(lambda *leaves: np.stack(leaves), *by_arrays.bijectors)
    for found, wanted in zip(jax.tree.leaves(by_stacked.stacked), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_stack_reads_only_large_arrays_at_its_loops_index(layer, monkeypatch):
    """A small array, such as a bias, would keep what the compiler fuses with it from being vectorised."""
    monkeypatch.setattr(compose, "_SMALL", 24)
    stack = Stack([layer(seed) for seed in range(3)])
    sizes = [leaf[0].size for leaf in jax.tree.leaves(eqx.filter(stack.stacked, eqx.is_array))]
    assert min(sizes) <= 24 < max(sizes)
    for apply in (stack.forward, stack.inverse):
        (loop,) = (e for e in jax.make_jaxpr(apply)(jnp.zeros(5)).eqns if e.primitive.name == "scan")
        turns = zip(loop.invars, loop.params["jaxpr"].in_avals, strict=True)
        found = sorted(inner.size for outer, inner in turns if outer.aval.shape != inner.shape)
        assert found == sorted([1, *(size for size in sizes if size > 24)])


@pytest.mark.parametrize(("cheap", "unrolled"), [("forward", (3, 1)), ("inverse", (1, 3)), ("both", (3, 3))])
def test_a_stack_unrolls_its_cheap_direction_alone(cheap, unrolled, layer):
    stack = Stack([layer(seed) for seed in range(3)], unroll=3)
    object.__setattr__(stack, "cheap", cheap)
    for apply, expected in zip((stack.forward, stack.inverse), unrolled, strict=True):
        (loop,) = (e for e in jax.make_jaxpr(apply)(jnp.zeros(5)).eqns if e.primitive.name == "scan")
        assert loop.params["unroll"] == expected


def test_the_layers_of_a_stack_can_be_taken_out(layer):
    layers = [layer(seed) for seed in range(3)]
    stack = Stack(layers)
    for index in (0, 2, -1):
        assert eqx.tree_equal(stack.layer(index), layers[index])


def test_a_stack_takes_layers_whose_shape_comes_from_an_array():
    stack = Stack([Weighted(jnp.array([1.0, 2.0])), Weighted(jnp.array([3.0, 4.0]))])
    assert (stack.in_shape, stack.out_shape, stack.context_shape, stack.cheap) == ((2,), (2,), None, "both")
    y, log_det = stack.forward_and_log_det(jnp.ones(2))
    np.testing.assert_allclose(y, [3, 8])
    np.testing.assert_allclose(log_det, np.log(24), rtol=1e-6)


def test_a_stack_promotes_as_its_chain_does(layer):
    layers = [layer(seed, context=3) for seed in range(2)]
    arguments = [
        (np.float32, np.float32, jnp.float32),
        (np.float32, np.float64, jnp.float64),
        (np.float64, np.float32, jnp.float64),
    ]
    with jax.enable_x64(True):
        for x, context, expected in arguments:
            for bijector in (Chain(layers), Stack(layers)):
                out = jax.eval_shape(bijector.forward, np.zeros(5, x), np.zeros(3, context))
                assert out.dtype == expected


# Invert


def test_invert_exchanges_the_directions():
    inner = Odd(in_shape=(6,), out_shape=(2, 3), context_shape=(1,), cheap="forward")
    outer = Invert(inner)
    assert (outer.in_shape, outer.out_shape, outer.context_shape) == ((2, 3), (6,), (1,))
    assert (outer.cheap, Invert(outer).cheap, Invert(Odd(cheap="neither")).cheap) == (
        "inverse",
        "forward",
        "neither",
    )
    x = jnp.array([1.0, 3.0])
    np.testing.assert_array_equal(Invert(DOUBLE).forward(x), DOUBLE.inverse(x))
    assert Invert(DOUBLE).forward_and_log_det(x)[1] == DOUBLE.inverse_and_log_det(x)[1]
    assert Invert(DOUBLE).inverse_and_log_det(x)[1] == DOUBLE.forward_and_log_det(x)[1]
