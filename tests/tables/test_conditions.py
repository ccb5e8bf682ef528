"""Contexts of a table: scores learned from the training rows alone."""

import numpy as np

from pushforward.tables.conditions import Conditions
from pushforward.tables.preparation import Split


def test_scores_come_from_the_training_rows_and_serve_both():
    rng = np.random.default_rng(0)
    contexts = np.stack([1e4 + rng.exponential(size=500), rng.integers(0, 2, size=500)], axis=1)
    rows = np.zeros((500, 1))
    found = Conditions.learned(
        Split(rows[:400], contexts[:400], rows[400:], contexts[400:] + np.array([1e6, 0]))
    )
    assert found.features == 2
    assert abs(found.training[:, 0].mean()) < 0.1
    assert 0.9 < found.training[:, 0].std() < 1.1
    assert (found.held_out[:, 0] > 3).all()  # the shift does not reach the scores of the training rows
    assert found.some(np.array([3])).tolist() == found.training[3:4].tolist()
    expected = found.marginals.inverse(contexts[0].astype(np.float32))
    # 1e4 has a step of 1e-3 in float32: the model takes contexts as exact as its numbers.
    np.testing.assert_allclose(found.training[0, 1], expected[1], atol=1e-5)


def test_without_contexts_there_is_nothing():
    empty = np.empty((3, 0))
    assert Conditions.learned(Split(np.zeros((3, 1)), empty, np.zeros((3, 1)), empty)).features == 0
