"""Figures as text that a page can hold: the same figure gives the same bytes."""

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

_FONTS = "'DejaVu Sans', Verdana, 'Noto Sans', sans-serif"
"""Where the first is missing, what is about as wide; a browser finds other scripts in what else it has."""


class Image(NamedTuple):
    """A picture in a page.

    Attributes:
        uri: a data URI with the picture itself.
        width, height: in CSS pixels.
    """

    uri: str
    width: int
    height: int


@contextmanager
def plain_text() -> Iterator[None]:
    """Draw what strangers wrote: a dollar is a dollar, and a letter that the font lacks is left to the browser's."""
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*Glyph .* missing from")
        yield


def embed(figure: Figure) -> Image:
    """Return a figure as an SVG picture without date, version and random names.

    Text stays text, in the reader's fonts where the figure's are missing.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with plain_text(), mpl.rc_context({"svg.hashsalt": "pushforward", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", dpi=150, metadata=nothing)
    text = buffer.getvalue().replace("'DejaVu Sans'", _FONTS)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Image("data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode(), width, height)
