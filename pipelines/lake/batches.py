"""The write-ahead protocol: how a batch that touches several tables is added exactly once, whatever dies when.

A batch is a folder `_batches/<batch_id>`:

1. `plan.json` is written: what the batch is about to do. `owner` is locked for as long as the process lives.
2. Workers write Parquet files; nothing refers to them yet.
3. `commit.json` is written: every file of every table. From here on the batch will be part of the lake.
4. Each table is committed with the batch's application transaction, unless it already has it; `runs` is last.
5. The folder is removed.

Whoever opens the lake for writing finishes batches that have a `commit.json` and discards those of dead processes that
have none; their Parquet files are cleared by maintenance.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pipelines.lake import locks
from pipelines.lake.errors import LakeError
from pipelines.lake.writer import DataFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.lake.storage import Storage

FOLDER: Final = "_batches"
COMMIT_LOCK: Final = f"{FOLDER}/lock"
INGEST_LOCK: Final = f"{FOLDER}/ingest.lock"
MAINTENANCE_LOCK: Final = f"{FOLDER}/maintenance.lock"

#: An object store cannot say whether a batch's process lives; a plan is given up for dead after a day.
PLAN_LIFETIME_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a batch read: records, bytes of input, and lines that were no records (`others`).

    `read` is always `accepted + rejected`.
    """

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    bytes: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """All that must still be done once a batch is decided: the content of `commit.json`."""

    batch_id: str
    kind: str
    started_at: datetime
    finished_at: datetime
    counts: Counts
    parameters: str
    add: Mapping[str, tuple[DataFile, ...]]
    remove: Mapping[str, tuple[DataFile, ...]] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The bytes of `commit.json`."""
        value = {
            "batch_id": self.batch_id,
            "kind": self.kind,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "counts": asdict(self.counts),
            "parameters": self.parameters,
            "add": {table: [file.to_json() for file in files] for table, files in self.add.items()},
            "remove": {table: [file.to_json() for file in files] for table, files in self.remove.items()},
        }
        return json.dumps(value).encode()

    @staticmethod
    def from_json(data: bytes) -> Commit:
        """The commit that `to_json` wrote."""
        value = json.loads(data)
        return Commit(
            batch_id=value["batch_id"],
            kind=value["kind"],
            started_at=datetime.fromisoformat(value["started_at"]),
            finished_at=datetime.fromisoformat(value["finished_at"]),
            counts=Counts(**value["counts"]),
            parameters=value["parameters"],
            add={table: tuple(map(DataFile.from_json, files)) for table, files in value["add"].items()},
            remove={table: tuple(map(DataFile.from_json, files)) for table, files in value["remove"].items()},
        )


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def write_plan(storage: Storage, batch_id: str, plan: Mapping[str, object]) -> int | None:
    """Write a batch's plan and take its `owner` lock; returns the lock's handle. Call it under the commit lock."""
    owner = locks.take(storage, f"{FOLDER}/{batch_id}/owner") if storage.is_local else None
    storage.write(f"{FOLDER}/{batch_id}/plan.json", json.dumps(plan, default=str).encode())
    return owner


def write_commit(storage: Storage, commit: Commit) -> None:
    """Decide a batch. Call it under the commit lock and go on to apply it."""
    for table, files in commit.add.items():
        for file in files:
            if not storage.exists(f"{table}/{file.path}"):
                raise LakeError(f"{storage.uri}: {table}/{file.path} was to be committed but is not there")
    storage.write(f"{FOLDER}/{commit.batch_id}/commit.json", commit.to_json())


def read_commit(storage: Storage, batch_id: str) -> Commit | None:
    """The commit of a batch; None where it was not decided."""
    path = f"{FOLDER}/{batch_id}/commit.json"
    if not storage.exists(path):
        return None
    try:
        return Commit.from_json(storage.read(path))
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError(
            f"{storage.full(path)}: cannot be read ({error}), though it was written whole; "
            "restore it, or remove the folder to give the batch up"
        ) from error


def batch_ids(storage: Storage) -> list[str]:
    """The batches that are under way, or were left behind, the oldest first."""
    return storage.folders(FOLDER)


def is_alive(storage: Storage, batch_id: str) -> bool:
    """Whether the process that planned a batch still runs."""
    if storage.is_local:
        owner = locks.take(storage, f"{FOLDER}/{batch_id}/owner")
        locks.release(owner)
        return owner is None
    plans = [entry for entry in storage.entries(f"{FOLDER}/{batch_id}") if entry.path.endswith("/plan.json")]
    return any(time.time() - plan.modified < PLAN_LIFETIME_SECONDS for plan in plans)


def remove(storage: Storage, batch_id: str) -> None:
    """Remove a batch's folder: it is finished or given up."""
    storage.delete_folder(f"{FOLDER}/{batch_id}")
