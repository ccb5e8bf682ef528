"""What a network sees of given columns."""

import numpy as np

from pushforward.data.encoding import learn_encoder
from pushforward.distributions.encoding import Cells, CodeFeatures

N = 500
RNG = np.random.default_rng(0)
CELLS = [
    Cells("levels", count=3, step=1.0),
    Cells("values", missing=True, masses=(7.0,)),
    Cells("angle", period=4.0),
    Cells("values"),
]
CODES = np.stack(
    [
        RNG.integers(0, 3, size=N),
        RNG.normal(size=N),
        RNG.uniform(0, 4, size=N),
        1e4 + RNG.exponential(size=N),
    ],
    axis=1,
)
CODES[:50, 1], CODES[50:100, 1] = np.nan, 7.0


def test_scores_indicators_and_directions():
    features = CodeFeatures(learn_encoder(CELLS, CODES, knots=16))
    assert features.in_shape == (4,)
    assert features.out_shape == (3 + 2 + 3 + 2,)
    found = features.of_rows(CODES)
    levels, scores, classes, directions = np.split(found, [3, 5, 8], axis=1)
    np.testing.assert_array_equal(levels, np.eye(3)[CODES[:, 0].astype(int)])
    # The classes: the mass, missing, any other value. What is special has the score 0.
    kinds = np.where(np.isnan(CODES[:, 1]), 1, np.where(CODES[:, 1] == 7, 0, 2))
    np.testing.assert_array_equal(classes, np.eye(3)[kinds])
    assert (scores[:100, 0] == 0).all()
    ordinary = scores[100:, 0]
    assert np.argsort(ordinary).tolist() == np.argsort(CODES[100:, 1]).tolist()
    for column in (ordinary, scores[:, 1]):
        assert abs(column.mean()) < 0.1
        assert 0.9 < column.std() < 1.1
    angle = CODES[:, 2] * np.pi / 2
    np.testing.assert_allclose(directions, np.stack([np.cos(angle), np.sin(angle)], axis=1), atol=1e-5)


def test_a_level_that_was_never_seen_has_no_indicator():
    features = CodeFeatures(learn_encoder(CELLS[:1], CODES[:, :1], knots=4))
    assert features.of_rows([[-1.0]]).tolist() == [[0, 0, 0]]
