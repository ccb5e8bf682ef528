"""Container: rows come back in the container that they came in."""

import numpy as np
import pyarrow as pa
import pytest

from pushforward.estimators.containers import Container

ROWS = np.array([[1.25, 3.0], [2.5, 4.7]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, bool])
def test_arrays_keep_their_dtype(dtype):
    x = np.zeros((4, 2), dtype)
    filled = Container.of(x, x.astype(float)).fill(ROWS)
    assert filled.dtype == dtype
    assert (filled == np.round(ROWS).astype(dtype)).all() or np.issubdtype(dtype, np.floating)


def test_lists_become_arrays():
    container = Container.of([[1, 2], [3, 4]], np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert container.fill(ROWS).tolist() == [[1, 3], [2, 5]]


def test_objects_become_floats():
    container = Container.of(np.array([[1, 2.5]], object), np.array([[1.0, 2.5]]))
    assert container.fill(ROWS).dtype == np.float64


def test_pyarrow():
    x = pa.table({"a": pa.array([1.0, 2.0], pa.float32()), "b": pa.array([1, 2], pa.int64())})
    container = Container.of(x, ROWS)
    filled = container.fill(np.round(ROWS))
    assert filled.schema == x.schema
    assert filled["b"].to_pylist() == [3, 5]


def test_pandas():
    pandas = pytest.importorskip("pandas")
    x = pandas.DataFrame({"a": np.ones(2, np.float32), "b": [1, 2], "c": pandas.array([1, 2], "Int64")})
    container = Container.of(x, np.ones((2, 3)))
    filled = container.fill(np.array([[1.5, 3.0, 5.0]]))
    assert (filled.dtypes == x.dtypes).all()
    assert filled.to_numpy().tolist() == [[1.5, 3.0, 5.0]]


def test_polars():
    polars = pytest.importorskip("polars")
    x = polars.DataFrame({"a": [1.0, 2.0], "b": [1, 2]}, schema={"a": polars.Float32, "b": polars.Int64})
    container = Container.of(x, ROWS)
    filled = container.fill(np.round(ROWS))
    assert filled.schema == x.schema
    assert filled["b"].to_list() == [3, 5]
