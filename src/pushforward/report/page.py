"""A report as one HTML page that needs nothing else."""

from pathlib import Path

import jinja2

from .blocks import Page

_HERE = Path(__file__).parent


def render(page: Page) -> str:
    """Return the page as HTML: no script, no font, no picture comes from elsewhere, and its policy allows none.

    Everything in it is escaped: names of columns, levels and files are strangers' text.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    text = environment.get_template("page.html").render(page=page, style=style)
    # What a browser may not hold at all: control characters, and halves of letters.
    kept = "".join(
        c if c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160) else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )
    return kept.encode("utf-8", "replace").decode("utf-8")
