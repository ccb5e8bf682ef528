"""Right laws pass the audit on their own draws; each check fails a law that is broken for it, and others need not."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Affine, Bijector, Chain, Elementwise, Marginals, RationalQuadraticSpline
from pushforward.diagnostics import audit
from pushforward.diagnostics.audit import CHECKS
from pushforward.distributions import (
    Flow,
    MultivariateNormal,
    Normal,
    NormalMixture,
    StandardNormal,
    Uniform,
)
from pushforward.errors import ConfigError, NotConverged, ShapeError
from pushforward.flows import realnvp

COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 1.0]])
LAW = MultivariateNormal(jnp.array([0.0, 5.0, -5.0]), COVARIANCE)


class Wrong(Bijector):
    """x -> shift + scale * x of three numbers, wrong as told."""

    shift: jax.Array
    scale: float = eqx.field(static=True, default=2.0)
    log_det_error: float = eqx.field(static=True, default=0.0)
    inverse_error: float = eqx.field(static=True, default=0.0)
    raises: bool = eqx.field(static=True, default=False)
    in_shape: tuple = eqx.field(static=True, default=(3,))
    out_shape: tuple = eqx.field(static=True, default=(3,))
    context_shape: None = eqx.field(static=True, default=None)
    cheap: str = eqx.field(static=True, default="both")

    def forward_and_log_det(self, x, context=None, *, key=None):
        if self.raises:
            raise NotConverged("Wrong: it stopped.\nMore.")
        return self.shift + self.scale * x, jnp.asarray(3 * np.log(self.scale) + self.log_det_error)

    def inverse_and_log_det(self, y, context=None, *, key=None):
        z = (y - self.shift) / self.scale
        return z * (1 + self.inverse_error), jnp.asarray(-3 * np.log(self.scale) - self.log_det_error)


def flow(shift=(1.0, 2.0, 3.0), **wrong):
    return Flow(StandardNormal((3,)), Wrong(jnp.asarray(shift), **wrong))


def draws(law, count, seed=0):
    return np.asarray(law.sample(jr.key(seed), (count,)), np.float64)


RIGHT = flow()
ROWS = draws(RIGHT, 2048, 1)
TRAINING = draws(RIGHT, 2048, 2)
NOT_LOG_DET = [name for name in CHECKS if name != "log-det"]


def test_a_right_flow_passes_every_line():
    found = audit(RIGHT, ROWS, training=TRAINING, key=jr.key(0))
    assert [finding.name for finding in found.findings] == [*CHECKS, "speed"]
    assert {finding.name: finding.verdict for finding in found.findings if finding.verdict != "pass"} == {
        "spline tails": "n/a"
    }
    assert found.verdict == "pass"
    assert {speed.direction for speed in found.speeds} == {"log_prob", "sample", "sample_and_log_prob"}


def test_right_laws_pass_on_their_own_draws_at_the_stated_rates():
    """60 audits of 11 checks: at most 1e-4 each by chance, so one finding in 15 such runs; keys are fixed."""
    only = [name for name in NOT_LOG_DET if name not in ("round trip", "conditionals", "spline tails")]
    bad = []
    for seed in range(60):
        rows, training = draws(RIGHT, 512, 2 * seed + 10), draws(RIGHT, 512, 2 * seed + 11)
        found = audit(RIGHT, rows, training=training, key=jr.key(seed), only=only)
        bad += [finding for finding in found.findings if finding.verdict != "pass"]
    assert bad == []


def kernel_law(width):
    """A law that has learned its training rows by heart, of a few rows."""
    known = TRAINING[:64]
    return NormalMixture(np.ones(64), known, np.full(64, width**2), covariance_type="spherical")


SKEWED = np.array([1.0, 2.0, 3.0]) + np.random.default_rng(3).gamma(1.5, size=(2048, 3))
BROKEN = {
    "density": (Uniform(-jnp.ones(3), jnp.ones(3)), ROWS, None),
    "round trip": (flow(inverse_error=0.1), ROWS, None),
    "log-det": (flow(log_det_error=0.1), ROWS, None),
    "draws": (flow(inverse_error=0.3), ROWS, None),
    "range": (RIGHT, 3 * ROWS, TRAINING),
    "spline tails": (
        Flow(StandardNormal((3,)), Elementwise(RationalQuadraticSpline(bins=4, bound=1.0), (3,))),
        ROWS,
        None,
    ),
    "base marginals": (flow(shift=(1.0, 2.0, 4.0)), ROWS, None),
    "base correlations": (
        RIGHT,
        np.array([1.0, 2.0, 3.0]) + 2 * draws(MultivariateNormal(jnp.zeros(3), COVARIANCE), 2048),
        None,
    ),
    # Coordinates that are right one by one, and all large or all small together.
    "base radii": (
        RIGHT,
        np.array([1.0, 2.0, 3.0])
        + 2
        * np.random.default_rng(0).normal(size=(2048, 1))
        * np.random.default_rng(1).choice([-1, 1], (2048, 3)),
        None,
    ),
    "conditionals": (MultivariateNormal(LAW.loc + 0.7, COVARIANCE), draws(LAW, 2048), None),
    "two samples": (RIGHT, SKEWED, None),
    "overfit": (kernel_law(0.3), ROWS, TRAINING[:64]),
    "memorised": (kernel_law(0.05), ROWS, TRAINING[:64]),
}


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_fails_a_law_that_is_broken_for_it(name):
    law, rows, training = BROKEN[name]
    finding = audit(law, rows, training=training, key=jr.key(0), only=[name])[name]
    assert finding.verdict == "fail", finding.text
    assert finding.advice
    assert not finding.value <= finding.threshold


def test_a_wrong_log_det_is_found_alone():
    found = audit(flow(log_det_error=0.1), ROWS, key=jr.key(0))
    assert [finding.name for finding in found.findings if finding.verdict == "fail"] == ["log-det"]
    assert found["log-det"].value == pytest.approx(0.1, abs=1e-6)


def test_a_shifted_mean_is_named_by_the_lines_that_see_it():
    found = audit(flow(shift=(1.0, 2.0, 4.5)), ROWS, key=jr.key(0), only=NOT_LOG_DET)
    failed = {finding.name for finding in found.findings if finding.verdict == "fail"}
    assert {"base marginals", "two samples", "conditionals"} <= failed
    assert not failed & {"round trip", "draws", "density"}


def test_a_law_without_a_base_has_lines_that_do_not_apply():
    found = audit(LAW, draws(LAW, 512), key=jr.key(0))
    verdicts = {finding.name: finding.verdict for finding in found.findings}
    assert found.verdict == "pass"
    assert {name for name, verdict in verdicts.items() if verdict == "pass"} == {
        "density",
        "draws",
        "conditionals",
        "two samples",
        "speed",
    }
    assert found["log-det"].text == "not applicable: MultivariateNormal has no map to a base law."


def test_a_conditional_flow():
    law = realnvp(jr.key(0), features=2, context_features=1, layers=2, hidden=(4,))
    context = np.random.default_rng(0).normal(size=(512, 1))
    rows = np.asarray(law.sample(jr.key(1), (1,), context)[0])
    found = audit(law, rows, key=jr.key(0), context=context, training=rows, training_context=context)
    assert found.verdict == "pass"
    assert found["memorised"].verdict == "n/a"
    assert found["log-det"].verdict == "pass"


def test_a_check_that_raises_fails_alone():
    found = audit(flow(raises=True), ROWS[:512], key=jr.key(0), only=["density", "round trip"])
    assert found["density"].verdict == "pass"
    assert found["round trip"].verdict == "fail"
    assert found["round trip"].text == "raised NotConverged: Wrong: it stopped."


def test_marginal_splines_have_ends():
    line = np.broadcast_to(np.linspace(-1.0, 1.0, 5), (3, 5))
    law = Flow(
        StandardNormal((3,)), Chain([Elementwise(Affine(), (3,)), Marginals(line, 10 * line, 0.1 + 0 * line)])
    )
    rows = np.random.default_rng(0).uniform(-10, 10, size=(512, 3))
    rows[:64, 1] = 11.0
    found = audit(law, rows, key=jr.key(0), only=["spline tails"])["spline tails"]
    assert found.value == pytest.approx(64 / 512)
    assert found.verdict == "look"
    assert "element 2 of layer 2 (marginal splines)" in found.text


def test_subsampling_is_said():
    law = Normal(jnp.zeros(1), 1.0)
    found = audit(law, draws(law, 5000), key=jr.key(0), only=["density"])
    assert found.notes == ("4,096 of 5,000 rows were looked at, chosen by the key.",)


def test_the_text_of_an_audit():
    found = audit(LAW, draws(LAW, 100), key=jr.key(0), columns=["x", "y", "z"], only=["density", "range"])
    assert str(found).splitlines() == [
        "pass  density  0 of 100 rows have a log-density that is not finite",
        "n/a   range    not applicable: the training rows are not known.",
    ]


def test_errors():
    for arguments, error, message in [
        (
            {"rows": ROWS[:, :2]},
            ShapeError,
            "audit: expected rows of shape (n, *(3,)) with n >= 2, got shape (2048, 2).",
        ),
        ({"rows": ROWS, "columns": ["a"]}, ShapeError, "audit: expected 3 names of columns, got 1."),
        (
            {"rows": np.full((3, 3), np.nan)},
            ShapeError,
            "audit: expected finite rows, got 9 values that are not.",
        ),
        (
            {"rows": ROWS, "context": np.zeros((2048, 1))},
            ShapeError,
            "audit: the law takes contexts of shape None, got (2048, 1) for the rows.",
        ),
        (
            {"rows": ROWS, "only": ["x"]},
            ConfigError,
            f"audit: expected checks among {', '.join([*CHECKS, 'speed'])}, got 'x'.",
        ),
    ]:
        with pytest.raises(error) as caught:
            audit(LAW, key=jr.key(0), **arguments)
        assert str(caught.value) == message
