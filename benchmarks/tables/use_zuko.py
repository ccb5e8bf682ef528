"""zuko's neural spline flow and masked autoregressive flow, five transforms of 2 x 128 units."""

import copy

import numpy as np
import torch
import zuko
from loop import train

CHUNK = 4096


class Model:
    """A zuko flow behind the interface of `loop.train`."""

    def __init__(self, flow, split):
        self.flow = flow
        self.train = torch.tensor(split.train, dtype=torch.float32)
        self.validation = split.validation
        self.restore(self.snapshot())

    def step(self, rows, learning_rate):
        """One Adam step on the named training rows; returns the loss."""
        self.optimizer.param_groups[0]["lr"] = learning_rate
        loss = -self.flow().log_prob(self.train[torch.from_numpy(rows)]).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def validate(self):
        """Mean log density of the validation rows."""
        return float(self.log_prob(self.validation).mean())

    def snapshot(self):
        """The weights as they are."""
        return copy.deepcopy(self.flow.state_dict())

    def restore(self, weights):
        """Put weights back, with a fresh optimiser."""
        self.flow.load_state_dict(weights)
        self.optimizer = torch.optim.Adam(self.flow.parameters(), lr=1e-3, fused=True)

    @torch.inference_mode()
    def log_prob(self, rows):
        """Log density of NumPy rows, float64."""
        parts = torch.tensor(rows, dtype=torch.float32).split(CHUNK)
        return np.concatenate([self.flow().log_prob(part).double().numpy() for part in parts])


def fit(recipe, split, budget):
    torch.manual_seed(budget.seed)
    torch.set_num_threads(budget.threads)
    model = Model(recipe(split.train.shape[1], transforms=5, hidden_features=(128, 128)), split)
    return model.log_prob, train(model, len(split.train), budget)


METHODS = {
    "zuko-nsf": lambda split, budget: fit(zuko.flows.NSF, split, budget),
    "zuko-maf": lambda split, budget: fit(zuko.flows.MAF, split, budget),
}
