import numpy as np
import pytest

from pushforward.data import evenly, scan_table
from pushforward.data.evenly import read_evenly
from pushforward.errors import BadTable


@pytest.mark.parametrize(("rows", "most"), [(5, 10), (10, 10), (1000, 10), (1001, 7), (64, 63)])
def test_rows_are_evenly_spaced_whatever_the_batches(tmp_path, monkeypatch, rows, most):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{row},x{row}\n" for row in range(rows)))
    monkeypatch.setattr(evenly, "_BLOCK", 13)
    found = read_evenly(scan_table(path, typed=True), most)
    assert found.total == rows
    assert found.table.num_rows == len(found.places) == min(rows, most)
    assert found.table["a"].to_pylist() == found.places.tolist()
    assert found.table["b"][-1].as_py() == f"x{found.places[-1]}"
    gaps = np.diff(found.places)
    assert gaps.max(initial=1) <= 2 * max(gaps.min(initial=1), rows // most)
    assert found.places[0] == 0


def test_a_table_without_rows_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    with pytest.raises(BadTable, match="expected at least 1 row, got 0 rows"):
        read_evenly(scan_table(path, typed=True), 5)
