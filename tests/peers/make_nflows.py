"""Build a small nflows flow with random weights and save it with densities and samples; run by nflows' own Python.

make_nflows.py OUTPUT.npz maf|nsf|coupling FEATURES CONTEXT
"""

import sys
from itertools import pairwise

import numpy as np
import torch
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import (
    CompositeTransform,
    MaskedAffineAutoregressiveTransform,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
    PiecewiseRationalQuadraticCouplingTransform,
    RandomPermutation,
)
from torch import nn

LAYERS, BINS, HIDDEN = 3, 6, 12
SPLINE = {"num_bins": BINS, "tails": "linear", "tail_bound": 4.0}


class Net(nn.Sequential):
    """A plain ReLU network in the call that couplings make; they divide logits by the root of its width."""

    hidden_features = HIDDEN

    def __init__(self, inputs: int, outputs: int):
        sizes = [inputs, HIDDEN, HIDDEN, outputs]
        layers = [part for pair in pairwise(sizes) for part in (nn.Linear(*pair), nn.ReLU())]
        super().__init__(*layers[:-1])

    def forward(self, x, context=None):
        """Parameters of the second part."""
        return super().forward(x if context is None else torch.cat([x, context], dim=1))


def build(kind: str, features: int, context: int) -> list[nn.Module]:
    sizes = {"features": features, "hidden_features": HIDDEN, "num_blocks": 1, "use_residual_blocks": False}
    sizes["context_features"] = context or None
    if kind == "maf":
        return [MaskedAffineAutoregressiveTransform(**sizes) for _ in range(LAYERS)]
    if kind == "nsf":
        return [
            MaskedPiecewiseRationalQuadraticAutoregressiveTransform(**sizes, **SPLINE) for _ in range(LAYERS)
        ]
    mask = torch.arange(features) % 2  # 1 for what is mapped

    def net(inputs: int, outputs: int) -> Net:
        return Net(inputs + context, outputs)

    return [PiecewiseRationalQuadraticCouplingTransform(mask, net, **SPLINE) for _ in range(LAYERS)]


def linear_layers(kind: str, layer: nn.Module) -> list[nn.Linear]:
    if kind == "coupling":
        return [part for part in layer.transform_net if isinstance(part, nn.Linear)]
    net = layer.autoregressive_net
    return [net.initial_layer, *(block.linear for block in net.blocks), net.final_layer]


@torch.no_grad()
def main(path: str, kind: str, features: int, context: int) -> None:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    layers = build(kind, features, context)
    mixers = [RandomPermutation(features) for _ in layers]
    parts = [part for pair in zip(mixers, layers, strict=True) for part in pair]
    flow = Flow(CompositeTransform(parts), StandardNormal([features]))
    for weight in flow.parameters():
        weight.copy_(torch.randn(weight.shape) / (weight.shape[1] ** 0.5 if weight.ndim == 2 else 3))
    x, z = 2 * torch.randn(40, features), 2 * torch.randn(40, features)
    told = torch.randn(40, context) if context else None
    saved = {"log_prob": flow.log_prob(x, told), "to_base": flow.transform_to_noise(x, told)}
    saved |= {"to_data": flow._transform.inverse(z, told)[0], "x": x, "z": z}
    saved |= {"layers": torch.tensor(LAYERS), "bins": torch.tensor(BINS)}
    if context:
        saved["context"] = told
    for i, (mixer, layer) in enumerate(zip(mixers, layers, strict=True)):
        saved[f"{i}/permutation"] = mixer._permutation
        for k, linear in enumerate(linear_layers(kind, layer)):
            saved |= {f"{i}/{k}/weight": linear.weight, f"{i}/{k}/bias": linear.bias}
            if kind != "coupling":
                saved[f"{i}/{k}/mask"] = linear.mask
        if context and kind != "coupling":
            told_by = layer.autoregressive_net.context_layer
            saved |= {f"{i}/context/weight": told_by.weight, f"{i}/context/bias": told_by.bias}
    np.savez(path, **{name: value.numpy() for name, value in saved.items()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
