import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import ConfigError, DomainError, ShapeError
from pushforward.tables import preparation


def rows(n=300):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)) * [1, 1e4, 1e-4] + [0, 1e3, 5]


def refused(values, error, columns=None):
    with pytest.raises(error) as caught:
        preparation.check_rows(values, columns)
    return str(caught.value)


def test_bad_values_are_refused_with_names():
    bad = rows()
    bad[3, 1], bad[4, 1], bad[5, 2] = np.nan, np.inf, np.nan
    assert refused(bad, DomainError, ["a", "b", "c"]) == (
        "fit_table: expected finite values, got NaN or infinity in: b 2, c 1 (rows by column)."
    )
    assert (
        refused(np.zeros(5), ShapeError) == "fit_table: expected rows of shape (n, features), got shape (5,)."
    )
    assert refused(rows(2), ConfigError) == "fit_table: expected at least 3 rows, as many as columns, got 2."
    constant = rows()
    constant[:, 0] = 2
    assert refused(constant, ConfigError) == (
        "fit_table: constant columns have no density: c1. Leave them out."
    )
    twin = rows()
    twin[:, 2] = twin[:, 0]
    assert refused(twin, ConfigError) == (
        "fit_table: columns c1 and c3 are equal: their joint density is infinite. Leave one out."
    )
    assert refused(rows(), ShapeError, ["a"]) == "fit_table: expected 3 names of columns, got 1."


NONE = np.empty((100, 0))


def test_split_is_disjoint_and_last_is_last():
    values = np.arange(100.0)[:, None]
    split = preparation.split_rows(values, -values, 0.2, "random", jr.key(0))
    assert len(split.held_out) == 20
    assert sorted([*split.training[:, 0], *split.held_out[:, 0]]) == list(range(100))
    # Contexts go with their rows.
    assert (split.training_context == -split.training).all()
    assert (split.held_out_context == -split.held_out).all()
    split = preparation.split_rows(values, NONE, 0.2, "last", jr.key(0))
    assert split.held_out[:, 0].tolist() == list(range(80, 100))
    assert len(preparation.split_rows(values, NONE, 0.0, "random", jr.key(0)).held_out) == 0
    for share, text in ((1.0, "expected a validation share in [0, 1), got 1.0."),):
        with pytest.raises(ConfigError) as caught:
            preparation.split_rows(values, NONE, share, "random", jr.key(0))
        assert str(caught.value) == f"fit_table: {text}"


def test_given_validation_rows_bring_their_contexts():
    values, contexts = np.arange(100.0)[:, None], np.ones((100, 2))
    split = preparation.split_rows(values, contexts, (values[:5], contexts[:5]), "random", jr.key(0))
    assert (split.held_out == values[:5]).all()
    assert split.held_out_context.shape == (5, 2)
    for given, text in (
        (
            values,
            "expected validation rows with contexts, a tuple (rows, contexts), as the table has contexts, got ndarray.",
        ),
        (
            (values, contexts[:3]),
            "expected finite validation contexts of shape (n, 2), got shape (3, 2).",
        ),
    ):
        with pytest.raises(ShapeError) as caught:
            preparation.split_rows(values, contexts, given, "random", jr.key(0))
        assert str(caught.value) == f"fit_table: {text}"


def test_contexts_are_checked():
    assert preparation.check_context(None, 3).shape == (3, 0)
    for context, kind, text in (
        (
            np.ones((2, 1)),
            ShapeError,
            "contexts of shape (3, context_features), one for each row, got shape (2, 1).",
        ),
        (np.array([[1], [np.nan], [2]]), DomainError, "finite contexts, got NaN or infinity in 1 of 3 rows."),
    ):
        with pytest.raises(kind) as caught:
            preparation.check_context(context, 3)
        assert str(caught.value) == f"fit_table: expected {text}"
    with pytest.raises(ConfigError) as caught:
        preparation.check_context(np.array([[1.0, 2], [3, 2]]), 2)
    assert str(caught.value) == (
        "fit_table: number 2 of the contexts is constant and tells nothing: leave it out."
    )


def test_a_time_series_is_noticed_and_shuffled_rows_are_not():
    walk = np.cumsum(np.random.default_rng(1).normal(size=(500, 2)), axis=0)
    [note] = preparation.serial_note(walk, "random")
    assert note.startswith("Successive rows are alike (median correlation 0.9")
    assert preparation.serial_note(walk, "last") == []
    assert preparation.serial_note(np.random.default_rng(2).permutation(walk), "random") == []


def test_preprocessing_is_learned_from_training_rows_only():
    values = rows(400)
    found = preparation.prepare(values[:300], values[300:])
    again = preparation.prepare(values[:300], values[300:] * 1.5)
    for first, second in zip(found, again, strict=True):
        if first.steps == second.steps and first.knots == second.knots:
            assert (first.training == second.training).all()
        assert abs(first.training.mean(axis=0)).max() < 0.05
        assert abs(first.training.std(axis=0) - 1).max() < 0.1


def test_one_preprocessing_of_each_kind():
    values = rows(400)
    whitened, plain = preparation.prepare(values[:300], values[300:])
    assert "whitening" in whitened.steps
    assert plain.steps == ("marginals",)
    assert [one.steps for one in preparation.prepare(values, values[:0])] == [
        ("marginals", "whitening", "marginals")
    ]
    assert [one.steps for one in preparation.prepare(values[:300, :1], values[300:, :1])] == [("marginals",)]
