import re

import jax.random as jr
import pytest

from pushforward.bijectors import Planar, Radial, Sylvester
from pushforward.errors import ConfigError


def test_what_starts_at_zero_is_what_makes_it_the_identity():
    """Were all of it zero, no parameter would have a gradient."""
    planar, radial, sylvester = (kind(4, key=jr.key(0)) for kind in (Planar, Radial, Sylvester))
    assert planar.w.any()
    assert not planar.u.any()
    assert radial.centre.any()
    assert not radial.raw.any()
    assert sylvester.vectors.shape == (4, 4)
    assert sylvester.diagonals[1].all()
    assert not sylvester.diagonals[0].any()


def test_the_cheap_side_follows_the_bend():
    assert Planar(2, key=jr.key(0)).cheap == "forward"
    assert Planar(2, bend="leaky_relu", key=jr.key(0)).cheap == "both"
    assert Sylvester(2, key=jr.key(0)).cheap == "forward"
    assert Sylvester(2, bend="leaky_relu", key=jr.key(0)).cheap == "both"
    assert Radial(2, key=jr.key(0)).cheap == "both"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda key: Planar(2, bend="relu", key=key),
            "Planar: expected bend tanh or leaky_relu, got 'relu'.",
        ),
        (
            lambda key: Sylvester(2, bend="relu", key=key),
            "Sylvester: expected bend tanh or leaky_relu, got 'relu'.",
        ),
        (lambda key: Sylvester(2, width=3, key=key), "Sylvester: expected a width from 1 to 2, got 3."),
        (
            lambda key: Sylvester(2, reflections=-1, key=key),
            "Sylvester: expected reflections of at least 0, got -1.",
        ),
    ],
)
def test_arguments_that_do_not_fit(build, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        build(jr.key(0))
