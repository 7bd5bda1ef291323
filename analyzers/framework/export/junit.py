"""A report as JUnit XML, for CI servers: a suite for each analyzer, a case for each finding.

Format: https://github.com/testmoapp/junitxml (what Jenkins, GitLab, GitHub and Azure read in common).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from analyzers.framework.export.texts import one_line, place_text, source_text, subject_text, visible
from analyzers.framework.finding import at_least

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzers.framework.analyzer import Report, Skipped
    from analyzers.framework.finding import Finding, Severity


def render_junit(report: Report, fail_on: Severity | Literal["never"] = "error") -> str:
    """The report as `testsuites`.

    A finding from `fail_on` on is a failure, a milder one a passed case that says so, a suppressed one and a skipped
    analyzer are skipped cases. An analyzer that found nothing is a passed case.
    """
    by_analyzer = {
        name: list(found)
        for name, found in groupby(sorted(report.findings, key=lambda item: item.analyzer), lambda item: item.analyzer)
    }
    root = ET.Element("testsuites", name="meshlens")
    for name in sorted({*report.ran, *by_analyzer}):
        _suite(root, name, by_analyzer.get(name, []), fail_on)
    skipped = [skip for skip in report.skipped if not skip.partial]
    for skip in skipped:
        _skipped_suite(root, skip)
    if report.notes:
        ET.SubElement(root, "system-out").text = visible("\n".join(report.notes))
    for total in ("tests", "failures", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root.iter("testsuite"))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


def _suite(root: ET.Element, name: str, findings: Sequence[Finding], fail_on: Severity | Literal["never"]) -> None:
    suite = ET.SubElement(root, "testsuite", name=name)
    for finding in findings:
        case = ET.SubElement(
            suite, "testcase", classname=name, name=one_line(f"{finding.code} {subject_text(finding)}")
        )
        if finding.place is not None:
            case.set("file", visible(source_text(finding.place.source)))
            if finding.place.line is not None:
                case.set("line", str(finding.place.line))
        if finding.suppressed_by is not None:
            ET.SubElement(case, "skipped", message=one_line(f"suppressed: {finding.suppressed_by}"))
        elif fail_on != "never" and at_least(finding.severity, fail_on):
            failure = ET.SubElement(case, "failure", type=finding.severity, message=one_line(finding.message))
            failure.text = _details(finding)
        else:
            ET.SubElement(case, "system-out").text = f"{finding.severity}: {_details(finding)}"
    if not findings:
        ET.SubElement(suite, "testcase", classname=name, name="no findings")
    _count(suite)


def _skipped_suite(root: ET.Element, skip: Skipped) -> None:
    suite = ET.SubElement(root, "testsuite", name=skip.analyzer)
    case = ET.SubElement(suite, "testcase", classname=skip.analyzer, name="not run")
    ET.SubElement(case, "skipped", message=one_line(f"needs {', '.join(skip.missing)}. {skip.reason}"))
    _count(suite)


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _details(finding: Finding) -> str:
    lines = (
        finding.message,
        place_text(finding.place),
        f"cause: {finding.cause}" if finding.cause else "",
        f"next: {finding.next_step}" if finding.next_step else "",
    )
    return visible("\n".join(line for line in lines if line))
