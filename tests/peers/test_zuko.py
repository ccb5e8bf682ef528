"""zuko's MAF, autoregressive and coupling spline flows, copied: same densities, same samples.

Their log-scale is a / (1 + |a / log(1e-3)|) and ours a bounded tanh; their splines have no least bin size but bounded
logits. Both are rewritten as parameters of ours.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from peers.copying import MIN_BIN, Translated, check_against, made, mlp, slopes_to
from pushforward.bijectors import Affine, Autoregressive, Chain, Coupling, RationalQuadraticSpline

pytestmark = pytest.mark.peers
LOG_SLOPE = math.log(1e-3)
BOUND = 8.0  # of our log-scale: above theirs, which stays within 6.9


def affine(params):
    shift, raw = params
    log_scale = raw / (1 + jnp.abs(raw / LOG_SLOPE))
    return jnp.stack([BOUND * jnp.arctanh(log_scale / BOUND), shift])


def spline(params, bins):
    def sizes(raw):
        share = jax.nn.softmax(raw / (1 + jnp.abs(2 * raw / LOG_SLOPE)), axis=0)
        return jnp.log((share - MIN_BIN) / (1 - bins * MIN_BIN))

    slopes = params[2 * bins :]
    slopes = slopes_to(jnp.exp(slopes / (1 + jnp.abs(slopes / LOG_SLOPE))))
    return jnp.concatenate([sizes(params[:bins]), sizes(params[bins : 2 * bins]), slopes])


def scalar_map(saved, kind):
    bins = int(saved["bins"])
    if kind == "maf":
        return Translated(Affine("exp", BOUND), affine)
    return Translated(RationalQuadraticSpline(bins, 5.0), lambda params: spline(params, bins))


@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize("features", [2, 5])
@pytest.mark.parametrize("kind", ["maf", "nsf", "coupling"])
def test_same_densities_and_samples(peer, kind, features, context):
    saved = peer("zuko", kind, features, context)
    with jax.enable_x64(True):
        scalar, shape, layers = scalar_map(saved, kind), (context,) if context else None, []
        for i in range(int(saved["layers"])):
            if kind == "coupling":
                mask = saved[f"{i}/mask"]
                net = mlp(saved, i, int(mask.sum()), scalar.num_params, context)
                layers.append(Coupling(scalar, net, mask, shape))
            else:
                order = np.argsort(saved[f"{i}/order"])
                net = made(saved, i, features, scalar.num_params, context, order)
                layers.append(Autoregressive(scalar, net, shape))
        check_against(saved, Chain(layers), saved.get("context"))
