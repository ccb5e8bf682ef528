"""Build a small zuko flow with random weights and save it with densities and samples; run by zuko's own Python.

make_zuko.py OUTPUT.npz maf|nsf|coupling FEATURES CONTEXT
"""

import sys

import numpy as np
import torch
import zuko
from torch import nn

LAYERS, BINS = 3, 6


def build(kind: str, features: int, context: int) -> nn.Module:
    # Every degree comes up equally often, as it does in Pushforward: from 1, or with a context from 0, to features - 1.
    degrees = features - 1 + (context > 0)
    sizes = {"transforms": LAYERS, "hidden_features": (3 * degrees, 2 * degrees)}
    if kind == "maf":
        return zuko.flows.MAF(features, context, randperm=True, **sizes)
    if kind == "nsf":
        return zuko.flows.NSF(features, context, bins=BINS, randperm=True, **sizes)
    spline = {"univariate": zuko.transforms.MonotonicRQSTransform, "shapes": ((BINS,), (BINS,), (BINS - 1,))}
    return zuko.flows.NICE(features, context, **sizes, **spline)


@torch.no_grad()
def main(path: str, kind: str, features: int, context: int) -> None:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    flow = build(kind, features, context)
    for weight in flow.parameters():
        weight.copy_(torch.randn(weight.shape) / (weight.shape[1] ** 0.5 if weight.ndim == 2 else 3))
    x, z = 2 * torch.randn(40, features), 2 * torch.randn(40, features)
    told = torch.randn(40, context) if context else None
    law = flow(told)
    saved = {"log_prob": law.log_prob(x), "to_base": law.transform(x), "to_data": law.transform.inv(z)}
    saved |= {"x": x, "z": z, "layers": torch.tensor(LAYERS), "bins": torch.tensor(BINS)}
    if context:
        saved["context"] = told
    for i, layer in enumerate(flow.transform.transforms):
        saved[f"{i}/{'mask' if kind == 'coupling' else 'order'}"] = getattr(
            layer, "mask" if kind == "coupling" else "order"
        )
        for k, linear in enumerate(part for part in layer.hyper if isinstance(part, nn.Linear)):
            saved |= {f"{i}/{k}/weight": linear.weight, f"{i}/{k}/bias": linear.bias}
            if kind != "coupling":
                saved[f"{i}/{k}/mask"] = linear.mask
    np.savez(path, **{name: value.numpy() for name, value in saved.items()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
