from pushforward.diagnostics import Finding
from pushforward.report.audits import audited, counted

FINDINGS = (
    Finding("round trip", "pass", 1e-6, 1e-3, "off by 1e-6", ""),
    Finding("two samples", "look", 0.6, 0.55, "told apart in 60 %", "Train longer."),
    Finding("overfit", "n/a", float("nan"), float("nan"), "not applicable: no training rows", ""),
)


def test_findings_are_told_with_advice():
    section = audited(FINDINGS, ["4,096 rows were looked at."])
    (verdicts,) = [block for block in section.blocks if block.kind == "verdicts"]
    assert list(verdicts.items) == [
        ("pass", "round trip", "off by 1e-6", ""),
        ("look", "two samples", "told apart in 60 %", "Train longer."),
    ]
    texts = [block.text for block in section.blocks if block.kind == "text"]
    assert texts[1:] == ["4,096 rows were looked at.", "overfit: not applicable: no training rows"]
    assert counted(FINDINGS) == "1 pass, 1 to look at, 0 fail"
