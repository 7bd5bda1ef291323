"""Every format says the findings, what silenced some of them, and what was skipped and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from analyzers.framework.analyzer import Report, Skipped
from analyzers.framework.export import EXPORTERS
from analyzers.framework.export.table import render_table
from analyzers.framework.finding import Edge, Finding

AT = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)

DANGLING = Finding(
    analyzer="dangling_host",
    code="ML0101",
    severity="error",
    subject="VirtualService/shop/cart spec/http[0]/route[0]/destination/host",
    message="no Service or ServiceEntry is called card",
    fingerprint="0" * 32,
    evidence={"object_source": "s3://bucket/mesh objects.yaml", "object_source_offset": 120, "seen": AT},
    first_seen=AT,
    last_seen=AT,
    cause="cluster_not_found",
    side="configuration",
    object="VirtualService/shop/cart",
    path="spec/http[0]/route[0]/destination/host",
    edges=(Edge("web", "card"),),
    next_step="Correct it.",
)
SILENCED = Finding(
    "explained_failures", "ML0282", "warning", "bank", "errors", "1" * 32,
    suppressed_by="annotation meshlens.io/suppress on Service/shop/bank",
)  # fmt: skip
FILED = Finding("explained_failures", "ML0271", "info", "bank", "cancels", "2" * 32, suppressed_by="quiet.yaml: known")
REPORT = Report(
    findings=(DANGLING, SILENCED, FILED),
    skipped=(
        Skipped("service_graph", ("spans",), "Ingest traces."),
        Skipped("explained_failures", ("mesh_objects of kind Pod",), "Workloads stay unknown.", partial=True),
    ),
    ran=("dangling_host", "explained_failures"),
    notes=("quiet.yaml entry 4 expired",),
)

#: What the SARIF 2.1.0 specification demands of the parts that are written (sections 3.13 to 3.59).
SARIF_ESSENTIALS: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "items": {"type": "object", "required": ["id"]},
                                        "uniqueItems": True,
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "properties": {
                                "toolExecutionNotifications": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["message"],
                                        "properties": {"level": {"enum": ["none", "note", "warning", "error"]}},
                                    },
                                }
                            },
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"type": "object", "required": ["text"]},
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "suppressions": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["kind"],
                                        "properties": {"kind": {"enum": ["inSource", "external"]}},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("form", sorted(EXPORTERS))
def test_every_format_tells_findings_suppressions_and_skips(form: str) -> None:
    text = EXPORTERS[form](REPORT)
    for told in ("ML0101", "ML0282", "meshlens.io/suppress", "service_graph", "Ingest traces.", "entry 4 expired"):
        assert told in text, told


@pytest.mark.parametrize("form", sorted(EXPORTERS))
def test_every_format_can_say_that_there_is_nothing(form: str) -> None:
    assert EXPORTERS[form](Report(ran=("dangling_host",)))


def test_json_has_every_field_of_a_finding_and_times_in_utc() -> None:
    document = json.loads(EXPORTERS["json"](REPORT))
    assert set(document) == {"findings", "skipped", "counts", "ran", "notes", "run_id"}
    assert document["counts"] == {"error": 1, "warning": 0, "info": 0, "suppressed": 2}
    first = document["findings"][0]
    assert set(first) >= {
        "analyzer", "code", "severity", "subject", "message", "evidence", "first_seen", "last_seen", "fingerprint",
        "cause", "side", "object", "path", "edges", "next_step", "suppressed_by",
    }  # fmt: skip
    assert first["first_seen"] == "2026-01-01T12:00:30Z"
    assert first["edges"] == [{"caller": "web", "callee": "card"}]
    assert first["evidence"]["seen"] == "2026-01-01T12:00:30Z"
    assert document["skipped"][0] == {
        "analyzer": "service_graph", "missing": ["spans"], "reason": "Ingest traces.", "partial": False,
    }  # fmt: skip


def test_sarif_is_what_the_specification_asks_for() -> None:
    document = json.loads(EXPORTERS["sarif"](REPORT))
    jsonschema.validate(document, SARIF_ESSENTIALS)
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    location = run["results"][0]["locations"][0]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == f"{DANGLING.object}/{DANGLING.path}"
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "s3://bucket/mesh%20objects.yaml"},
        "region": {"byteOffset": 120},
    }
    assert [result.get("suppressions", [{}])[0].get("kind") for result in run["results"]] == [
        None,
        "inSource",
        "external",
    ]
    levels = [item["level"] for item in run["invocations"][0]["toolExecutionNotifications"]]
    assert levels == ["warning", "note", "note"]


def test_the_table_shows_markup_and_control_characters_as_they_are() -> None:
    hostile = Finding("a", "ML0101", "error", "s", "[red]evil[/red] \x1b[2Jcleared\x07", "f" * 32)
    text = render_table(Report(findings=(hostile,)), width=100)
    assert "[red]evil[/red] \\x1b[2Jcleared\\x07" in text
    assert "\x1b" not in text
