"""The transforms of the ingest job: work off bundles, merge rollups."""

# Beam types its classes but not their constructors.
# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints import Any

from pipelines.inputs.bundles import decode
from pipelines.transforms.bundle_work import work_off
from pipelines.transforms.rollup import ROLLUP_SCHEMA, bytes_table, merge, table_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelines.transforms.bundle_work import BatchContext, Progress

MANIFESTS: Final = "manifests"
_MERGE_AT_PARTS: Final = 32


class WorkOff(beam.DoFn):
    """Work off bundles. Main output: ((hour, shard), rollup); tagged `MANIFESTS`: (0, manifest).

    Progress is appended to `progress_path`, one line of `bytes read rejected` at a time, where there is one: a hint
    for the driver's display, of which nothing depends.
    """

    def __init__(self, context: BatchContext, progress_path: str | None) -> None:
        super().__init__()
        self._context = context
        self._progress_path = progress_path

    def infer_output_type(self, input_type: object) -> object:  # noqa: ARG002 - Beam's name for it
        """Beam cannot see through tagged outputs."""
        return Any

    def process(self, element: bytes) -> Iterator[object]:
        """Work off one bundle."""
        handle = None if self._progress_path is None else os.open(self._progress_path, os.O_WRONLY | os.O_APPEND)
        try:

            def report(progress: Progress) -> None:
                if handle is not None:
                    os.write(handle, f"{progress.bytes} {progress.read} {progress.rejected}\n".encode())

            manifest, rollups = work_off(decode(element), self._context, report)
        finally:
            if handle is not None:
                os.close(handle)
        yield from rollups
        yield beam.pvalue.TaggedOutput(MANIFESTS, (0, manifest.to_json()))


class MergeRollups(beam.CombineFn):
    """Rollups of one hour and shard, as Arrow IPC streams, to one."""

    def create_accumulator(self) -> list[bytes]:
        """Nothing yet."""
        return []

    def add_input(self, accumulator: list[bytes], element: bytes) -> list[bytes]:
        """One more rollup."""
        accumulator.append(element)
        return self.compact(accumulator) if len(accumulator) >= _MERGE_AT_PARTS else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[bytes]]) -> list[bytes]:
        """Rollups of several workers."""
        return [part for accumulator in accumulators for part in accumulator]

    def compact(self, accumulator: list[bytes]) -> list[bytes]:
        """The same as one rollup."""
        return [self.extract_output(accumulator)] if len(accumulator) > 1 else accumulator

    def extract_output(self, accumulator: list[bytes]) -> bytes:
        """The merged rollup."""
        if len(accumulator) == 1:
            return accumulator[0]
        parts = [bytes_table(part) for part in accumulator]
        return table_bytes(merge(pa.concat_tables(parts)) if parts else ROLLUP_SCHEMA.empty_table())
