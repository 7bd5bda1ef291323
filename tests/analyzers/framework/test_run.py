"""Running analyzers: inputs that are missing, findings that are kept, and the registry."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from analyzers.framework import registry
from analyzers.framework.analyzer import Analyzer, Code, Input, Options
from analyzers.framework.documentation import UnknownCodeError, page, reference
from analyzers.framework.finding import Finding, fingerprint
from analyzers.framework.run import AnalyzerError, diagnose_lake, run_analyzers
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.rows import Row, access_log, mesh_object, pod, service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.lake.session import Session

NETWORKING = "networking.istio.io/v1"


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """A lake with a dangling route whose object asks for silence about another code."""
    uri = str(tmp_path / "lake")
    route = mesh_object(
        NETWORKING,
        "VirtualService",
        "shop",
        "cart",
        {"spec": {"hosts": ["x.example"], "http": [{"route": [{"destination": {"host": "card"}}]}]}},
        annotations=[("meshlens.io/suppress", "ML0102")],
    )
    Lake.open(uri, create=True).append("ingest", {"mesh_objects": Row.table([service("shop", "cart", 80), route])})
    return uri


def one_finding(session: Session, options: Options) -> Iterator[Finding]:
    """What an analyzer of a test gives: a single finding."""
    assert session.rows("mesh_objects") > 0
    yield Finding("probe", "ML9999", "info", ",".join(options.namespaces), "seen", fingerprint("ML9999", "probe"))


PROBE = Analyzer(
    name="probe",
    family="diagnosis",
    inputs=(Input(("mesh_objects",)),),
    codes=(Code("ML9999", "Probe", "info", "A probe."),),
    run=one_finding,
    documentation="A probe.",
)


def test_a_missing_input_is_a_skip_with_its_reason_and_an_optional_one_is_partial(lake: str) -> None:
    needs = replace(
        PROBE, name="needs", inputs=(Input(("spans", "metric_samples"), reason="No time."), Input(("mesh_objects",)))
    )
    kinds = replace(PROBE, name="kinds", inputs=(Input(("mesh_objects",), kinds=("Pod", "Node"), reason="No pods."),))
    wants = replace(PROBE, name="wants", inputs=(Input(("spans",), optional=True, reason="Less."),))
    either = replace(PROBE, name="either", inputs=(Input(("spans", "mesh_objects")),))
    with open_session(lake) as session:
        report = run_analyzers(session, (needs, kinds, wants, either), Options(namespaces=("shop",)))
    assert report.ran == ("wants", "either")
    assert [finding.subject for finding in report.findings] == ["shop", "shop"]
    assert [(skip.analyzer, skip.missing, skip.reason, skip.partial) for skip in report.skipped] == [
        ("needs", ("spans or metric_samples",), "No time.", False),
        ("kinds", ("mesh_objects of kind Pod or Node",), "No pods.", False),
        ("wants", ("spans",), "Less.", True),
    ]


def test_an_analyzer_that_fails_is_named(lake: str) -> None:
    def fail(session: Session, options: Options) -> Iterator[Finding]:
        raise ValueError(f"{options.namespaces} of {session.snapshot.run_id}")

    with open_session(lake) as session, pytest.raises(AnalyzerError, match="analyzer probe: "):
        run_analyzers(session, (replace(PROBE, run=fail),), Options())


def test_a_report_is_kept_as_one_run_and_again_only_when_it_says_something_new(lake: str) -> None:
    first = diagnose_lake(lake)
    again = diagnose_lake(lake)
    assert first.run_id is not None
    assert again.run_id == first.run_id
    assert [finding.code for finding in first.findings] == ["ML0101"]
    Lake.open(lake).append("ingest", {"mesh_objects": Row.table([service("shop", "card", 80)])})
    cured = diagnose_lake(lake)
    assert cured.findings == ()
    assert cured.run_id not in {None, first.run_id}
    with open_session(lake) as session:
        kept = session.query("findings").to_pylist()
        runs = sorted(session.query("runs").to_pylist(), key=lambda run: run["finished_at"])
    assert [run["run_id"] for run in runs if run["kind"] == "diagnose"] == [first.run_id, cured.run_id]
    assert [(row["run_id"], row["code"], row["fingerprint"]) for row in kept] == [
        (first.run_id, "ML0101", first.findings[0].fingerprint)
    ]


def test_annotations_in_the_lake_silence_findings(lake: str) -> None:
    silent = mesh_object(
        NETWORKING,
        "VirtualService",
        "shop",
        "quiet",
        {"spec": {"hosts": ["quiet.example"], "http": [{"route": [{"destination": {"host": "gone"}}]}]}},
        annotations=[("meshlens.io/suppress", "ML0101")],
    )
    Lake.open(lake).append("ingest", {"mesh_objects": Row.table([silent])})
    report = diagnose_lake(lake, kept=False)
    assert {(finding.object, finding.suppressed_by) for finding in report.findings} == {
        ("VirtualService/shop/cart", None),
        ("VirtualService/shop/quiet", "annotation meshlens.io/suppress on VirtualService/shop/quiet"),
    }
    with open_session(lake) as session:
        assert session.rows("findings") == 0


def test_findings_of_failures_survive_the_lake_with_edges_and_evidence(tmp_path: Path) -> None:
    uri = str(tmp_path / "lake")
    cluster = "outbound|80||cart.shop.svc.cluster.local"
    lines = [
        access_log("logs/web-1/access.log", number * 100, upstream_cluster=cluster, response_code=503,
                   response_flags="UH", response_code_details="no_healthy_upstream")
        for number in range(12)
    ]  # fmt: skip
    objects = [pod("shop", "web-1", "web", "10.0.0.1"), service("shop", "cart", 80)]
    Lake.open(uri, create=True).append("ingest", {"access_logs": Row.table(lines), "mesh_objects": Row.table(objects)})
    diagnose_lake(uri)
    with open_session(uri) as session:
        (row,) = session.query("findings").to_pylist()
    assert row["severity"] == "error"
    assert row["edges"] == [{"caller": "web", "callee": "cart.shop.svc.cluster.local"}]
    assert '"failures": 12' in row["evidence"]


def test_the_registry_is_sorted_and_every_code_belongs_to_one_analyzer() -> None:
    assert list(registry.MODULES) == sorted(registry.MODULES)
    analyzers = registry.load()
    codes = [code.code for analyzer in analyzers for code in analyzer.codes]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"ML\d{4}", code) for code in codes)
    for analyzer in analyzers:
        assert analyzer.summary, f"{analyzer.name} has no documentation"
        assert all(code.documentation for code in analyzer.codes)
    with pytest.raises(registry.UnknownNameError, match="no_such_analyzer"):
        registry.load("no_such_analyzer")


def test_pages_are_found_by_code_alias_and_analyzer() -> None:
    assert page("ml0101").startswith("# ML0101: ")
    assert "# ML0102" in page("KIA1107")
    assert "ML0103" in page("dangling_host")
    with pytest.raises(UnknownCodeError, match="the nearest is ML0101"):
        page("ML-0101")
    with pytest.raises(UnknownCodeError, match="the nearest is dangling_host"):
        page("dangling-hosts")


def test_the_reference_in_docs_is_what_the_checks_say() -> None:
    from pathlib import Path

    written = Path(__file__).parents[3] / "docs" / "analyzers.md"
    assert written.read_text(encoding="utf-8") == reference(), "run `python -m analyzers.framework.documentation`"
