"""What was not found is refused by name, in eager and in compiled code."""

import equinox as eqx
import jax.numpy as jnp
import pytest

from pushforward.errors import NotConverged
from pushforward.numerics.convergence import naming_failures, unless_failed

MESSAGE = "Search: expected a root, got none."


def found(x, failed):
    return unless_failed(x, failed, MESSAGE)


def test_what_was_found_comes_back():
    x = jnp.array([1.0, 2.0])
    assert found(x, jnp.array([False, False])) is x
    assert (eqx.filter_jit(found)({"x": x, "none": None}, jnp.array(False))["x"] == x).all()


def test_failures_are_refused_and_keep_their_name():
    with pytest.raises(NotConverged) as caught:
        found(jnp.ones(2), jnp.array([False, True]))
    assert str(caught.value) == MESSAGE
    with pytest.raises(RuntimeError, match=f"NotConverged: {MESSAGE}"):
        eqx.filter_jit(found)(jnp.ones(2), jnp.array([False, True]))
    with pytest.raises(NotConverged) as caught, naming_failures():
        eqx.filter_jit(found)(jnp.ones(2), jnp.array([False, True]))
    assert str(caught.value) == MESSAGE


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match=r"^other$") as caught, naming_failures():
        raise RuntimeError("other")
    assert not isinstance(caught.value, NotConverged)
    with pytest.raises(NotConverged, match=r"^own$"), naming_failures():
        raise NotConverged("own")
