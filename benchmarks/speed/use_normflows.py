"""normflows: affine coupling blocks with swaps, or rational-quadratic couplings with alternating masks.

`CoupledRationalQuadraticSpline` would add a residual network and an unconditional spline on the passive half;
its inner coupling is used instead, with the workload's plain network, which is less work.
"""

import normflows as nf
from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling
from normflows.utils.masks import create_alternating_binary_mask
from torch_jobs import Conditioner, jobs


class SplineCoupling(nf.flows.Flow):
    """The coupling in the direction that `NormalizingFlow` expects: forward is base to data."""

    def __init__(self, workload, even):
        super().__init__()
        self.coupling = PiecewiseRationalQuadraticCoupling(
            create_alternating_binary_mask(workload.features, even=even),
            lambda inputs, outputs: Conditioner(inputs, outputs, workload.hidden),
            num_bins=workload.bins,
            tails="linear",
            tail_bound=5.0,
        )

    def forward(self, z):
        """Base to data."""
        return self.coupling.inverse(z)

    def inverse(self, x):
        """Data to base."""
        return self.coupling(x)


def build(workload, rows, compiled):
    if workload.autoregressive:
        return {}  # its masked autoregressive layer is fast in sampling, so it trains in the slow direction
    layers = []
    for i in range(workload.layers):
        if workload.bins is None:
            active = workload.features - workload.features // 2
            net = Conditioner(workload.features // 2, 2 * active, workload.hidden)
            layers += [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(workload.features, mode="swap")]
        else:
            layers.append(SplineCoupling(workload, even=i % 2 == 0))
    base = nf.distributions.DiagGaussian(workload.features, trainable=False)
    flow = nf.NormalizingFlow(base, layers)
    return jobs(flow, flow.log_prob, flow.sample, rows, workload, compiled)
