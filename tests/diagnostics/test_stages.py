import equinox as eqx
import jax
import numpy as np

from pushforward.bijectors import Identity
from pushforward.data.encoding import learn_encoder
from pushforward.diagnostics import flow_stages
from pushforward.distributions import Dequantized, Flow
from pushforward.distributions.encoding import Cells
from pushforward.flows import realnvp


def test_the_stages_are_those_of_sampling_read_backwards():
    flow = realnvp(jax.random.key(0), features=2, context_features=1, layers=2, hidden=(4,))
    # As it is built, every layer is the identity, and no order could be told from another.
    flow = jax.tree.map(lambda leaf: leaf + 0.3 if eqx.is_inexact_array(leaf) else leaf, flow)
    rows, given = np.random.default_rng(0).normal(size=(2, 6, 2))
    given = given[:, :1]
    found = flow_stages(flow, rows, given)
    z = flow.to_base(rows, given)
    there = flow.intermediates(z, given)[::-1]
    assert len(found) == len(there) == len(flow.layers()) + 1
    for ours, theirs in zip(found, there, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_of_a_mixed_law_they_begin_with_the_middles_of_boxes():
    codes = np.stack([np.tile([0.0, 1.0], 50), np.linspace(-1, 1, 100)], axis=1)
    encoder = learn_encoder((Cells("levels", count=2, step=1.0), Cells("values")), codes, 8)
    inner = realnvp(jax.random.key(1), features=2, layers=1, hidden=(4,))
    law = Flow(Dequantized(inner, encoder, 4), Identity((2,)))
    found = flow_stages(law, codes[:5])
    # Half of the normal law's mass is below 0: the middles of its halves are its quartiles.
    np.testing.assert_allclose(found[0][:2, 0], [-0.6745, 0.6745], atol=1e-3)
    np.testing.assert_allclose(found[-1], law.base.to_base(codes[:5]), atol=1e-5)
