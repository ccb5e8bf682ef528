import re

import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Affine, Elementwise, Reverse
from pushforward.diagnostics import field, grid_lines, jacobian
from pushforward.errors import ConfigError


def test_field_has_the_density_at_the_centres():
    found = field(lambda x: -x[:, 0] - 10 * x[:, 1], ((0.0, 2.0), (1.0, 3.0)), size=2)
    expected = np.exp([[-0.5 - 15, -1.5 - 15], [-0.5 - 25, -1.5 - 25]])
    np.testing.assert_allclose(found.density, expected, rtol=1e-6)
    assert found.limits == ((0.0, 2.0), (1.0, 3.0))
    assert found.mass() == pytest.approx(4 * expected.mean())


def test_field_where_there_is_no_density():
    found = field(lambda x: jnp.where(x[:, 0] < 1, 0.0, -jnp.inf), ((0.0, 2.0), (0.0, 1.0)), size=10)
    assert found.mass() == pytest.approx(1.0)


def test_grid_lines():
    lines = grid_lines(((0.0, 1.0), (5.0, 9.0)), lines=3, points=5)
    assert lines.shape == (2, 3, 5, 2)
    np.testing.assert_array_equal(lines[0, 1], [[0.5, y] for y in (5, 6, 7, 8, 9)])
    np.testing.assert_array_equal(lines[1, 2], [[x, 9.0] for x in (0, 0.25, 0.5, 0.75, 1)])


def test_jacobian_has_outputs_in_rows():
    params = jnp.stack([3 * jnp.arctanh(jnp.log(jnp.asarray([2.0, 5.0])) / 3), jnp.zeros(2)], axis=1)
    np.testing.assert_allclose(
        jacobian(Elementwise(Affine(), (2,), params), [0.3, 0.4]), np.diag([2, 5]), rtol=1e-5
    )
    np.testing.assert_array_equal(jacobian(Reverse((3,)), [1.0, 2.0, 3.0]), np.eye(3)[::-1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: field(lambda x: x[:, 0], ((1.0, 1.0), (0.0, 1.0))),
            "field: expected limits ((left, right), (low, high)), each rising, got ((1.0, 1.0), (0.0, 1.0)).",
        ),
        (
            lambda: field(lambda x: x[:, 0], ((0.0, 1.0), (0.0, 1.0)), size=0),
            "field: expected size to be a positive whole number, got 0.",
        ),
        (
            lambda: grid_lines(((0.0, 1.0), (0.0, 1.0)), points=2.5),
            "grid_lines: expected points to be a positive whole number, got 2.5.",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        call()
