"""A report as SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code-scanning tools."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from analyzers.framework.export.json import json_value
from analyzers.framework.export.texts import source_text
from analyzers.framework.places import source_of
from analyzers.framework.registry import codes

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Code, Report
    from analyzers.framework.finding import Finding, Severity

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What code-scanning tools replace by the root of the checkout.
_ROOT: Final = "%SRCROOT%"
_LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}


def render_sarif(report: Report) -> str:
    """The report as a SARIF log with one run: a rule for each code given, a result for each finding.

    Suppressed findings carry `suppressions`; skipped analyzers are notifications of the run's invocation.
    """
    known = {code: entry[1] for code, entry in codes().items()}
    used = sorted({finding.code for finding in report.findings})
    run: dict[str, object] = {
        "tool": {
            "driver": {
                "name": "meshlens",
                "version": _version(),
                "rules": [_rule(code, known.get(code)) for code in used],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(report)}],
        "results": [_result(finding, used.index(finding.code)) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, default=json_value)


def _rule(code: str, known: Code | None) -> dict[str, object]:
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in known.title.replace("-", " ").split()),
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.documentation},
        "help": {"text": f"meshlens explain {code}"},
        "defaultConfiguration": {"level": _LEVELS[known.severity]},
        "properties": {"aliases": list(known.aliases)},
    }


def _result(finding: Finding, rule_index: int) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(finding)],
        "partialFingerprints": {"meshlens/v1": finding.fingerprint},
        "properties": {
            "analyzer": finding.analyzer,
            "cause": finding.cause,
            "side": finding.side,
            "firstSeen": finding.first_seen,
            "lastSeen": finding.last_seen,
            "nextStep": finding.next_step,
            "edges": [{"caller": edge.caller, "callee": edge.callee} for edge in finding.edges],
            "evidence": finding.evidence,
        },
    }
    if finding.suppressed_by is not None:
        kind = "inSource" if finding.suppressed_by.startswith("annotation ") else "external"
        result["suppressions"] = [{"kind": kind, "justification": finding.suppressed_by}]
    return result


def _location(finding: Finding) -> dict[str, object]:
    """Where the finding is: always logically, and in the file the object was read from where that is known."""
    name = "/".join(part for part in (finding.object, finding.path) if part) or finding.subject
    location: dict[str, object] = {"logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}]}
    written = source_of(finding)
    if written is not None:
        location["physicalLocation"] = _physical(finding, *written)
    return location


def _physical(finding: Finding, source: str, offset: int) -> dict[str, object]:
    """The file, relative to the working directory where it is beneath it, as code-scanning tools want it."""
    shown = source_text(source)
    artifact: dict[str, object] = {"uri": quote(shown, safe="/:" if "://" in shown else "/")}
    if not shown.startswith("/") and "://" not in shown:
        artifact["uriBaseId"] = _ROOT
    place = finding.place
    if place is None or place.line is None:
        return {"artifactLocation": artifact, "region": {"byteOffset": offset}}
    column = {} if place.column is None else {"startColumn": place.column}
    return {"artifactLocation": artifact, "region": {"startLine": place.line, **column}}


def _notifications(report: Report) -> list[dict[str, object]]:
    skips = [
        (
            "note" if skip.partial else "warning",
            f"{skip.analyzer} {'ran without' if skip.partial else 'was skipped: needs'} "
            f"{', '.join(skip.missing)}. {skip.reason}".rstrip(),
        )
        for skip in report.skipped
    ]
    return [
        {"level": level, "message": {"text": text}} for level, text in (*skips, *(("note", n) for n in report.notes))
    ]


def _version() -> str:
    try:
        return version("meshlens")
    except PackageNotFoundError:
        return "0"
