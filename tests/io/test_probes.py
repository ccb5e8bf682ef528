import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import NotConverged
from pushforward.io import probes


@pytest.mark.parametrize("context_features", [0, 2])
def test_probes_are_samples_with_their_densities(tiny, context_features):
    flow = tiny(jr.key(1), features=3, context_features=context_features)
    found = probes.make(flow)
    expected = probes.expected(flow)
    assert {name: array.shape for name, array in found.items()} == {
        name: spec.shape for name, spec in expected.items()
    }
    assert set(found) == {"probes.x", "probes.log_prob"} | ({"probes.context"} if context_features else set())
    context = found.get("probes.context")
    np.testing.assert_array_equal(found["probes.log_prob"], flow.log_prob(found["probes.x"], context))
    assert len(np.unique(found["probes.x"])) == 12
    probes.check(flow, found)


def test_the_same_flow_has_the_same_probes(flow):
    first, second = probes.make(flow), probes.make(flow)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_split():
    own, points = probes.split({"bijector.weight": 1, "probes.x": 2, "probes.log_prob": 3, "probes.else": 4})
    assert own == {"bijector.weight": 1, "probes.else": 4}
    assert points == {"probes.x": 2, "probes.log_prob": 3}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_probes_have_the_dtype_of_the_flow(tiny, dtype):
    with jax.enable_x64(True):
        flow = tiny(jr.key(1), features=3, context_features=1)
        flow = jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, flow)
        found = probes.make(flow)
        assert {array.dtype.name for array in found.values()} == {dtype}
        probes.check(flow, found)


@pytest.mark.parametrize(("dtype", "relative"), [(np.float32, 1e-4), (np.float64, 1e-8)])
def test_the_tolerance(tiny, refused, dtype, relative):
    with jax.enable_x64(dtype == np.float64):
        flow = tiny(jr.key(1), features=3)
        found = probes.make(flow)
        stored = found["probes.log_prob"]
        assert stored.dtype == dtype
        bound = relative * (1 + abs(float(stored[2])) + 3)
        shift = np.zeros(4, dtype)
        shift[2] = bound
        probes.check(flow, found | {"probes.log_prob": stored + 0.9 * shift})
        other = stored + 1.1 * shift
        assert refused(probes.check, flow, found | {"probes.log_prob": other}) == (
            f"probe 2: expected a log-density of {other[2]:.9g}, as when saved, got {stored[2]:.9g} now"
        )


def test_a_density_that_became_nan_is_refused(flow, refused):
    found = probes.make(flow)
    broken = eqx.tree_at(lambda tree: tree.bijector.weight, flow, jnp.full(3, jnp.nan))
    message = (
        f"probe 0: expected a log-density of {found['probes.log_prob'][0]:.9g}, as when saved, got nan now"
    )
    assert refused(probes.check, broken, found) == message


class Moody(eqx.Module):
    """Stands for a flow that now and then gives a sample without a finite density."""

    inner: eqx.Module
    event_shape: tuple = (3,)
    context_shape: None = None
    limit: float = 0.0
    dtype: str | None = None

    def sample(self, key, shape, context):
        return self.inner.sample(key, shape, context)

    def log_prob(self, x, context):
        return jnp.where(x[:, 0] < self.limit, self.inner.log_prob(x, context).astype(self.dtype), -jnp.inf)


def test_points_without_a_finite_density_are_passed_over(flow):
    middle = float(jnp.median(flow.sample(jr.key(9), 100)[:, 0]))
    found = probes.make(Moody(flow, limit=middle))
    assert np.isfinite(found["probes.log_prob"]).all()
    assert (found["probes.x"][:, 0] < middle).all()


def test_a_density_of_another_dtype_is_stored_like_the_rest(tiny):
    with jax.enable_x64(True):
        flow = tiny(jr.key(1), features=3)
        flow = jax.tree.map(lambda leaf: leaf.astype("f4") if eqx.is_inexact_array(leaf) else leaf, flow)
        found = probes.make(Moody(flow, limit=np.inf, dtype="float64"))
        assert {array.dtype.name for array in found.values()} == {"float32"}


def test_a_flow_without_any(flow, refused):
    assert refused(probes.make, Moody(flow, limit=-jnp.inf)) == (
        "probes: expected 4 samples of the flow with finite log-densities, got 0 in 32 draws"
    )


def test_a_density_that_cannot_be_computed(flow, refused, monkeypatch):
    found = probes.make(flow)

    def log_prob(self, x, context=None):
        raise NotConverged("Planar.inverse: no root after 50 steps.")

    monkeypatch.setattr(type(flow), "log_prob", log_prob)
    assert refused(probes.check, flow, found) == (
        "probes: expected log-densities at points of the flow, "
        "got NotConverged: Planar.inverse: no root after 50 steps"
    )


def test_matrix_products_are_exact_while_probing(flow, monkeypatch):
    """Else a file saved on an accelerator with coarse products would be refused on a processor."""
    seen = []

    def log_prob(self, x, context=None):
        seen.append(jax.config.jax_default_matmul_precision)
        return jnp.zeros(4)

    monkeypatch.setattr(type(flow), "log_prob", log_prob)
    probes.check(flow, probes.make(flow))
    assert set(seen) == {"highest"}
    assert jax.config.jax_default_matmul_precision is None
