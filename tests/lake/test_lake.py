"""Batches and what they leave in the lake."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.lake.batches import Counts
from pipelines.lake.errors import LakeError, NoLakeError
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from pipelines.lake.tables import application_id, commit_once, open_table
from pipelines.lake.writer import DataFile, write_part
from pipelines.schemas import ACCESS_LOGS, RUNS, TABLES
from tests.lake.rows import MOMENT, access_logs, sources, spans


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), create=True)


def test_a_new_lake_has_every_table_and_no_row(lake: Lake) -> None:
    assert sorted(lake.tables) == sorted(table.name for table in TABLES)
    with open_session(lake.uri) as session:
        for table in TABLES:
            rows = session.query(table.name)
            assert (rows.num_rows, rows.column_names) == (0, table.schema.names)
            assert [field.type for field in rows.schema] == [field.type for field in table.schema]


def test_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoLakeError, match=r"meshlens ingest PATH --lake"):
        Lake.open(str(tmp_path / "nothing"))
    with pytest.raises(NoLakeError, match=r"meshlens ingest PATH --lake"):
        open_session(str(tmp_path / "nothing"))
    assert not (tmp_path / "nothing").exists()


def test_a_run_says_what_was_done(lake: Lake) -> None:
    with lake.begin("ingest", {"units": 1}, {"paths": ["a"]}) as batch:
        plan = json.loads((Path(lake.uri) / "_batches" / batch.batch_id / "plan.json").read_text())
        assert plan["units"] == 1
        files = {"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), access_logs(3))}
        run_id = batch.commit(files, Counts(4, 3, 1, 99), {"sources": sources(7)})
    with open_session(lake.uri) as session:
        (run,) = session.query("runs").to_pylist()
        (source,) = session.query("sources").to_pylist()
    assert source["run_id"] == run["run_id"] == run_id
    assert (run["kind"], run["read"], run["accepted"], run["rejected"], run["bytes"]) == ("ingest", 4, 3, 1, 99)
    assert dict(run["rows"]) == {"access_logs": 3, "sources": 1}
    assert json.loads(run["parameters"]) == {"paths": ["a"]}
    assert run["started_at"] <= run["finished_at"]
    versions = {name: delta.version() for name, delta in lake.tables.items() if name != RUNS.name}
    assert dict(run["table_versions"]) == versions


def test_counts_that_do_not_add_up_add_nothing(lake: Lake) -> None:
    with lake.begin("ingest", {}) as batch:
        files = {"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), access_logs(3))}
        with pytest.raises(LakeError, match="4 records read, but 3 accepted and 0 rejected"):
            batch.commit(files, Counts(4, 3, 0, 99))
    with open_session(lake.uri) as session:
        assert session.rows("runs") == session.rows("access_logs") == 0


def test_a_file_that_is_gone_is_never_committed(lake: Lake) -> None:
    lost = DataFile("date=2024-05-01/lost.v1.parquet", 1, 1, {"date": "2024-05-01"}, "{}", 0)
    with pytest.raises(LakeError, match=r"lost\.v1\.parquet .* is not there"), lake.begin("ingest", {}) as batch:
        batch.commit({"access_logs": [lost]})
    lake.append("diagnose", {})
    with open_session(lake.uri) as session:
        assert session.rows("access_logs") == 0


def test_another_process_that_commits_the_same_transaction_first(lake: Lake) -> None:
    """The conflict that Delta reports then is no error: the rows are there."""
    file = write_part(lake.uri, "access_logs", "part", access_logs(5))
    application = application_id("b")
    ours = open_table(lake.storage, "access_logs")
    theirs = open_table(lake.storage, "access_logs")
    assert ours is not None
    assert theirs is not None
    raced = RacedTable(ours, lambda: commit_once(theirs, ACCESS_LOGS, application, file))
    assert commit_once(raced, ACCESS_LOGS, application, file) is False  # type: ignore[arg-type]  # a proxy of one
    assert commit_once(ours, ACCESS_LOGS, application, file) is False
    assert ours.version() == 1


class RacedTable:
    """A table that another process commits to just before each of our commits."""

    def __init__(self, delta: object, before: object) -> None:
        self._delta = delta
        self._before = before

    def __getattr__(self, name: str) -> object:
        if name == "create_write_transaction":
            self._before()  # type: ignore[operator]  # a function of the test
        return getattr(self._delta, name)


def test_a_commit_that_fails_is_finished_by_the_next(lake: Lake) -> None:
    log = Path(lake.uri) / "spans" / "_delta_log"
    with lake.begin("ingest", {}) as batch:
        files = {
            name: write_part(lake.uri, name, batch.part_name(0), rows)
            for name, rows in {"access_logs": access_logs(3), "spans": spans(2)}.items()
        }
        (log / "00000000000000000001.json").mkdir()
        with pytest.raises(LakeError, match="the next command that writes to the lake finishes it"):
            batch.commit(files)
    with open_session(lake.uri) as session:
        assert session.rows("access_logs") == session.rows("spans") == 0
    (log / "00000000000000000001.json").rmdir()
    assert lake.recover().finished == (batch.batch_id,)
    with open_session(lake.uri) as session:
        assert (session.rows("access_logs"), session.rows("spans"), session.rows("runs")) == (3, 2, 1)


def test_a_commit_record_that_was_damaged_is_not_guessed_at(lake: Lake) -> None:
    batch = lake.begin("ingest", {})
    record = Path(lake.uri) / "_batches" / batch.batch_id / "commit.json"
    record.write_bytes(b'{"batch_id": ')
    with pytest.raises(LakeError, match=r"commit\.json: cannot be read .* remove the folder"):
        Lake.open(lake.uri)
    assert record.exists()
    batch.discard()
    assert Lake.open(lake.uri).recovered.finished == ()


def test_an_earlier_run_can_be_read_back(lake: Lake) -> None:
    runs = []
    for number in range(3):
        with lake.begin("ingest", {}) as batch:
            rows = access_logs(2, first=2 * number)
            runs.append(batch.commit({"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), rows)}))
    for number, run_id in enumerate(runs):
        with open_session(lake.uri, at_run=run_id) as session:
            assert session.query("access_logs").num_rows == 2 * (number + 1)
            assert session.query("runs").num_rows == number + 1
    with pytest.raises(LakeError, match="there is no run nobody"):
        open_session(lake.uri, at_run="nobody")


def test_runs_whose_log_was_shortened_are_still_found(lake: Lake) -> None:
    lake.append("diagnose", {})
    last = lake.append("diagnose", {})
    runs = lake.tables[RUNS.name]
    for _ in range(25):
        runs.alter.set_table_properties({"delta.checkpointInterval": "50"})
    assert lake.snapshot().run_id == last


def test_append_fills_in_the_run(lake: Lake) -> None:
    finding = pa.table(
        {
            "produced_at": [MOMENT],
            "analyzer": ["dangling_host"],
            "code": ["ML0001"],
            "severity": ["error"],
            "subject": ["cart"],
            "message": ["no such host"],
            "evidence": ["{}"],
            "fingerprint": ["f"],
            "edges": [[{"caller": "cart", "callee": "db"}]],
        }
    )
    run_id = lake.append("diagnose", {"findings": finding})
    with open_session(lake.uri) as session:
        (row,) = session.query("findings").to_pylist()
    assert (row["run_id"], row["edges"]) == (run_id, [{"caller": "cart", "callee": "db"}])


def test_positions_of_rotated_files_are_apart(lake: Lake) -> None:
    for position in (10, 30, 20):
        lake.append("ingest", {"sources": sources(position)})
    replaced = sources(5).set_column(4, "head_hash", pa.array(["other"]))
    lake.append("ingest", {"sources": replaced})
    rows = lake.source_positions().to_pylist()
    assert [(row["head_hash"], row["position"]) for row in rows] == [("other", 5), ("h", 30)]
    assert all(row["recorded_at"].tzinfo is not None for row in rows)
    assert rows[0]["recorded_at"] == MOMENT + dt.timedelta(seconds=5)


def test_a_file_address_is_the_same_lake(tmp_path: Path) -> None:
    lake = Lake.open(f"file://{tmp_path}/lake", create=True)
    with lake.begin("ingest", {}) as batch:
        batch.commit({"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), access_logs(4))})
    with open_session(str(tmp_path / "lake")) as session:
        assert session.query("access_logs").num_rows == 4
    with open_session(lake.uri) as session:
        assert session.query("access_logs").num_rows == 4


def test_a_folder_with_an_unusual_name(tmp_path: Path) -> None:
    path = str(tmp_path / "a b's 50% née #1")
    lake = Lake.open(path, create=True)
    with lake.begin("ingest", {}) as batch:
        batch.commit({"access_logs": write_part(lake.uri, "access_logs", batch.part_name(0), access_logs(4))})
    with open_session(path) as session:
        assert session.query("access_logs").num_rows == session.rows("access_logs") == 4


def test_an_address_that_is_none() -> None:
    with pytest.raises(LakeError, match="nosuch://x is no address of a lake"):
        open_session("nosuch://x")


@pytest.mark.parametrize("place", ["a*b", "we[ir]d", "a%20b", "date=2024-05-01/lake"])
def test_addresses_that_readers_would_misread_are_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(LakeError, match="move or rename it"):
        Lake.open(str(tmp_path / place), create=True)
