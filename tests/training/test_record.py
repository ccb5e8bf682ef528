"""The record of a run before its first step."""

import math

import equinox as eqx
import jax.random as jr
import numpy as np

from pushforward.bijectors.frozen import trainable
from pushforward.objectives import negative_log_likelihood
from pushforward.training import Optimizer
from pushforward.training.plan import make_plan
from pushforward.training.record import Job, Record
from pushforward.training.rows import split_rows


def test_a_fresh_record_holds_the_flow_as_it_came(affine, table, equal):
    flow = affine()
    params, fixed = eqx.partition(flow, trainable(flow))
    split = split_rows(flow, table, None, None, 0.1, jr.key(0))
    plan = make_plan(len(split.training), len(split.validation), 256, None, None, None)
    job = Job(params, fixed, split, plan, negative_log_likelihood, Optimizer(), jr.key(1))
    record = Record.fresh(job)
    equal(record.best, params)
    equal(record.state.params, params)
    assert record.step == record.best_step == 0
    assert math.isinf(record.best_loss)
    assert record.checks == ()
    assert np.asarray(record.state.loss_sum) == 0
