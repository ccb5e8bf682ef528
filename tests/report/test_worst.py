import dataclasses

import numpy as np

from pushforward.report import gather
from pushforward.report.worst import worst


def grid(section):
    return next(block for block in section.blocks if block.kind == "grid")


def test_the_least_likely_rows_come_in_order_with_their_values(subject):
    found = grid(worst(subject))
    assert found.head[:3] == ["row", "log_prob", "surprises, in nats"]
    assert found.head[3:] == ["<script>alert(1)</script>", "count", "share", "day", "$size$", "label"]
    order = np.argsort(subject.log_prob)[:10]
    assert [row[0] for row in found.rows] == [str(place + 1) for place in order]
    assert [row[-1] for row in found.rows] == [f"r&{place}" for place in order]
    assert [row[1] for row in found.rows] == [f"{value:.2f}" for value in np.sort(subject.log_prob)[:10]]


def test_impossible_rows_come_first_and_strange_values_are_named(files, tmp_path):
    model, table, _ = files
    lines = table.read_text().splitlines()
    lines.insert(1, "Basel,4,0.5,2024-01-05,4,odd")
    lines.insert(2, "Bern,7,0.5,2024-01-08,-30,far")
    path = tmp_path / "odd.csv"
    path.write_text("\n".join(lines) + "\n")
    rows = grid(worst(dataclasses.replace(gather(model, [path], samples=100)))).rows
    assert len(rows) == 11
    assert rows[0][:3] == ["1", "impossible", "no probability: <script>alert(1)</script>"]
    assert rows[1][0] == "2"
    assert rows[1][2].startswith("$size$ ")
