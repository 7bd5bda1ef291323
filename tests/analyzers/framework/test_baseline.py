from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Report
from analyzers.framework.baseline import BaselineError, baseline_text, is_known, read_baseline
from analyzers.framework.export.json import render_json
from analyzers.framework.finding import Finding, fingerprint
from analyzers.framework.suppression import suppress

if TYPE_CHECKING:
    from pathlib import Path


def finding(subject: str) -> Finding:
    return Finding("a", "ML0101", "error", subject, "m", fingerprint("ML0101", subject))


def test_known_findings_are_silenced_and_new_ones_are_not(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text(baseline_text([finding("b"), finding("a"), finding("a")]))
    lines = file.read_text().splitlines()
    assert ["a" in lines[1], "b" in lines[2], len(lines)] == [True, True, 4]
    known = read_baseline(file)
    silenced = suppress([finding("a"), finding("c")], [known])
    assert [item.suppressed_by for item in silenced] == [f"baseline {file}", None]
    assert [is_known(item) for item in silenced] == [True, False]
    assert "1 of 2 known findings are gone" in (known.note(silenced) or "")
    assert known.note([finding("a"), finding("b")]) is None


def test_a_report_is_a_baseline_too_and_so_is_an_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(render_json(Report((replace(finding("a"), suppressed_by="x"),))))
    assert read_baseline(file).fingerprints == {finding("a").fingerprint}
    file.write_text(baseline_text([]))
    assert read_baseline(file).fingerprints == frozenset()
    assert json.loads(file.read_text()) == {"findings": []}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"findings": [{"code": "x"}]}', b"\xff"])
def test_what_is_no_baseline_is_refused_with_the_way_to_write_one(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_bytes(content)
    with pytest.raises(BaselineError, match="--write-baseline"):
        read_baseline(file)
    with pytest.raises(BaselineError, match=r"absent\.json"):
        read_baseline(tmp_path / "absent.json")
