"""zuko: `NICE`, its coupling flow, and `MAF`, with affine or spline univariates.

`NSF(passes=2)` is also a coupling, but through a masked network that computes and discards the parameters of
the passive half; giving `NICE` the spline univariate is faster and has exactly the workload's sizes.
Alternating checkered masks take the place of a permutation between layers.
"""

import zuko
from torch_jobs import jobs


def build(workload, rows, compiled):
    spline = {}
    if workload.bins is not None:
        knots = ((workload.bins,), (workload.bins,), (workload.bins - 1,))
        spline = {"univariate": zuko.transforms.MonotonicRQSTransform, "shapes": knots}
    recipe = zuko.flows.MAF if workload.autoregressive else zuko.flows.NICE
    flow = recipe(workload.features, transforms=workload.layers, hidden_features=workload.hidden, **spline)
    return jobs(flow, lambda x: flow().log_prob(x), lambda n: flow().sample((n,)), rows, workload, compiled)
