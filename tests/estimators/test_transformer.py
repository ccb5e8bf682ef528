"""FlowTransformer: to the base and back."""

import numpy as np
import pyarrow as pa
import pytest
import sklearn
from scipy import stats

from estimators.settings import TINY
from pushforward.errors import ShapeError
from pushforward.estimators import FlowTransformer


def rows(count=2000, seed=0):
    random = np.random.default_rng(seed)
    x = random.gamma(2.0, size=count)
    return np.stack(
        [x, np.ones(count), np.log(x) + 0.3 * random.normal(size=count), random.poisson(9, count)], axis=1
    )


@pytest.fixture(scope="module")
def fitted():
    return FlowTransformer(**TINY | {"max_epochs": 30}, random_state=0).fit(rows())


def test_there_and_back(fitted):
    z = fitted.transform(rows())
    assert z.shape == (2000, 3)
    back = fitted.inverse_transform(z)
    np.testing.assert_allclose(back, rows(), atol=2e-4)
    assert (back[:, [1, 3]] == rows()[:, [1, 3]]).all()


def test_base_points_are_about_normal_and_independent(fitted):
    z = fitted.transform(rows(seed=1))[:, :2]
    # Kolmogorov's bound at 1e-6, and 0.03 for the fit.
    bound = np.sqrt(np.log(2e6) / (2 * 2000)) + 0.03
    assert max(stats.kstest(column, "norm").statistic for column in z.T) < bound
    assert np.abs(np.corrcoef(z.T) - np.eye(2)).max() < 5 / np.sqrt(2000) + 0.03


def test_dtype_is_kept(fitted):
    z = fitted.transform(rows().astype(np.float32))
    assert z.dtype == np.float32
    assert fitted.inverse_transform(z).dtype == np.float32


def test_names(fitted):
    assert fitted.get_feature_names_out().tolist() == [f"flowtransformer{i}" for i in range(3)]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_output_in_frames(fitted, library):
    frames = pytest.importorskip(library)
    with sklearn.config_context(transform_output=library):
        z = fitted.transform(rows(20))
    assert isinstance(z, frames.DataFrame)
    assert list(z.columns) == fitted.get_feature_names_out().tolist()


def test_columns_are_checked_by_name():
    table = pa.table(dict(zip("abcd", rows(200).T, strict=True)))
    fitted = FlowTransformer(**TINY, random_state=0).fit(table)
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        fitted.transform(table.rename_columns(["a", "b", "c", "e"]))


def test_inverse_refuses_other_points(fitted):
    with pytest.raises(ShapeError) as caught:
        fitted.inverse_transform(np.zeros((3, 4)))
    assert str(caught.value) == (
        "FlowTransformer.inverse_transform: expected base points of 3 coordinates, got 4."
    )
