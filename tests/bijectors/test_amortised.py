import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import ActNorm, Amortised, Identity, Permute, Planar
from pushforward.bijectors.amortised import count_parameters
from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import MLP


def test_it_is_the_bijector_with_the_nets_numbers_added(randomised):
    """In the order of the fields: log_scale, then shift. Another context is another map."""
    layer = randomised(
        lambda: Amortised(ActNorm((2,)), MLP(jr.key(0), 0, 4, context_features=3, hidden=(5,)), (3,))
    )
    x, contexts = jnp.array([0.3, -1.0]), jnp.array([[1.0, 0.0, 2.0], [0.5, 0.1, -2.0]])
    for context in contexts:
        numbers = layer.net(jnp.zeros(0), context)
        log_scale, shift = layer.bijector.log_scale + numbers[:2], layer.bijector.shift + numbers[2:]
        y, log_det = layer.forward_and_log_det(x, context)
        np.testing.assert_allclose(y, x * np.exp(log_scale) + shift, rtol=1e-5)
        np.testing.assert_allclose(log_det, np.sum(log_scale), rtol=1e-5)
    batch = jax.jit(jax.vmap(lambda c: layer.forward(x, c)))(contexts)
    assert np.abs(batch[0] - batch[1]).min() > 1e-3


def test_permutations_are_left_alone():
    """Only what is trained comes from the net."""
    assert count_parameters(Permute([1, 0])) == 0
    assert count_parameters(Planar(3, key=jr.key(0))) == 7


def test_it_starts_as_the_bijector():
    planar = eqx.tree_at(lambda p: p.u, Planar(3, key=jr.key(0)), jnp.ones(3))
    layer = Amortised(planar, MLP(jr.key(0), 0, 7, context_features=2, hidden=(4,)), (2,))
    x = jnp.array([1.0, 2.0, -3.0])
    np.testing.assert_array_equal(layer.forward(x, jnp.ones(2)), planar.forward(x))


def test_arguments_that_do_not_fit():
    net = MLP(jr.key(0), 0, 3, context_features=2, hidden=())
    inner = Amortised(ActNorm((1,)), MLP(jr.key(0), 0, 2, context_features=2, hidden=()), (2,))
    message = "Amortised: expected a bijector without a context, got Amortised with one of shape (2,)."
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        Amortised(inner, net, (2,))
    with pytest.raises(
        ConfigError, match=r"^Amortised: expected a bijector with parameters, got Identity\.$"
    ):
        Amortised(Identity((2,)), net, (2,))
    message = "Amortised: expected a net that returns 4 parameters, got 3 from MLP."
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
        Amortised(ActNorm((2,)), net, (2,)).forward(jnp.zeros(2), jnp.zeros(2))
