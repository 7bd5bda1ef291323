"""Findings ranked by the calls that they bear on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.framework.analyzer import Analyzer, Options, Report
from analyzers.framework.blast_radius import calls_touched, is_untouched
from analyzers.framework.export.table import render_table
from analyzers.framework.finding import Finding
from analyzers.framework.run import run_analyzers
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.calls import HOST
from tests.support.rows import Row, access_log, pod, service

if TYPE_CHECKING:
    from pathlib import Path


def on(identity: str, severity: str = "warning") -> Finding:
    return Finding("check", "ML0001", severity, identity, "is wrong", identity, object=identity)  # type: ignore[arg-type]  # a test's own


def reported(tmp_path: Path, *findings: Finding, calls: int = 30) -> Report:
    uri = str(tmp_path / "lake")
    objects = [pod("shop", "cart-1", "cart", "10.0.0.2"), service("shop", "cart", 80), service("shop", "idle", 80)]
    lines = [access_log("web.log", at, upstream_cluster=f"outbound|80||{HOST}") for at in range(calls)]
    tables = {"mesh_objects": Row.table(objects)} | ({"access_logs": Row.table(lines)} if lines else {})
    Lake.open(uri, create=True).append("ingest", tables)
    check = Analyzer("check", "diagnosis", (), (), lambda *_: findings, "")
    with open_session(uri) as session:
        return run_analyzers(session, [check], Options())


def test_what_more_calls_touch_comes_first(tmp_path: Path) -> None:
    report = reported(tmp_path, on("Service/shop/a"), on("Service/shop/cart"), on("Service/shop/idle", "error"))
    assert [finding.object for finding in report.findings] == [
        "Service/shop/idle",
        "Service/shop/cart",
        "Service/shop/a",
    ]
    assert [calls_touched(finding) for finding in report.findings] == [0, 30, 0]


def test_what_no_call_touches_is_folded_unless_it_is_an_error(tmp_path: Path) -> None:
    report = reported(tmp_path, on("Service/shop/idle", "error"), on("Service/shop/a"), on("Service/shop/cart"))
    text = render_table(report)
    assert "Service/shop/idle" in text
    assert "touches: 30 calls of 1 callers" in text
    assert "Service/shop/a" not in text
    assert "1 findings on what no call touched (ML0001 1); -o wide lists them" in text
    assert "1 error, 2 warning" in text


def test_without_access_logs_nothing_is_known_of_traffic(tmp_path: Path) -> None:
    report = reported(tmp_path, on("Service/shop/a"), calls=0)
    assert not is_untouched(report.findings[0])
    assert "Service/shop/a" in render_table(report)


def test_an_episode_counts_its_own_calls() -> None:
    assert calls_touched(replace(on("Service/shop/a"), evidence={"calls": 12})) == 12
