"""Maintenance keeps every row and takes away what nobody can read."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.lake.compaction import groups_to_join, join_files
from pipelines.lake.errors import LakeError
from pipelines.lake.lake import Lake
from pipelines.lake.maintenance import compact_gradually, maintain
from pipelines.lake.parquet import ROW_GROUP_ROWS
from pipelines.lake.session import open_session
from pipelines.lake.tables import commit_once
from pipelines.lake.writer import DataFile, write_part
from pipelines.schemas import ACCESS_LOGS, TABLES
from tests.lake.rows import MOMENT, access_logs, sources, spans

NOW = dt.timedelta(0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after twelve small batches over three days."""
    path = tmp_path_factory.mktemp("template") / "lake"
    lake = Lake.open(str(path), create=True)
    for number in range(12):
        with lake.begin("stream", {}) as batch:
            start = MOMENT + dt.timedelta(days=number // 4)
            rows = access_logs(10, first=10 * number, start=start)
            files = {
                "access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), rows),
                "spans": write_part(lake.uri, "spans", batch.part_name(0), spans(2)),
            }
            batch.commit(files, tables={"sources": sources(10 * number)})
    return path


@pytest.fixture
def lake(template: Path, tmp_path: Path) -> Lake:
    shutil.copytree(template, tmp_path / "lake")
    return Lake.open(str(tmp_path / "lake"))


def content(lake: Lake) -> dict[str, list[str]]:
    """Every row of the tables that maintenance adds nothing to."""
    with open_session(lake.uri) as session:
        return {
            table.name: sorted(map(repr, session.query(table.name).to_pylist()))
            for table in TABLES
            if table.name != "runs"
        }


def parquet(lake: Lake, table: str) -> set[str]:
    return {path.name for path in (Path(lake.uri) / table).rglob("*.parquet") if "_delta_log" not in path.parts}


def test_small_files_are_joined_and_every_row_stays(lake: Lake) -> None:
    before = content(lake)
    runs = lake.snapshot().files("runs")
    done = {table.table: table for table in maintain(lake.uri).tables}
    assert content(lake) == before
    assert (done["access_logs"].files_joined, done["access_logs"].files_written) == (12, 3)
    assert len(lake.snapshot().files("access_logs")) == 3
    assert len(lake.snapshot().files("spans")) == 1
    with open_session(lake.uri) as session:
        kinds = session.query("runs").column("kind").to_pylist()
    assert len(runs) == 12
    assert sorted(set(kinds)) == ["maintain", "stream"]
    assert kinds.count("stream") == 12
    # Once more there is nothing left to join but the run rows of the maintenance itself.
    again = {table.table: table.files_joined for table in maintain(lake.uri).tables}
    assert {name for name, joined in again.items() if joined} == {"runs"}


def test_replaced_files_stay_for_readers_and_go_after_the_retention(lake: Lake) -> None:
    small = parquet(lake, "access_logs")
    with open_session(lake.uri) as reader:
        maintain(lake.uri)
        assert small <= parquet(lake, "access_logs")
        assert reader.query("access_logs").num_rows == 120
    before = content(lake)
    done = {table.table: table for table in maintain(lake.uri, retention=NOW).tables}
    assert done["access_logs"].replaced_deleted == 12
    assert done["access_logs"].bytes_deleted > 0
    assert not small & parquet(lake, "access_logs")
    assert content(lake) == before


def test_files_of_dead_batches_go_after_the_grace_and_no_others(lake: Lake) -> None:
    before = content(lake)
    write_part(lake.uri, "access_logs", "20200101T000000000000Z-dead-0", access_logs(5))
    temporary = Path(lake.uri) / "access_logs" / "date=2024-05-01" / ".x.v1.parquet.abc.tmp"
    temporary.write_bytes(b"half")
    with lake.begin("ingest", {}) as batch:
        files = write_part(lake.uri, "access_logs", batch.part_name(0), access_logs(5, first=1000))
        young = {table.table: table.orphans_deleted for table in maintain(lake.uri).tables}
        assert sum(young.values()) == 0
        for path in (Path(lake.uri) / "access_logs").rglob("*"):
            os.utime(path, (time.time() - 1e6, time.time() - 1e6))
        done = {table.table: table.orphans_deleted for table in maintain(lake.uri).tables}
        assert {name: count for name, count in done.items() if count} == {"access_logs": 2}
        assert not temporary.exists()
        batch.commit({"access_logs": files})
    with open_session(lake.uri) as session:
        assert session.query("access_logs").num_rows == 125
    assert set(before["spans"]) == set(content(lake)["spans"])


def test_logs_are_checkpointed_and_old_entries_dropped_while_the_latest_run_stays_readable(lake: Lake) -> None:
    before = content(lake)
    delta = lake.tables["spans"]
    delta.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
    time.sleep(0.01)
    maintain(lake.uri)
    log = Path(lake.uri) / "spans" / "_delta_log"
    assert list(log.glob("*.checkpoint.parquet"))
    assert len(list(log.glob("*.json"))) <= 1
    assert content(lake) == before
    # A handle opened before goes on committing.
    lake.append("diagnose", {"sources": sources(1)})
    with lake.begin("ingest", {}) as batch:
        batch.commit({"spans": write_part(lake.uri, "spans", batch.part_name(0), spans(1))})
    assert len(content(lake)["spans"]) == 25


def test_what_a_dead_process_left_is_settled(lake: Lake) -> None:
    batch = lake.begin("ingest", {})
    batch._release()
    assert maintain(lake.uri).discarded == (batch.batch_id,)


def test_a_log_and_files_that_disagree_change_nothing(lake: Lake) -> None:
    """A file that lost rows behind the log's back is reported, not made permanent."""
    files = lake.snapshot().files("access_logs")
    path = Path(lake.uri) / "access_logs" / files[0].path
    pq.write_table(pq.read_table(path, partitioning=None).slice(0, 3), path)
    with pytest.raises(LakeError, match=r"has 40 rows by its log but 33 in its files; nothing was changed"):
        maintain(lake.uri)
    assert lake.snapshot().files("access_logs") == files


def test_gradual_joining_rewrites_each_row_a_few_times(lake: Lake) -> None:
    rewritten = 0
    for number in range(20):
        with lake.begin("stream", {}) as batch:
            rows = access_logs(10, first=10 * number, start=MOMENT + dt.timedelta(days=9))
            batch.commit({"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), rows)})
        files = [file for file in lake.snapshot().files("access_logs") if "2024-05-10" in file.path]
        rewritten += sum(file.rows for group in groups_to_join(files, gradual=True) for file in group)
        compact_gradually(lake)
    files = [file for file in lake.snapshot().files("access_logs") if "2024-05-10" in file.path]
    assert len(files) < 10
    assert sum(file.rows for file in files) == 200
    assert 0 < rewritten <= 200


def test_large_files_are_joined_in_whole_row_groups(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path), create=True)
    with lake.begin("ingest", {}) as batch:
        files = []
        for number in range(3):
            rows = access_logs(50_000, first=50_000 * number)
            files += write_part(lake.uri, "access_logs", batch.part_name(number), rows)
        batch.commit({"access_logs": files})
    joined = join_files(lake.storage, ACCESS_LOGS, "joined", [file for file in files if "05-01" in file.path])
    metadata = pq.read_metadata(tmp_path / "access_logs" / joined.path)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert max(groups) <= ROW_GROUP_ROWS
    assert len(groups) <= 3
    assert sum(groups) == joined.rows == sum(file.rows for file in files if "05-01" in file.path)
    offsets = pq.read_table(tmp_path / "access_logs" / joined.path, columns=["source_offset"], partitioning=None)
    assert offsets.column(0).to_pylist()[:3] == [0, 1, 2]


def test_groups_keep_partitions_apart_and_below_the_target() -> None:
    def file(name: str, size: int, date: str) -> DataFile:
        return DataFile(f"date={date}/{name}", size, 1, {"date": date}, "{}", 0)

    files = [file(f"{number:02}", 30, "2024-05-01") for number in range(7)]
    files += [file("big", 60, "2024-05-01"), file("alone", 10, "2024-05-02")]
    groups = groups_to_join(files, 100)
    assert [[member.path[-2:] for member in group] for group in groups] == [["00", "01", "02"], ["03", "04", "05"]]


def test_joining_and_adding_at_the_same_time(lake: Lake) -> None:
    """A stream that commits between the choice of files and their replacement loses nothing."""
    stream = Lake.open(lake.uri)
    added: list[str] = []

    def add(step: str) -> None:
        if step == "parts written" and not added:
            added.append(stream.append("stream", {"access_logs": access_logs(1, first=5000)}))

    maintain(lake.uri, on_step=add)
    assert added
    with open_session(lake.uri) as session:
        assert session.query("access_logs").num_rows == 121


def test_replacing_is_no_change_of_data_in_deltas_log(lake: Lake) -> None:
    maintain(lake.uri)
    delta = lake.tables["access_logs"]
    delta.update_incremental()
    entry = Path(lake.uri) / "access_logs" / "_delta_log" / f"{delta.version():020d}.json"
    assert '"dataChange":false' in entry.read_text()
    assert '"dataChange":true' not in entry.read_text()
    assert commit_once(delta, ACCESS_LOGS, "x", []) is True
