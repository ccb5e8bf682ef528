import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from pushforward.data import TableSource
from pushforward.errors import BadTable, ConfigError

VALUES = np.random.default_rng(0).normal(size=(300_000, 3))


def arrow(values, names=("a", "b", "c")):
    return pa.table({name: values[:, place] for place, name in enumerate(names)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("table")
    pa.parquet.write_table(arrow(VALUES[:200_000]), path / "1.parquet", row_group_size=90_000)
    pa.parquet.write_table(arrow(VALUES[200_000:]), path / "2.parquet", row_group_size=60_000)
    return path


def test_row_groups_are_read_in_the_order_asked_for(folder):
    source = TableSource(folder, ["c", "a"])
    assert source.sizes == (90_000, 90_000, 20_000, 60_000, 40_000)
    assert (source.columns, source.in_order, source.buffer) == (("c", "a"), False, 2**20)
    starts = np.cumsum([0, *source.sizes])
    blocks = list(source.read([3, 1]))
    assert max(map(len, blocks)) <= 65536
    expected = [VALUES[starts[group] : starts[group + 1]][:, [2, 0]] for group in (3, 1)]
    np.testing.assert_array_equal(np.concatenate(blocks), np.concatenate(expected))
    assert list(source.read([])) == []


def test_what_it_says_of_itself(folder):
    about = TableSource(folder).describe()
    assert about == {
        "files": [[name, (folder / name).stat().st_size] for name in ("1.parquet", "2.parquet")],
        "columns": ["a", "b", "c"],
    }


def test_feather_has_groups_and_text_is_read_in_order(tmp_path):
    pa.feather.write_feather(arrow(VALUES[:1000]), tmp_path / "t.feather", chunksize=400)
    source = TableSource(tmp_path / "t.feather")
    assert (source.sizes, source.in_order) == ((400, 400, 200), False)
    np.testing.assert_array_equal(
        np.concatenate(list(source.read([2, 0]))), VALUES[[*range(800, 1000), *range(400)]]
    )
    np.savetxt(tmp_path / "t.csv", VALUES[:500], delimiter=",", header="a,b,c", comments="", fmt="%.17g")
    source = TableSource(tmp_path / "t.csv", buffer=100)
    assert (source.sizes, source.in_order, source.buffer) == ((500,), True, 100)
    np.testing.assert_array_equal(np.concatenate(list(source.read([0]))), VALUES[:500])


def test_what_it_refuses(tmp_path):
    with pytest.raises(ConfigError) as caught:
        TableSource(tmp_path, buffer=0)
    assert str(caught.value) == "TableSource: expected a buffer of at least 1 row, got 0."
    pa.parquet.write_table(pa.table({"a": ["x", "y"]}), tmp_path / "t.parquet")
    with pytest.raises(BadTable, match="expected numbers, but 'a' holds text"):
        TableSource(tmp_path / "t.parquet")
