"""fit_table: densities in the data's units, whatever the scales, and files that give them back."""

import dataclasses
import json
import re

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import ConfigError
from pushforward.objectives import RowObjective
from pushforward.tables import fitting
from pushforward.training.history import FitResult

SMALL = {"layers": 2, "hidden": (16,), "bins": 4}


def table(n=600):
    rng = np.random.default_rng(0)
    heavy = rng.standard_t(2, size=n)
    return np.stack([1e3 * heavy, 1e-3 * (heavy + 0.3 * rng.normal(size=n)), rng.exponential(size=n)], axis=1)


@pytest.fixture(scope="module")
def found():
    return pf.fit_table(table(), key=jr.key(0), flow="nsf", options=SMALL, max_epochs=8, progress=False)


def test_log_densities_are_in_the_units_of_the_data(found):
    rescaled = table() * [1e-3, 1e3, 1.0]
    other = pf.fit_table(rescaled, key=jr.key(0), flow="nsf", options=SMALL, max_epochs=8, progress=False)
    # Rescaling by 1e-3 and 1e3 leaves the volume as it is.
    assert other.validation_log_prob == pytest.approx(found.validation_log_prob, abs=0.05)


def test_history_agrees_with_the_flow(found):
    assert -min(found.history.validation_loss) == pytest.approx(found.validation_log_prob, abs=2e-3)


def test_beats_a_gaussian(found):
    held_out = table(4000)[2000:]
    mean, covariance = table().mean(axis=0), np.cov(table().T)
    centred = held_out - mean
    quadratic = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(covariance), centred)
    gaussian = -0.5 * (quadratic + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert np.mean(found.flow.log_prob(held_out)) > gaussian.mean() + 1


def test_far_outlier_is_finite(found):
    far = np.array([[1e12, 1.0, -50.0]])
    assert np.isfinite(found.flow.log_prob(far)).all()


def test_saves_and_loads_bit_for_bit(found, tmp_path):
    pf.save(found.flow, tmp_path / "m.safetensors")
    loaded = pf.load(tmp_path / "m.safetensors")
    values = table()[:100]
    assert (np.asarray(loaded.log_prob(values)) == np.asarray(found.flow.log_prob(values))).all()
    assert (
        np.asarray(loaded.sample(jr.key(1), (5,))) == np.asarray(found.flow.sample(jr.key(1), (5,)))
    ).all()


def test_one_column_says_what_is_built():
    found = pf.fit_table(
        table()[:, :1], key=jr.key(0), flow="nsf", options=SMALL, max_epochs=1, progress=False
    )
    assert found.notes == (
        "nsf: a coupling needs two features; for one, a chain of splines and affine maps is built.",
    )


def test_no_validation():
    found = pf.fit_table(
        table(), key=jr.key(0), flow="nsf", options=SMALL, max_epochs=1, validation=0, progress=False
    )
    assert found.validation_log_prob is None


def test_preprocessing_is_chosen_in_trials(monkeypatch):
    monkeypatch.setattr(fitting, "_TRIAL_STEPS", 1)
    found = pf.fit_table(table(), key=jr.key(0), flow="nsf", options=SMALL, max_epochs=8, progress=False)
    [note] = [note for note in found.notes if note.startswith("Preprocessing was chosen in short trials")]
    scores = {
        steps: float(score) for steps, score in re.findall(r"([a-z, ]+?) (-?[\d.]+)[;.]", note.split(": ")[1])
    }
    assert len(scores) == 2
    chosen = json.loads(found.flow.recipe.arguments)["steps"]
    assert ", ".join(chosen) == max(scores, key=scores.get)


def test_interrupted_trial_is_the_result(monkeypatch):
    monkeypatch.setattr(fitting, "_TRIAL_STEPS", 1)
    fit, calls = fitting.fit, []

    def interrupted(*arguments, **options):
        calls.append(options)
        return dataclasses.replace(fit(*arguments, **options), stopped="interrupted")

    monkeypatch.setattr(fitting, "fit", interrupted)
    found = pf.fit_table(table(), key=jr.key(0), flow="nsf", options=SMALL, max_epochs=8, progress=False)
    assert found.stopped == "interrupted"
    assert len(calls) == 1
    assert np.isfinite(found.flow.log_prob(table()[:5])).all()


def test_laws_over_whole_numbers_are_refused():
    with pytest.raises(ConfigError) as caught:
        pf.fit_table(
            table(), key=jr.key(0), flow="made", options={"law": "bernoulli", "hidden": (4,)}, progress=False
        )
    assert str(caught.value) == (
        "fit_table: expected a law over real numbers inside, got one over the whole numbers 0 to 1 "
        "(ConditionalBernoulli): preprocessing would make its columns continuous. "
        "Build that flow in Python and train it with pushforward.fit."
    )


def conditional_table(n=2000):
    """y is normal with a mean and a spread that follow the first context, whatever its unit; the second is noise."""
    rng = np.random.default_rng(5)
    first, second = rng.uniform(-1, 1, size=n), rng.integers(0, 2, size=n)
    y = np.sin(3 * first) + (0.1 + 0.3 * (first + 1)) * rng.normal(size=n)
    context = np.stack([1e6 + 1e4 * first, second], axis=1)
    log_prob = -0.5 * np.square((y - np.sin(3 * first)) / (0.4 + 0.3 * first)) - 0.5 * np.log(2 * np.pi)
    return y[:, None], context, log_prob - np.log(0.4 + 0.3 * first)


def test_a_conditional_density_is_that_of_the_law(tmp_path):
    y, context, truth = conditional_table()
    found = pf.fit_table(
        y, context=context, key=jr.key(0), flow="nsf", options=SMALL, max_epochs=60, progress=False
    )
    assert found.flow.context_shape == (2,)
    fresh = found.flow.log_prob(y, context)
    # Without the context the law has 0.69 nats more entropy; the fit is to lose less than a tenth of a nat.
    assert np.mean(fresh) == pytest.approx(np.mean(truth), abs=0.1)
    assert found.validation_log_prob == pytest.approx(np.mean(truth), abs=0.25)
    at = np.array([1e6 + 5e3, 0.0])
    draws = np.asarray(found.flow.sample(jr.key(1), (4000,), at))[:, 0]
    assert draws.mean() == pytest.approx(np.sin(1.5), abs=0.1)
    assert draws.std() == pytest.approx(0.55, abs=0.1)
    pf.save(found.flow, tmp_path / "c.safetensors")
    loaded = pf.load(tmp_path / "c.safetensors")
    assert (np.asarray(loaded.log_prob(y[:50], context[:50])) == np.asarray(fresh[:50])).all()


def test_a_context_from_elsewhere_is_finite():
    y, context, _ = conditional_table(400)
    found = pf.fit_table(
        y, context=context, key=jr.key(0), flow="nsf", options=SMALL, max_epochs=1, progress=False
    )
    assert np.isfinite(found.flow.log_prob(y[:2], np.array([[1e12, 5.0], [-1e12, -3.0]]))).all()


def test_the_shifted_likelihood_is_the_mean_of_its_rows():
    """So that devices which share a batch may each work on rows of their own."""
    law, x = pf.distributions.StandardNormal((2,)), jnp.asarray(table(5)[:, 1:], float)
    objective, weights, rows = fitting._Shifted(jnp.asarray(1.5)), jnp.arange(5.0), jnp.arange(5)
    assert isinstance(objective, RowObjective)
    losses = objective.row_losses(law, x, None, jr.key(0), rows=rows, size=5)
    expected = objective(law, x, None, weights, jr.key(0))
    assert float(jnp.average(losses, weights=weights)) == pytest.approx(float(expected), rel=1e-6)


def test_a_fit_whose_time_went_into_compiling_says_so():
    short = pf.fit_table(table(), key=jr.key(0), flow="nsf", options=SMALL, max_seconds=0.01, progress=False)
    assert short.steps < 100
    assert any(note.startswith("The flow is hardly trained: the time, which") for note in short.notes)


@pytest.mark.parametrize(
    ("stopped", "steps", "said"),
    [
        ("time", 1, "1 training step."),
        ("time", 99, "99 training steps."),
        ("time", 100, ""),
        ("steps", 1, ""),
    ],
)
def test_when_a_flow_is_hardly_trained(found, stopped, steps, said):
    result = FitResult(found.flow, found.history, 1.0, 0.5, stopped, steps, seconds=1.0, retries=0)
    assert said in "".join(fitting.hurried(result))
    assert bool(fitting.hurried(result)) == bool(said)
