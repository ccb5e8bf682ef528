"""The gallery of the documentation: its scripts run, its hook makes pages of them and fails where they fail."""

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
HOOK = ROOT / "docs" / "gallery_hook.py"
SCRIPTS = sorted((ROOT / "docs" / "gallery").glob("*.py"))
CHEAP = {"change_of_variables", "determinant"}
"""Scripts whose quick settings compile little."""


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("gallery_hook", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def elsewhere(hook, tmp_path, monkeypatch):
    """The hook with a gallery and a cache of its own; returns a function that writes a script."""
    monkeypatch.setattr(hook, "GALLERY", tmp_path / "gallery")
    monkeypatch.setattr(hook, "CACHE", tmp_path / "cache")
    (tmp_path / "gallery").mkdir()

    def write(name, source):
        script = tmp_path / "gallery" / f"{name}.py"
        script.write_text(source)
        return script

    return write


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=script.stem, marks=() if script.stem in CHEAP else pytest.mark.slow)
        for script in SCRIPTS
    ],
)
def test_script_makes_its_page(hook, script, tmp_path):
    page = hook.run(script, tmp_path, quick=True, dpi=40).read_text()
    assert page.startswith("---\nhide: [toc]\n---\n\n# ")
    named = re.findall(rf"\]\(({script.stem}-\d+\.(?:png|gif))\)\n", page)
    assert {file.name for file in tmp_path.iterdir()} == {"page.md", *named}
    alts = re.findall(r"\[!\[(.*?)\]\(", page)
    assert len(alts) == len(set(named)) == page.count("<figcaption>")
    assert all(len(alt) > 30 for alt in alts), "a picture needs a text for those who cannot see it"
    code = page.partition("## The code\n\n```python\n")[2]
    assert "def pictures(quick=False):" in code
    assert '"""' not in code.partition("def pictures")[0].partition("import")[0]
    assert "nan" not in page.partition("## The code")[0].lower().split()


def test_every_script_is_in_the_navigation():
    nav = (ROOT / "mkdocs.yml").read_text()
    assert sorted(re.findall(r"gallery/(\w+)\.md", nav.replace("gallery/index.md", ""))) == [
        script.stem for script in SCRIPTS
    ]


SMALL = '''"""A title.

Some text.
"""

from matplotlib.figure import Figure


def pictures(quick=False):
    yield "It is 1 < 2."
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    yield figure, "A *caption*.", "A [line] & more"
'''


def test_page(hook, elsewhere, tmp_path):
    page = hook.run(elsewhere("small", SMALL), tmp_path / "out", dpi=20).read_text()
    parts = page.split("\n\n")
    assert parts[1:4] == ["# A title", "Some text.", "It is 1 < 2."]
    assert '[![A (line) &amp; more](small-1.png){ width="100" }](small-1.png)' in parts[4]
    assert "<figcaption>A *caption*.</figcaption>" in parts[4]
    assert "Some text" not in page.partition("## The code")[2]
    assert (tmp_path / "out" / "small-1.png").read_bytes().startswith(b"\x89PNG")


def test_without_pictures_is_an_error(hook, elsewhere, tmp_path):
    script = elsewhere("none", '"""None."""\n\n\ndef pictures(quick=False):\n    yield "text"\n')
    with pytest.raises(ValueError, match=re.escape("none.py made no picture.")):
        hook.run(script, tmp_path / "out")


def test_a_script_is_run_once_and_again_when_it_changes(hook, elsewhere, monkeypatch):
    script, calls = elsewhere("small", SMALL), []
    real = hook.subprocess.run
    monkeypatch.setattr(hook.subprocess, "run", lambda *a, **k: calls.append(a) or real(*a, **k))
    first = hook.made(script)
    assert (first / "small-1.png").exists()
    assert hook.made(script) == first
    assert len(calls) == 1
    script.write_text(SMALL.replace("Some text", "Other text"))
    second = hook.made(script)
    assert len(calls) == 2
    assert "Other text" in (second / "page.md").read_text()
    assert [path.name for path in hook.CACHE.iterdir()] == [second.name]  # what is out of date is removed


def test_an_error_fails_the_build(hook, elsewhere):
    script = elsewhere("broken", '"""Broken."""\n\n\ndef pictures(quick=False):\n    yield 1 / 0\n')
    with pytest.raises(RuntimeError, match=r"(?s)broken\.py failed:.*ZeroDivisionError"):
        hook.made(script)
    assert list(hook.CACHE.iterdir()) == []


NAV = [
    {"Start": "index.md"},
    {"Gallery": ["gallery/index.md", {"Second": "gallery/b.md"}, {"First": "gallery/a.md"}]},
]


def test_cards_follow_the_navigation(hook, elsewhere):
    elsewhere("a", SMALL)
    elsewhere("b", SMALL.replace("A title", "Another title"))
    page = SimpleNamespace(file=SimpleNamespace(src_uri="gallery/index.md"))
    found = hook.on_page_markdown("# Gallery", page, {"nav": NAV}, None)
    assert re.findall(r"\[!\[\]\((.*?)\)<span>(.*?)</span>\]\((.*?)\)", found) == [
        ("b-1.png", "Another title", "b.md"),
        ("a-1.png", "A title", "a.md"),
    ]
    page.file.src_uri = "index.md"
    assert hook.on_page_markdown("# Start", page, {"nav": NAV}, None) == "# Start"


def test_navigation_and_scripts_must_agree(hook, elsewhere):
    exceptions = pytest.importorskip("mkdocs.exceptions")
    elsewhere("a", SMALL)
    with pytest.raises(exceptions.PluginError, match=re.escape("exactly the pages of docs/gallery: ['a'].")):
        hook.on_files([], {"nav": NAV})


def test_pages_that_measure_are_made_last_and_alone(hook, elsewhere, monkeypatch):
    scripts = [elsewhere("a", f"{SMALL}\nALONE = True\n"), elsewhere("b", SMALL), elsewhere("c", SMALL)]
    order = []
    cores = {}

    def made(script, core=None):
        order.append(script.stem)
        cores[script.stem] = core
        return script

    monkeypatch.setattr(hook, "made", made)
    assert hook._build(scripts) == {script.stem: script for script in scripts}
    assert order[-1] == "a"
    assert cores["a"] is None
    assert {cores["b"], cores["c"]} <= {0, 1}
