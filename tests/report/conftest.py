import jax
import numpy as np
import pytest

from pushforward.data import read_arrow
from pushforward.report import build_report, gather
from pushforward.tables import fit_frame

TOWN, LEVEL = "<script>alert(1)</script>", "<img src=x onerror=alert(2)>"


def write_rows(path, n=300, seed=0):
    """A table of levels, counts, point masses, dates and names, some of which are no friends of pages."""
    rng = np.random.default_rng(seed)
    town = rng.choice(["Bern", "Zürich", LEVEL], p=[0.5, 0.2, 0.3], size=n)
    count = rng.poisson(3 + 4 * (town == "Bern"))
    share = np.where(rng.uniform(size=n) < 0.3, 0.0, rng.beta(2, 2, size=n))
    size = rng.normal(size=n) + count
    lines = [
        f"{t},{c},{s:.17g},2024-01-{1 + c:02d},{x:.17g},r&{i}"
        for i, (t, c, s, x) in enumerate(zip(town, count, share, size, strict=True))
    ]
    path.write_text("\n".join([f"{TOWN},count,share,day,$size$,label", *lines]) + "\n")
    return path


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A table, other rows of the same kind, and a model of the first."""
    folder = tmp_path_factory.mktemp("report")
    table, other = write_rows(folder / "t.csv"), write_rows(folder / "new.csv", 200, 1)
    options = {"layers": 2, "hidden": [8]}
    fitted = fit_frame(
        read_arrow(table),
        key=jax.random.key(0),
        flow="realnvp",
        options=options,
        max_epochs=2,
        progress=False,
    )
    about = {"rows": 300, "files": ["t.csv"], "notes": ["a <b>note</b>"], "fit": {"seed": 0, "seconds": 1.5}}
    fitted.model.save(folder / "m.safetensors", about)
    return folder / "m.safetensors", table, other


@pytest.fixture(scope="session")
def subject(files):
    """What a report on these is about."""
    model, table, _ = files
    return gather(model, [table], samples=400)


@pytest.fixture(scope="session")
def report(subject):
    """The report."""
    return build_report(subject)
