"""Writing Parquet files into tables."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.lake.errors import LakeError
from pipelines.lake.storage import open_storage
from pipelines.lake.writer import DataFile, write_part
from tests.lake.rows import MOMENT, access_logs

if TYPE_CHECKING:
    from pathlib import Path

MIDNIGHT = dt.datetime(2024, 5, 2, tzinfo=dt.UTC)


def test_rows_are_split_by_utc_date(tmp_path: Path) -> None:
    rows = access_logs(4, start=MIDNIGHT - dt.timedelta(seconds=1))
    files = write_part(str(tmp_path), "access_logs", "batch-1", rows)
    assert [(file.path, file.rows, file.partition_values) for file in files] == [
        ("date=2024-05-01/batch-1.v2.parquet", 1, {"date": "2024-05-01"}),
        ("date=2024-05-02/batch-1.v2.parquet", 3, {"date": "2024-05-02"}),
    ]
    for file in files:
        path = tmp_path / "access_logs" / file.path
        assert path.stat().st_size == file.size
        assert "date" not in pq.read_schema(path).names
    assert not list(tmp_path.rglob("*.tmp"))


def test_statistics_are_those_of_the_time_columns(tmp_path: Path) -> None:
    (file,) = write_part(str(tmp_path), "access_logs", "p", access_logs(3))
    assert json.loads(file.stats) == {
        "numRecords": 3,
        "minValues": {"start_time": "2024-05-01T12:00:00.000000+00:00"},
        "maxValues": {"start_time": "2024-05-01T12:00:02.000000+00:00"},
        "nullCount": {"start_time": 0},
    }
    assert DataFile.from_json(json.loads(json.dumps(file.to_json()))) == file


def test_a_unit_written_twice_is_the_same_file(tmp_path: Path) -> None:
    (first,) = write_part(str(tmp_path), "access_logs", "p", access_logs(100))
    content = (tmp_path / "access_logs" / first.path).read_bytes()
    (second,) = write_part(str(tmp_path), "access_logs", "p", access_logs(100))
    assert (second.path, second.size) == (first.path, first.size)
    assert (tmp_path / "access_logs" / second.path).read_bytes() == content


def test_no_rows_no_file(tmp_path: Path) -> None:
    assert write_part(str(tmp_path), "access_logs", "p", access_logs(0)) == []
    assert list(tmp_path.iterdir()) == []


def test_years_beyond_pythons_are_written_without_bounds(tmp_path: Path) -> None:
    far = pa.array([2**62], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    rows = pa.table(
        {"source": ["t"], "source_offset": [0], "format": ["f"], "run_id": ["r"], "position": [1], "size": [1],
         "head_hash": ["h"], "head_length": [1], "tail_hash": ["t"], "tail_length": [1], "modified_at": far,
         "read": [1], "accepted": [1], "rejected": [0], "recorded_at": [MOMENT]}
    ).drop_columns("source_offset")  # fmt: skip
    (file,) = write_part(str(tmp_path), "sources", "p", rows)
    assert set(json.loads(file.stats)["minValues"]) == {"recorded_at"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.append_column("colour", pa.array(["red"] * 2)), "access_logs has no column colour"),
        (lambda rows: rows.drop_columns("source"), "access_logs.source is missing and may not be null"),
        (
            lambda rows: rows.set_column(0, "source", pa.array([None, "a"])),
            "access_logs.source is null in 1 of 2 rows",
        ),
        (
            lambda rows: rows.set_column(1, "source_offset", pa.array(["one", "two"])),
            "access_logs.source_offset is string, not int64",
        ),
    ],
)
def test_rows_that_do_not_fit(tmp_path: Path, change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(LakeError, match=message):
        write_part(str(tmp_path), "access_logs", "p", change(access_logs(2)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden", "x" * 200])
def test_part_names_stay_in_the_table(tmp_path: Path, name: str) -> None:
    with pytest.raises(LakeError, match="is no part name"):
        write_part(str(tmp_path), "access_logs", name, access_logs(1))


def test_unknown_table(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="the lake has no table logs; it has access_logs"):
        write_part(str(tmp_path), "logs", "p", access_logs(1))


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))

    def fill(sink: pa.NativeFile) -> None:
        sink.write(b"half")
        raise OSError("disk full")

    with pytest.raises(LakeError, match="table/file: cannot be written: disk full; nothing"):
        storage.write_with("table/file", fill)
    assert list((tmp_path / "table").iterdir()) == []
