from pushforward.plots import Image
from pushforward.report.blocks import (
    Commands,
    Facts,
    Folded,
    Gallery,
    Grid,
    Heading,
    Page,
    Picture,
    Section,
    Text,
    Verdicts,
)
from pushforward.report.page import render

BAD = "<i>&\"'\x1b\ud800"
SAFE = "&lt;i&gt;&amp;&#34;&#39;\N{REPLACEMENT CHARACTER}"


def test_every_kind_of_block_is_shown_and_escaped():
    picture = Picture(Image("data:image/png;base64,AA==", 3, 4), BAD, BAD, (BAD,))
    blocks = [
        Text(BAD),
        Heading(BAD),
        Facts([(BAD, BAD)]),
        Grid(BAD, [BAD, "n"], [[BAD, BAD]], numbers=(1,), strong=(0,)),
        picture,
        Gallery([picture], wide=True),
        Commands([BAD, "x"]),
        Verdicts([("pass", BAD, BAD, BAD), (BAD, "x", "y", "")]),
        Folded(BAD, [Text(BAD)]),
    ]
    found = render(Page(BAD, BAD, [(BAD, BAD, BAD)], [Section("s", BAD, blocks)], "1"))
    assert "<i>" not in found
    assert "\x1b" not in found
    assert found.encode("utf-8").decode("utf-8") == found
    # Title, heading, lead, three of the tile, contents and heading of the section; then what the blocks hold.
    assert found.count(SAFE) == 8 + 1 + 1 + 2 + (2 + 3) + 3 + 3 + 1 + 4 + 2
    assert '<td class="number">' in found
    assert '<tr class="strong">' in found
    assert '<span class="verdict pass">pass</span>' in found
    assert "gallery wide" in found
    assert "<details>" in found
