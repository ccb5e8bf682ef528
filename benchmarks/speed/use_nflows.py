"""nflows: affine or rational-quadratic coupling transforms with alternating masks (no permutation needed).

Its own conditioners are residual networks or an MLP that takes no context argument, so the couplings get the
plain network of the workload. The affine scale is sigmoid(. + 2) + 0.001, the only one it offers.
"""

from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import (
    AffineCouplingTransform,
    CompositeTransform,
    MaskedAffineAutoregressiveTransform,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
    PiecewiseRationalQuadraticCouplingTransform,
    ReversePermutation,
)
from nflows.utils.torchutils import create_alternating_binary_mask
from torch_jobs import Conditioner, jobs


def autoregressive(workload):
    """Masked layers with the order reversed between them, without residual blocks."""
    sizes = {
        "features": workload.features,
        "hidden_features": workload.hidden[0],
        "use_residual_blocks": False,
    }
    # A block is one hidden layer, after a first one.
    sizes["num_blocks"] = len(workload.hidden) - 1
    layers = []
    for _ in range(workload.layers):
        layers.append(ReversePermutation(workload.features))
        if workload.bins is None:
            layers.append(MaskedAffineAutoregressiveTransform(**sizes))
        else:
            layers.append(
                MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
                    num_bins=workload.bins, tails="linear", tail_bound=5.0, **sizes
                )
            )
    return layers


def build(workload, rows, compiled):
    def conditioner(inputs, outputs):
        return Conditioner(inputs, outputs, workload.hidden)

    if workload.autoregressive:
        flow = Flow(CompositeTransform(autoregressive(workload)), StandardNormal([workload.features]))
        return jobs(flow, flow.log_prob, flow.sample, rows, workload, compiled)
    layers = []
    for i in range(workload.layers):
        mask = create_alternating_binary_mask(workload.features, even=i % 2 == 0)
        if workload.bins is None:
            layers.append(AffineCouplingTransform(mask, conditioner))
        else:
            layers.append(
                PiecewiseRationalQuadraticCouplingTransform(
                    mask, conditioner, num_bins=workload.bins, tails="linear", tail_bound=5.0
                )
            )
    flow = Flow(CompositeTransform(layers), StandardNormal([workload.features]))
    return jobs(flow, flow.log_prob, flow.sample, rows, workload, compiled)
