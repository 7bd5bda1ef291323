"""The sinks of the ingest job: rollups as Parquet files, and manifests for the driver, which alone commits."""

# Beam types its classes but not their constructors.
# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import json
from typing import TYPE_CHECKING

import apache_beam as beam
import pyarrow.compute as pc

from pipelines.lake.batches import FOLDER
from pipelines.lake.storage import open_storage
from pipelines.lake.writer import write_part
from pipelines.schemas import EDGES_1M
from pipelines.transforms.rollup import bytes_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelines.transforms.bundle_work import BatchContext


class WriteRollups(beam.DoFn):
    """Write the rollup of an hour and shard; gives (0, its files and calls as JSON)."""

    def __init__(self, context: BatchContext) -> None:
        super().__init__()
        self._context = context

    def process(self, element: tuple[tuple[int, int], bytes]) -> Iterator[tuple[int, bytes]]:
        """Write one rollup."""
        (hour, shard), data = element
        rollup = bytes_table(data)
        name = f"{self._context.batch_id}-hour{hour}-{shard:03d}"
        files = write_part(self._context.lake_uri, EDGES_1M.name, name, rollup)
        calls = pc.sum(rollup["calls"]).as_py()
        yield 0, json.dumps({"files": [file.to_json() for file in files], "calls": calls}).encode()


class WriteManifests(beam.DoFn):
    """Write all manifests of one kind into the batch's folder, one a line."""

    def __init__(self, context: BatchContext, file_name: str) -> None:
        super().__init__()
        self._context = context
        self._file_name = file_name

    def process(self, element: tuple[int, Iterable[bytes]]) -> None:
        """Write them."""
        lines = b"\n".join(element[1])
        storage = open_storage(self._context.lake_uri)
        storage.write(manifest_path(self._context.batch_id, self._file_name), lines)


def manifest_path(batch_id: str, file_name: str) -> str:
    """Where manifests of a batch are, in the lake."""
    return f"{FOLDER}/{batch_id}/{file_name}"
