import html.parser
import re
import shutil
import subprocess

import numpy as np
import pytest

from pushforward.errors import BadTable
from pushforward.report import build_report, gather

# Each page takes an audit, most of it compilation; tests/cli/test_report.py makes one by default.
pytestmark = pytest.mark.slow

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(html.parser.HTMLParser):
    """Reads a page strictly: every element is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.ids, self.links, self.tags, self.said = [], [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        assert len(values) == len(attrs), f"{tag}: an attribute stands twice"
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(values)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


@pytest.fixture(scope="module")
def page(report):
    return Reader(report.html)


def test_the_page_is_whole(page, report):
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert all(link[0] == "#" and link[1:] in page.ids for link in page.links)
    assert page.links[0] == "#content"
    assert page.tags.count("h1") == page.tags.count("main") == 1
    assert page.tags.count("h2") == 1 + page.tags.count("section") == 9
    assert 'name="viewport"' in report.html
    assert '<html lang="en">' in report.html
    assert "prefers-color-scheme: dark" in report.html
    assert len(report.html) < 3e6


def test_nothing_comes_from_elsewhere(page, report):
    assert not re.search(r"https?://|@import|url\(|//[a-z]", report.html)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert all(image["src"].startswith("data:image/") for image in page.images)
    assert "default-src 'none'" in report.html


def test_every_picture_says_what_it_shows(page):
    assert len(page.images) > 8
    assert all(
        len(image["alt"]) > 20 and int(image["width"]) and int(image["height"]) for image in page.images
    )


def test_what_strangers_wrote_is_text(page, report):
    assert "<script>" not in report.html
    assert "<b>" not in report.html
    assert "onerror=alert(2)>" not in report.html
    said = "".join(page.said)
    for text in (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "a <b>note</b>",
        "$size$",
        "r&",
    ):
        assert text in said, text


def test_all_parts_are_there(page, report):
    said = "".join(page.said)
    for text in ("independent columns", "Gaussian copula", "Gaussian mixture", "lower bound", "identifier"):
        assert text in said, text
    assert report.likelihoods.compared[0].baseline.name == "independent columns"
    assert np.isfinite(report.likelihoods.mean)
    assert report.likelihoods.rows == 150
    assert "a half of those that were looked at" in said
    assert {finding.name for finding in report.findings} >= {"round trip", "base marginals"}
    assert (
        "pushforward fit t.csv -o model.safetensors --flow realnvp --option hidden=8 --option layers=2"
        in said
    )


def test_the_same_subject_gives_the_same_bytes(files, report):
    model, table, _ = files
    assert build_report(gather(model, [table], samples=400)).html == report.html


@pytest.mark.slow
def test_simpler_laws_are_learned_from_the_training_rows(files):
    model, table, other = files
    steps = []
    found = build_report(gather(model, [other], training=[table], samples=100, seed=1), step=steps.append)
    assert found.likelihoods.rows == 200
    assert f"learned from {table}, whose 300 rows" in " ".join(found.html.split())
    assert steps[0] == "the likelihood, and simpler laws"
    assert {item.name: item.verdict for item in found.findings}["overfit"] != "n/a"


def test_rows_without_probability_are_refused(files, tmp_path):
    model, table, _ = files
    lines = table.read_text().splitlines()
    path = tmp_path / "odd.csv"
    path.write_text("\n".join([lines[0], *(f"Basel,{line.split(',', 1)[1]}" for line in lines[1:])]) + "\n")
    with pytest.raises(BadTable) as error:
        build_report(gather(model, [path], samples=100))
    assert str(error.value) == (
        f"{path}: expected at least 20 rows that the model gives a probability, got 0 of 300."
    )


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it(report, tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium")
    # The page is looked at through a frame, for a window of the browser is never narrower than 500 pixels.
    (tmp_path / "page.html").write_text(report.html, encoding="utf-8")
    frame = f'<body style="margin:0"><iframe id="f" src="page.html" style="width:{width}px;height:900px;border:0">'
    script = (
        "onload=()=>{const d=f.contentDocument,e=d.documentElement;document.title=e.scrollWidth+' '+e.clientWidth+' '"
        "+[...d.images].filter(i=>!i.naturalWidth).length+' '+d.images.length}"
    )
    (tmp_path / "frame.html").write_text(f"{frame}</iframe><script>{script}</script>", encoding="utf-8")
    options = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    )
    extra = [
        f"--user-data-dir={tmp_path / 'profile'}",
        "--allow-file-access-from-files",
        "--window-size=1400,1000",
    ]
    found = subprocess.run(
        [
            browser,
            *options.split(),
            *extra,
            "--virtual-time-budget=5000",
            "--dump-dom",
            f"file://{tmp_path}/frame.html",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    scroll, client, broken, images = map(int, re.search(r"<title>(.*)</title>", found.stdout)[1].split())
    assert scroll <= client <= width  # nothing scrolls sideways but what is in its own box
    assert broken == 0 < images
