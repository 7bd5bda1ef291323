"""One request that came by two paths counts once, in whatever order the paths were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.jobs.ingest import run_ingest
from pipelines.jobs.overlap import Overlap
from pipelines.lake.session import open_session
from tests.support.corpora import ROOT
from tests.support.log_lines import json_line, text_line, text_log

if TYPE_CHECKING:
    from pathlib import Path

BOTH = "logs-text", "logs-json"


def ask(lake: Path, question: str) -> list[tuple[object, ...]]:
    with open_session(str(lake)) as session:
        session.require("access_logs", "duplicates", "log_lines", "edges_1m", "edge_minutes", "rejects")
        return session.connection.execute(question).fetchall()


def standing(lake: Path) -> tuple[object, ...]:
    """Lines kept, lines that count, calls of the rollup, and calls and timed calls of the edges."""
    (counts,) = ask(
        lake,
        """
        select
            (select count(*) from access_logs),
            (select count(*) from log_lines),
            (select sum(calls)::bigint from edges_1m),
            (select sum(calls)::bigint from edge_minutes),
            (select sum(list_sum(latency_count))::bigint from edge_minutes)
        """,
    )
    return counts


@pytest.mark.parametrize("runs", [[["a.log", "b.json.log"]], [["a.log"], ["b.json.log"]], [["b.json.log"], ["a.log"]]])
def test_two_formats_of_one_log(tmp_path: Path, runs: list[list[str]]) -> None:
    (tmp_path / "a.log").write_bytes(text_log(200))
    (tmp_path / "b.json.log").write_bytes(b"".join(json_line(number) for number in range(100, 300)))
    found: list[Overlap] = []
    for names in runs:
        found += run_ingest([str(tmp_path / name) for name in names], str(tmp_path / "lake")).overlaps
    assert sum(overlap.records for overlap in found) == 100
    assert standing(tmp_path / "lake") == (400, 300, 300, 300, 300)


def test_a_third_copy_is_a_copy_too(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.log").write_bytes(text_log(10) + text_line(10 + ord(name)))
        run_ingest([str(tmp_path / f"{name}.log")], str(tmp_path / "lake"))
    assert standing(tmp_path / "lake") == (33, 13, 13, 13, 13)


def test_what_one_source_has_twice_stays_two(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(text_line(0) * 3)
    (tmp_path / "b.json.log").write_bytes(json_line(0) * 2)
    report = run_ingest([str(tmp_path)], str(tmp_path / "lake"))
    assert report.overlaps == [Overlap(str(tmp_path / "b.json.log"), str(tmp_path / "a.log"), 2)]
    assert standing(tmp_path / "lake") == (5, 3, 3, 3, 3)


def test_the_line_that_names_its_pod_is_kept(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    (tmp_path / "a.log").write_bytes(text_log(5))
    named = tmp_path / "var" / "log" / "pods" / "shop_cart-0_0b0fc2b5-6d1f-4f0f-9d0e-0a0b0c0d0e0f" / "istio-proxy"
    named.mkdir(parents=True)
    (named / "0.log").write_bytes(b"".join(map(json_line, range(5))))
    run_ingest([str(tmp_path / "a.log")], str(lake))
    report = run_ingest([str(named)], str(lake))
    assert report.overlaps == [Overlap(str(tmp_path / "a.log"), str(named / "0.log"), 5)]
    assert ask(lake, "select distinct reporter_pod from log_lines") == [("cart-0",)]
    assert standing(lake) == (10, 5, 5, 5, 5)


def test_other_requests_are_no_copies(tmp_path: Path) -> None:
    line = text_line(0)
    variants = {
        "code": line.replace(b" 200 ", b" 503 "),
        "path": line.replace(b"/items/0", b"/items/9"),
        "client": line.replace(b"10.0.0.4:40000", b"10.0.0.4:40001"),
        "cluster": line.replace(b"outbound|8080||cart", b"outbound|8080|v2|cart"),
        "id": line.replace(b"000000000000", b"000000000001"),
        "time": line.replace(b".000Z", b".001Z"),
    }
    (tmp_path / "a.log").write_bytes(line)
    for name, variant in variants.items():
        (tmp_path / f"{name}.log").write_bytes(variant)
    assert run_ingest([str(tmp_path)], str(tmp_path / "lake")).overlaps == []
    assert standing(tmp_path / "lake") == (7, 7, 7, 7, 7)


def test_without_a_client_port_or_request_id_nothing_is_a_copy(tmp_path: Path) -> None:
    anonymous = text_line(0).replace(b"10.0.0.4:40000", b"10.0.0.4:0")
    unknown = anonymous.replace(b'"00000000-0000-4000-8000-000000000000"', b'"-"')
    for number, name in enumerate("ab"):
        (tmp_path / f"{name}.log").write_bytes(anonymous + unknown + text_line(number + 1))
    assert [overlap.records for overlap in run_ingest([str(tmp_path)], str(tmp_path / "lake")).overlaps] == [1]


@pytest.mark.skipif(not ROOT.is_dir(), reason="the development data is absent")
@pytest.mark.corpus
def test_real_logs_in_two_formats_count_once(tmp_path: Path) -> None:
    inputs = [str(ROOT / "bookinfo-baseline" / "input" / kind) for kind in BOTH]
    report = run_ingest(inputs, str(tmp_path / "lake"))
    one = run_ingest(inputs[:1], str(tmp_path / "one"))
    assert sum(overlap.records for overlap in report.overlaps) == one.accepted
    assert standing(tmp_path / "lake")[1:] == standing(tmp_path / "one")[1:]
