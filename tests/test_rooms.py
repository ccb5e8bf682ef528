"""The house's own rules: who imports whom, what `import pushforward` costs, how long files and functions are."""

import ast
import importlib
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import pushforward

ROOT = Path(pushforward.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {file.relative_to(ROOT): ast.parse(file.read_text()) for file in FILES}

ROOMS = {
    "errors": 0,
    "numerics": 1,
    "nets": 2,
    "bijectors": 3,
    "distributions": 3,
    "flows": 4,
    "objectives": 4,
    "data": 5,
    "io": 5,
    "training": 6,
    "diagnostics": 7,
    "inference": 7,
    "images": 7,
    "audio": 7,
    "tables": 7,
    "testing": 7,
    "plots": 8,
    "estimators": 8,
    "report": 9,
    "cli": 10,
    "__init__": 11,
    "__main__": 11,
}
SAME_NUMBER = {("distributions", "bijectors")}
"""A law may hold bijectors, never the other way round."""

ELSEWHERE = {
    "diffrax": ("bijectors/continuous.py",),
    "optax": ("training/", "objectives/"),
    "optimistix": ("numerics/",),
    "safetensors": ("io/", "training/checkpoint.py"),
    "pyarrow": ("data/",),
    "typer": ("cli/",),
    "platformdirs": ("cli/",),
    "rich": ("cli/", "training/progress.py"),
    "sklearn": ("estimators/",),
    "matplotlib": ("plots/",),
    "jinja2": ("report/",),
    "PIL": ("images/",),
    "soundfile": ("audio/",),
}
"""Libraries, and the only places that may import them."""

BANNED = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "scipy"}


def _room(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def _imports(path: Path) -> list[tuple[str, int]]:
    """What a file imports: (absolute dotted name, line). Names inside the package start with "pushforward"."""
    found = []
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append((node.module or "", node.lineno))
        elif isinstance(node, ast.ImportFrom):
            base = ["pushforward", *path.parts[:-1]]
            base = base[: len(base) - (node.level - 1)] + (node.module or "").split(".") * bool(node.module)
            names = [alias.name for alias in node.names] if base == ["pushforward"] else [""]
            found += [(".".join([*base, name]).rstrip("."), node.lineno) for name in names]
    return found


@pytest.mark.parametrize("path", TREES, ids=str)
def test_imports_only_lower_rooms(path):
    room = _room(path)
    assert room in ROOMS, f"{path}: its room has no number"
    for name, line in _imports(path):
        parts = name.split(".")
        if parts[0] != "pushforward" or len(parts) == 1 or parts[1] == "__version__":
            continue
        target = parts[1]
        allowed = target == room or (room, target) in SAME_NUMBER or ROOMS[target] < ROOMS[room]
        assert allowed, f"{path}:{line}: {room} ({ROOMS[room]}) imports {target} ({ROOMS[target]})"


@pytest.mark.parametrize("path", TREES, ids=str)
def test_libraries_stay_in_their_places(path):
    for name, line in _imports(path):
        library = name.split(".")[0]
        assert library not in BANNED, f"{path}:{line}: imports {library}"
        places = ELSEWHERE.get(library)
        assert places is None or path.as_posix().startswith(places), f"{path}:{line}: imports {library}"
    source = ast.unparse(TREES[path])
    assert "allow_pickle" not in source


def test_the_walk_sees_imports():
    found = {name for name, _ in _imports(Path("distributions/flow.py"))}
    assert {
        "equinox",
        "pushforward.bijectors.base",
        "pushforward.errors",
        "pushforward.distributions.base",
    } <= found
    assert "pushforward.bijectors" in {name for name, _ in _imports(Path("__init__.py"))}


_PROBE = """
import json, logging, random, sys, warnings
import jax, numpy as np
before = [dict(jax.config.values), list(warnings.filters), random.getstate(), logging.getLogger().handlers[:]]
state = np.random.get_state()[1].tobytes()
import pushforward
after = [dict(jax.config.values), list(warnings.filters), random.getstate(), logging.getLogger().handlers[:]]
heavy = {"matplotlib", "sklearn", "pyarrow", "typer", "diffrax", "jinja2", "PIL"} & set(sys.modules)
names = ["configuration", "warning filters", "random", "log handlers"]
changed = [name for name, a, b in zip(names, before, after) if a != b]
changed += ["numpy random"] * (np.random.get_state()[1].tobytes() != state)
print(json.dumps({"heavy": sorted(heavy), "changed": changed, "jax": jax.config.jax_enable_x64}))
"""


def test_import_is_light_and_changes_nothing():
    run = subprocess.run(
        [sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(run.stdout) == {"heavy": [], "changed": [], "jax": False}


def test_sizes_of_files():
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in TREES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}
    assert statistics.median(lengths.values()) <= 150


def _functions():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def _body_lines(node: ast.FunctionDef) -> int:
    """Lines from the end of the docstring to the end of the function."""
    first = node.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = first.end_lineno if told else first.lineno - 1
    return node.end_lineno - start


def test_sizes_of_functions():
    lengths = {name: _body_lines(node) for name, node in _functions()}
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert sum(length <= 30 for length in lengths.values()) >= 0.9 * len(lengths)


def _public(node, prefix=""):
    """Public classes, functions and methods of a module or class, with the docstring of each."""
    for item in node.body:
        if isinstance(item, ast.ClassDef | ast.FunctionDef) and not item.name.startswith("_"):
            yield prefix + item.name, ast.get_docstring(item)
            if isinstance(item, ast.ClassDef):
                yield from _public(item, f"{prefix}{item.name}.")


def test_every_public_name_is_documented():
    missing = [str(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]
    for path, tree in TREES.items():
        missing += [f"{path}: {name}" for name, text in _public(tree) if not text]
    assert missing == []


def test_no_assert_in_the_package():
    found = [
        f"{path}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]
    assert found == []


@pytest.mark.parametrize("path", [path for path in TREES if path.name == "__init__.py"], ids=str)
def test_all_names_exist(path):
    module = importlib.import_module(".".join(["pushforward", *path.parts[:-1]]))
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name), f"{path}: __all__ has {name}, which does not exist"


TESTED_IN = {
    "bijectors/passing.py": "bijectors/test_reversible.py",
    "bijectors/scalar/gaussianize.py": "bijectors/scalar/test_monotone.py",
    "bijectors/scalar/integral.py": "bijectors/scalar/test_monotone.py",
    "bijectors/scalar/polynomials.py": "bijectors/scalar/test_monotone.py",
    "bijectors/scalar/sigmoids.py": "bijectors/scalar/test_monotone.py",
    "cli/explaining.py": "cli/test_score.py",
    "cli/options.py": "cli/test_main.py",
    "cli/scoring.py": "cli/test_score.py",
    "diagnostics/audit/findings.py": "diagnostics/audit/test_running.py",
    "diagnostics/audit/maps.py": "diagnostics/audit/test_running.py",
    "diagnostics/audit/rows.py": "diagnostics/audit/test_running.py",
    "diagnostics/audit/shape.py": "diagnostics/audit/test_running.py",
    "diagnostics/audit/subject.py": "diagnostics/audit/test_running.py",
    "distributions/door.py": "distributions/test_base.py",
    "distributions/conditional/base.py": "distributions/conditional/test_normal.py",
    "distributions/encoding/angles.py": "distributions/test_dequantized.py",
    "distributions/encoding/box.py": "distributions/test_dequantized.py",
    "distributions/encoding/encoder.py": "distributions/test_dequantized.py",
    "distributions/encoding/levels.py": "distributions/test_dequantized.py",
    "distributions/encoding/values.py": "distributions/test_dequantized.py",
    "distributions/gumbel.py": "distributions/test_named.py",
    "distributions/kumaraswamy.py": "distributions/test_named.py",
    "flows/_laws.py": "flows/test_made.py",
    "flows/_residual.py": "flows/test_residual_flow.py",
    "flows/bernstein.py": "flows/test_bending.py",
    "flows/naf.py": "flows/test_bending.py",
    "flows/sos.py": "flows/test_bending.py",
    "flows/sylvester.py": "flows/test_planar.py",
    "flows/umnn.py": "flows/test_bending.py",
    "flows/mixed.py": "tables/test_frames.py",
    "tables/mixed.py": "tables/test_frames.py",
    "tables/points.py": "tables/test_frames.py",
    "objectives/base.py": "objectives/test_likelihood.py",
    "training/loop.py": "training/test_fit.py",
    "report/blocks.py": "report/test_page.py",
    "report/commands.py": "report/test_building.py",
    "report/likelihood.py": "report/test_building.py",
    "report/pairs.py": "report/test_building.py",
    "report/stages.py": "report/test_building.py",
    "report/subject.py": "report/test_building.py",
    # Every check of the test kit is held by a broken example that only it can be named for.
    "testing/contract.py": "test_mutants.py",
    "testing/density.py": "test_mutants.py",
    "testing/derivatives.py": "test_mutants.py",
    "testing/edges.py": "test_mutants.py",
    "testing/exactness.py": "test_mutants.py",
    "testing/law.py": "test_mutants.py",
    "testing/lawful.py": "test_mutants.py",
    "testing/purity.py": "test_mutants.py",
    "testing/mutants/impure.py": "test_mutants.py",
    "testing/mutants/lawless.py": "test_mutants.py",
    "testing/mutants/made.py": "test_mutants.py",
    "testing/mutants/unsafe.py": "test_mutants.py",
    "testing/mutants/wrong.py": "test_mutants.py",
}
"""Modules whose tests are elsewhere than at their mirror's place."""


@pytest.mark.parametrize("path", [path for path in TREES if path.name != "__init__.py"], ids=str)
def test_every_module_has_its_tests(path):
    mirror = path.with_name(f"test_{path.name}").as_posix()
    elsewhere = TESTED_IN.get(path.as_posix())
    tests = Path(__file__).parent
    assert (tests / mirror).exists() != bool(elsewhere), f"{path}: expected its tests in tests/{mirror}"
    assert elsewhere is None or (tests / elsewhere).exists()
