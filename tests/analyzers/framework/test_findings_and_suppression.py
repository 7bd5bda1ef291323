from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Report
from analyzers.framework.finding import Finding, Severity, fingerprint
from analyzers.framework.suppression import Annotations, SuppressionFileError, read_suppressions, suppress

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2030, 1, 15)


def finding(code: str = "ML0101", subject: str = "shop/cart", severity: Severity = "error") -> Finding:
    return Finding(
        analyzer="a",
        code=code,
        severity=severity,
        subject=subject,
        message="m",
        fingerprint=fingerprint(code, subject),
        object="VirtualService/shop/cart",
    )


def test_fingerprint_depends_on_code_subject_and_identity_and_cannot_be_shifted_between_them() -> None:
    assert fingerprint("ML0101", "a", "b") == fingerprint("ML0101", "a", "b")
    assert len({fingerprint("ML0101", "a", "b"), fingerprint("ML0101", "ab"), fingerprint("ML0102", "a", "b")}) == 3


def test_annotation_silences_only_the_codes_it_names_on_its_own_object() -> None:
    annotations = Annotations({"VirtualService/shop/cart": {"meshlens.io/suppress": "ML0101, ML02*"}})
    kept = suppress([finding("ML0101"), finding("ML0203"), finding("ML0102")], [annotations])
    assert [item.suppressed_by for item in kept] == [
        "annotation meshlens.io/suppress on VirtualService/shop/cart",
        "annotation meshlens.io/suppress on VirtualService/shop/cart",
        None,
    ]


def test_file_silences_by_code_and_subject_or_object_glob_and_expired_entries_are_told(tmp_path: Path) -> None:
    path = tmp_path / "quiet.yaml"
    path.write_text(
        "- {code: ML0101, subject: 'shop/*', reason: known}\n"
        "- {code: 'ML02*', subject: 'VirtualService/*', reason: other}\n"
        "- {code: ML0300, reason: old, expires: 2030-01-14}\n"
        "- {code: ML0301, reason: last day, expires: 2030-01-15}\n"
    )
    entries, notes = read_suppressions(path, TODAY)
    findings = [finding(), finding("ML0202", "x"), finding("ML0300"), finding("ML0301"), finding(subject="bank/a")]
    assert [item.suppressed_by for item in suppress(findings, entries)] == [
        f"{path} entry 1: known",
        f"{path} entry 2: other",
        None,
        f"{path} entry 4: last day",
        None,
    ]
    assert len(notes) == 1
    assert "2030-01-14" in notes[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {code: ML0101}", "0.reason"),
        ("- {code: ML0101, reason: ''}", "0.reason"),
        ("- {code: ML0101, reason: x, until: 2030-01-01}", "0.until"),
        ("code: ML0101", "document"),
        ("- [", "quiet.yaml"),
        ("- !!python/object/apply:os.system ['true']", "quiet.yaml"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_that_names_the_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "quiet.yaml"
    path.write_text(text)
    with pytest.raises(SuppressionFileError, match=told):
        read_suppressions(path, TODAY)


def test_suppressed_findings_stay_in_the_report_but_do_not_count() -> None:
    silenced = suppress(
        [finding(), finding("ML0102", severity="warning")],
        [Annotations({"VirtualService/shop/cart": {"meshlens.io/suppress": "ML0101"}})],
    )
    report = Report(silenced)
    assert report.counts() == {"error": 0, "warning": 1, "info": 0, "suppressed": 1}
    assert report.worst_at_least("warning")
    assert not report.worst_at_least("error")
