"""nflows' MAF, autoregressive and coupling spline flows, copied: same densities, same samples.

Its scale is softplus(a) + 1e-3; its splines are ours, but for a shift of the slopes, and in couplings of the logits'
scale. A context enters its masked networks as relu(W c + b), which ours, linear in the context, is told as such. Units
that see the context alone do not exist there; ours have weights zero. Its residual networks have no activation before
the last layer and ours do, so these are not compared.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from peers.copying import Translated, check_against, made, mlp, slopes_to, softplus_to
from pushforward.bijectors import Affine, Autoregressive, Chain, Coupling, Permute, RationalQuadraticSpline

pytestmark = pytest.mark.peers


def affine(params):
    return jnp.stack([softplus_to(jax.nn.softplus(params[0]) + 1e-3), params[1]])


def scalar_map(saved, kind):
    bins = int(saved["bins"])
    shrink = np.sqrt(len(saved["0/0/bias"])) if kind == "coupling" else 1.0

    def spline(params):
        slopes = slopes_to(1e-3 + jax.nn.softplus(params[2 * bins :]))
        return jnp.concatenate([params[: 2 * bins] / shrink, slopes])

    return (
        Translated(Affine("softplus"), affine)
        if kind == "maf"
        else Translated(RationalQuadraticSpline(bins, 4.0), spline)
    )


def told(saved):
    """What the context adds to the first layer of every network, one behind the other, shape (rows, layers * width)."""
    count = int(saved["layers"])
    parts = [
        saved["context"] @ saved[f"{i}/context/weight"].T + saved[f"{i}/context/bias"] for i in range(count)
    ]
    return np.maximum(np.concatenate(parts, axis=1), 0)


@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize("features", [2, 5])
@pytest.mark.parametrize("kind", ["maf", "nsf", "coupling"])
def test_same_densities_and_samples(peer, kind, features, context):
    saved = peer("nflows", kind, features, context)
    count, given = int(saved["layers"]), saved.get("context")
    if context and kind != "coupling":
        given = told(saved)
    size = given.shape[1] if context else 0
    shape = (size,) if context else None
    with jax.enable_x64(True):
        scalar, layers = scalar_map(saved, kind), []
        for i in range(count):
            layers.append(Permute(saved[f"{i}/permutation"]))
            if kind == "coupling":
                mask = np.arange(features) % 2 == 0
                net = mlp(saved, i, int(mask.sum()), scalar.num_params, context)
                layers.append(Coupling(scalar, net, mask, shape))
            else:
                pick = np.kron(np.eye(count)[i : i + 1], np.eye(size // count)) if context else None
                net = made(saved, i, features, scalar.num_params, size, told=pick)
                layers.append(Autoregressive(scalar, net, shape))
        check_against(saved, Chain(layers), given)
