"""FlowOutlierDetector: thresholds that hold on rows that were not seen."""

import numpy as np
import pytest
from scipy import stats

from estimators.settings import TINY
from pushforward.estimators import FlowOutlierDetector


def rows(count, seed):
    return np.random.default_rng(seed).standard_t(4, size=(count, 2)) * [1.0, 50.0]


@pytest.fixture(scope="module")
def fitted():
    return FlowOutlierDetector(**TINY | {"max_epochs": 30}, random_state=0).fit(rows(2500, 0))


def test_false_alarms_of_auto_hold_on_fresh_rows(fitted):
    flagged = (fitted.predict(rows(20_000, 1)) == -1).sum()
    # Of m = 500 held-out rows the 25th smallest is the threshold: the share below it is Beta(25, 476), and the count
    # beta-binomial; both tails at 1e-5.
    low, high = stats.betabinom(20_000, 25, 476).ppf([1e-5, 1 - 1e-5])
    assert low <= flagged <= high
    assert len(fitted.held_out_scores_) == 500
    assert fitted.offset_ == np.sort(fitted.held_out_scores_)[24]


def test_p_values_are_uniform_on_fresh_rows(fitted):
    found = fitted.p_values(rows(5000, 2))
    # 500 held-out and 5000 fresh rows: the two-sample bound of Kolmogorov and Smirnov at 1e-6.
    bound = np.sqrt(np.log(2e6) / 2 * (1 / 500 + 1 / 5000))
    assert stats.kstest(found, "uniform").statistic < bound + 1 / 501
    assert 0 < found.min() <= found.max() <= 1


def test_outliers_are_found(fitted):
    far = np.array([[30.0, 0.0], [0.0, 1500.0], [-20.0, -1000.0]])
    assert (fitted.predict(far) == -1).all()
    assert (fitted.p_values(far) == 1 / 501).all()
    assert (fitted.decision_function(far) == fitted.score_samples(far) - fitted.offset_).all()


def test_contamination_is_the_share_of_the_rows_given_and_about_that_of_fresh_ones():
    detector = FlowOutlierDetector(**TINY, contamination=0.1, random_state=0)
    given = rows(2000, 0)
    assert (detector.fit_predict(given) == -1).sum() == 200
    fresh = (detector.predict(rows(20_000, 1)) == -1).mean()
    # The quantile of 2000 rows has a standard error of 0.0067, the share of 20,000 one of 0.0021.
    assert abs(fresh - 0.1) < 5 * np.hypot(0.0067, 0.0021)


def test_without_held_out_rows_auto_takes_a_share_of_all():
    detector = FlowOutlierDetector(**TINY, validation=0, random_state=0)
    given = rows(100, 0)
    assert (detector.fit_predict(given) == -1).sum() == 5
    assert (detector.p_values(given) == 1).all()
