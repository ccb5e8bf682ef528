"""What a report is made of: plain data, all of it text that the page escapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..plots.embedding import Image


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Facts:
    """Names and what belongs to them."""

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        caption: what it is.
        head: names of the columns.
        rows: cells, as many in each row as there are names; the first names its row.
        numbers: places of the columns that hold numbers.
        strong: places of the rows that stand out.
    """

    kind: ClassVar[str] = "grid"
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    strong: Sequence[int] = ()


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        image: itself.
        alt: what it shows, for those who do not see it.
        title: above it.
        caption: lines below it.
    """

    kind: ClassVar[str] = "picture"
    image: Image
    alt: str
    title: str = ""
    caption: Sequence[str] = ()


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side: small ones, or wide ones, of which fewer fit."""

    kind: ClassVar[str] = "gallery"
    pictures: Sequence[Picture]
    wide: bool = False


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    kind: ClassVar[str] = "commands"
    lines: Sequence[str]


@dataclass(frozen=True)
class Verdicts:
    """Lines of an audit, each with verdict, name, text and advice."""

    kind: ClassVar[str] = "verdicts"
    items: Sequence[tuple[str, str, str, str]]


@dataclass(frozen=True)
class Folded:
    """What is shown on request."""

    kind: ClassVar[str] = "folded"
    summary: str
    blocks: "Sequence[Block]"


Block = Text | Heading | Facts | Grid | Picture | Gallery | Commands | Verdicts | Folded


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        name: of its place in the page, in letters and hyphens.
        title: its heading.
        blocks: what it holds.
    """

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: its heading.
        lead: what it is about, in a sentence.
        tiles: the few numbers that matter most: a name, a number, a remark.
        sections: its parts.
        version: of the library that made it.
    """

    title: str
    lead: str
    tiles: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    version: str
