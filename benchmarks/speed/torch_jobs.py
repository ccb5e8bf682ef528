"""What the three PyTorch libraries share: the training loop a user writes, and timing without autograd."""

import os
from itertools import pairwise

import torch
from torch import nn

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


class Conditioner(nn.Sequential):
    """A ReLU network with the workload's hidden units, with the call that nflows and normflows expect."""

    def __init__(self, inputs: int, outputs: int, hidden: tuple[int, ...]):
        sizes = (inputs, *hidden)
        layers = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        super().__init__(*layers, nn.Linear(sizes[-1], outputs))
        self.hidden_features = hidden[-1]  # both libraries scale the spline's logits by its root

    def forward(self, x, context=None):
        """Parameters from the passive features; there is never a context."""
        return super().forward(x)


def jobs(model: nn.Module, log_prob, sample, rows, workload, compiled: bool) -> dict:
    """The timed jobs of a model: each takes the number of calls to make."""
    device = torch.device(os.environ["TORCH_DEVICE"])
    model.to(device)
    data = torch.from_numpy(rows).to(device)
    # The fused kernel is the fastest Adam on a CPU (steps 1.05 to 1.25 times faster than with its default).
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss = torch.compile(lambda x: -log_prob(x).mean()) if compiled else lambda x: -log_prob(x).mean()
    batch = workload.batch
    batches = len(rows) // batch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def step(calls: int) -> None:
        for call in range(calls):
            if call % batches == 0:
                order = torch.randperm(len(data), device=device)
            start = call % batches * batch
            value = loss(data[order[start : start + batch]])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        wait()

    @torch.inference_mode()
    def density(calls: int) -> None:
        for _ in range(calls):
            log_prob(data[: workload.rows])
            wait()

    @torch.inference_mode()
    def draw(calls: int) -> None:
        for _ in range(calls):
            sample(workload.rows)
            wait()

    return {"training step": step} | ({} if compiled else {"density": density, "sampling": draw})
