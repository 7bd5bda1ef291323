"""The batch job over real files: every record once, accounted for, or nothing at all."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest

from pipelines.inputs.errors import InputError
from pipelines.inputs.options import InputOptions
from pipelines.inputs.path_identity import pod_rules
from pipelines.jobs import pipeline
from pipelines.jobs.commit import AccountingError
from pipelines.jobs.ingest import IngestOptions, run_ingest
from pipelines.lake.errors import NoLakeError
from pipelines.lake.session import open_session
from tests.support.log_lines import json_line, text_line, text_log

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.jobs.pipeline import Outcome
    from pipelines.jobs.progress import JobProgress

POD_FOLDER = "shop_cart-0_0b0fc2b5-6d1f-4f0f-9d0e-0a0b0c0d0e0f"


@pytest.fixture
def lake(tmp_path: Path) -> str:
    return str(tmp_path / "lake")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def ask(lake: str, question: str) -> list[tuple[object, ...]]:
    with open_session(lake) as session:
        session.require("access_logs", "rejects", "edges_1m", "mesh_objects", "metric_samples", "sources", "runs")
        return session.connection.execute(question).fetchall()


def test_every_record_is_in_the_lake_or_in_rejects(inputs: Path, lake: str) -> None:
    damaged = text_line(0)[:60]
    application = b"started in 3.2 seconds\n"
    (inputs / "access.log").write_bytes(text_log(50) + damaged + b"\n" + application + text_log(50, 50))
    (inputs / "more.log.gz").write_bytes(gzip.compress(json_line(0) + b"{broken\n"))
    report = run_ingest([str(inputs)], lake)
    assert (report.read, report.accepted, report.rejected, report.others) == (103, 101, 2, 1)
    assert ask(lake, "SELECT count(*), count(DISTINCT request_id) FROM access_logs") == [(101, 100)]
    assert sorted(ask(lake, "SELECT source, source_offset, raw, format FROM rejects")) == [
        (str(inputs / "access.log"), len(text_log(50)), damaged, "istio_text"),
        (str(inputs / "more.log.gz"), len(json_line(0)), b"{broken", "istio_json"),
    ]
    assert ask(lake, "SELECT DISTINCT run_id FROM rejects") == [(report.run_id,)]
    assert ask(lake, "SELECT sum(calls)::BIGINT, min(minute)::VARCHAR FROM edges_1m") == [
        (100, "2026-01-01 12:00:00+00")
    ]
    assert ask(lake, "SELECT DISTINCT date::VARCHAR FROM access_logs") == [("2026-01-01",)]
    assert ask(lake, "SELECT read, accepted, rejected, other_lines, kind FROM runs") == [(103, 101, 2, 1, "ingest")]


def test_again_adds_nothing_and_says_so(inputs: Path, lake: str) -> None:
    (inputs / "access.log").write_bytes(text_log(20))
    first = run_ingest([str(inputs)], lake)
    again = run_ingest([str(inputs)], lake)
    assert first.run_id is not None
    assert again.run_id is None
    assert [file.path for file in again.unchanged] == [str(inputs / "access.log")]
    assert ask(lake, "SELECT count(*) FROM access_logs") == [(20,)]
    with (inputs / "access.log").open("ab") as file:
        file.write(text_log(3, 20))
    assert run_ingest([str(inputs)], lake).read == 3
    assert ask(lake, "SELECT count(DISTINCT request_id), max(source_offset) FROM access_logs") == [
        (23, len(text_log(22)))
    ]


def test_a_last_line_without_its_end_is_read_once_the_file_is_quiet(inputs: Path, lake: str) -> None:
    (inputs / "access.log").write_bytes(text_log(2) + text_line(2).rstrip(b"\n"))
    assert run_ingest([str(inputs)], lake).accepted == 3


def test_pods_come_from_the_path_the_option_or_the_map(inputs: Path, lake: str) -> None:
    for number, name in enumerate((POD_FOLDER, "plain", "mapped")):
        (inputs / name).mkdir()
        (inputs / name / "0.log").write_bytes(text_log(2, 10 * number))
    (inputs / "objects.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n")
    rules = pod_rules(None, ["mapped/*=a/b"])
    run_ingest([str(inputs)], lake, IngestOptions(InputOptions(rules=rules)))
    pods = "SELECT DISTINCT split_part(source, '/', -2), reporter_namespace, reporter_pod FROM "
    expected = [("mapped", "a", "b"), ("plain", None, None), (POD_FOLDER, "shop", "cart-0")]
    assert sorted(ask(lake, pods + "access_logs")) == expected
    assert sorted(ask(lake, pods + "edges_1m")) == expected


def test_an_object_without_a_time_takes_that_of_its_file_inexactly(inputs: Path, lake: str) -> None:
    objects = inputs / "objects.yaml"
    objects.write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n")
    os.utime(objects, (1_700_000_000, 1_700_000_000))
    run_ingest([str(inputs)], lake)
    assert ask(lake, "SELECT epoch(observed_at), observed_at_exact FROM mesh_objects") == [(1_700_000_000.0, False)]


def test_nameless_series_take_the_metric_of_their_query(inputs: Path, lake: str) -> None:
    series = {"metric": {"code": "200"}, "values": [[1_700_000_000, "4"]]}
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [series]}}
    (inputs / "a.json").write_text(json.dumps(answer))
    (inputs / "queries.json").write_text(json.dumps({"a.json": "sum by (code) (requests_total)"}))
    run_ingest([str(inputs)], lake)
    assert ask(lake, "SELECT metric, value FROM metric_samples") == [("requests_total", 4.0)]


def test_nothing_to_read_makes_no_lake(inputs: Path, lake: str) -> None:
    (inputs / "notes.txt").write_text("hello")
    report = run_ingest([str(inputs)], lake)
    assert (report.files, report.run_id, len(report.skipped)) == ([], None, 1)
    with pytest.raises(NoLakeError):
        open_session(lake)
    with pytest.raises(InputError, match="no such file"):
        run_ingest([str(inputs / "nothing")], lake)


def test_a_file_that_vanishes_meanwhile_fails_the_run_and_commits_nothing(
    inputs: Path, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inputs / "a.log").write_bytes(text_log(5))
    run_ingest([str(inputs)], lake)
    (inputs / "b.log").write_bytes(text_log(5, 10))
    (inputs / "c.log").write_bytes(text_log(5, 20))
    run = pipeline.run_pipeline

    def vanish(*arguments: object) -> Outcome:
        (inputs / "c.log").unlink()
        return run(*arguments)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("pipelines.jobs.ingest.run_pipeline", vanish)
    with pytest.raises(InputError, match=r"c\.log: the file is gone"):
        run_ingest([str(inputs)], lake)
    assert ask(lake, "SELECT count(*) FROM access_logs") == [(5,)]
    monkeypatch.undo()
    assert run_ingest([str(inputs)], lake).accepted == 5
    assert ask(lake, "SELECT count(*), (SELECT sum(calls) FROM edges_1m) FROM access_logs") == [(10, 10)]


def test_damaged_gzip_keeps_what_is_good_and_rejects_the_rest(inputs: Path, lake: str) -> None:
    data = bytearray(gzip.compress(text_log(20_000), compresslevel=1))
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    (inputs / "access.log.gz").write_bytes(bytes(data))
    report = run_ingest([str(inputs)], lake)
    assert report.accepted > 1000
    assert report.rejected >= 1
    assert "damaged gzip data" in str(ask(lake, "SELECT reason FROM rejects ORDER BY source_offset DESC LIMIT 1"))
    assert run_ingest([str(inputs)], lake).run_id is None


def test_a_bomb_fails_the_run_with_its_name(inputs: Path, lake: str) -> None:
    (inputs / "good.log").write_bytes(text_log(3))
    bomb = gzip.compress(text_log(5) + b"\n" * 200_000_000)
    (inputs / "bomb.log.gz").write_bytes(bomb)
    with pytest.raises(InputError, match=r"bomb\.log\.gz: unpacks to more than"):
        run_ingest([str(inputs)], lake)
    assert ask(lake, "SELECT count(*) FROM access_logs") == [(0,)]


def test_lost_rows_are_an_error_and_nothing_is_added(inputs: Path, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (inputs / "a.log").write_bytes(text_log(5))
    monkeypatch.setattr("pipelines.transforms.bundle_work.roll_up", lambda rows: real_roll_up(rows.slice(1)))
    from pipelines.transforms.rollup import roll_up as real_roll_up

    with pytest.raises(AccountingError, match="calls rolled up 4 of 5"):
        run_ingest([str(inputs)], lake)
    assert ask(lake, "SELECT count(*) FROM access_logs") == [(0,)]
    assert ask(lake, "SELECT count(*) FROM runs WHERE kind = 'ingest'") == [(0,)]


def test_many_small_ranges_and_files_give_the_same_rows(inputs: Path, lake: str) -> None:
    for number in range(7):
        (inputs / f"{number}.log").write_bytes(text_log(100, 100 * number))
    told: list[JobProgress] = []
    options = IngestOptions(InputOptions(range_bytes=5_000), tell=told.append, bundle_bytes=20_000)
    report = run_ingest([str(inputs)], lake, options)
    assert report.read == 700
    assert len(report.files) == 7
    assert ask(lake, "SELECT count(DISTINCT request_id) FROM access_logs") == [(700,)]
    assert ask(lake, "SELECT max(n) FROM (SELECT count(*) AS n FROM edges_1m GROUP BY source, minute)") == [(1,)]
    assert told[-1].read == 700
    assert told[-1].bytes == told[-1].total_bytes == len(text_log(700))
    assert run_ingest([str(inputs)], lake).run_id is None


def test_several_workers_give_the_same_rows(inputs: Path, lake: str) -> None:
    for number in range(4):
        (inputs / f"{number}.log").write_bytes(text_log(200, 200 * number))
    beam = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")
    report = run_ingest([str(inputs)], lake, IngestOptions(beam=beam, bundle_bytes=10_000))
    assert report.read == 800
    assert ask(lake, "SELECT count(DISTINCT request_id), (SELECT sum(calls) FROM edges_1m) FROM access_logs") == [
        (800, 800)
    ]


def test_nothing_but_an_unfinished_record_is_no_run(inputs: Path, lake: str) -> None:
    (inputs / "access.log").write_bytes(text_log(3))
    run_ingest([str(inputs)], lake)
    (inputs / "traces.log.gz").write_bytes(gzip.compress(json_line(0) * 50)[:60])
    growing = IngestOptions(InputOptions(quiet_seconds=0.0))
    os.utime(inputs / "traces.log.gz", (4_000_000_000, 4_000_000_000))
    report = run_ingest([str(inputs)], lake, growing)
    assert (report.run_id, report.read) == (None, 0)
    assert ask(lake, "SELECT count(*) FROM runs") == [(1,)]


def test_garbage_after_the_last_gzip_member_is_rejected_once(inputs: Path, lake: str) -> None:
    log = inputs / "access.log.gz"
    log.write_bytes(gzip.compress(text_log(30)))
    run_ingest([str(inputs)], lake)
    with log.open("ab") as file:
        file.write(b"garbage that is no gzip member")
    report = run_ingest([str(inputs)], lake)
    assert (report.read, report.rejected) == (1, 1)
    assert run_ingest([str(inputs)], lake).run_id is None
    assert ask(lake, "SELECT count(*) FROM access_logs") == [(30,)]
    assert "damaged gzip data" in str(ask(lake, "SELECT reason FROM rejects"))
