r"""The ingest pipeline: the one shape that every runner executes rightly.

    Create -> Reshuffle -> ParDo(read, parse, write) -> CombinePerKey((hour, shard)) -> write rollups
                                                     \\-> GroupByKey -> write manifests

Neither records nor Arrow batches of records cross a shuffle: only bundles (names and numbers), rollups and manifests.
"""

# Beam types its classes but not their constructors.
# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from pipelines.jobs.runner import runner_of
from pipelines.lake.errors import LakeError
from pipelines.lake.storage import open_storage
from pipelines.lake.writer import DataFile
from pipelines.sinks.lake import WriteManifests, WriteRollups, manifest_path
from pipelines.sources.bundles import read_bundles
from pipelines.transforms.bundle_work import Manifest
from pipelines.transforms.work_off import MANIFESTS, MergeRollups, WorkOff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from pipelines.inputs.bundles import Bundle
    from pipelines.lake.storage import Storage
    from pipelines.transforms.bundle_work import BatchContext

_BUNDLES_FILE: Final = "bundles.jsonl"
_ROLLUPS_FILE: Final = "rollups.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the workers left behind: a manifest a bundle, and files of the rollups with the calls they count."""

    manifests: tuple[Manifest, ...]
    rollup_files: tuple[DataFile, ...]
    rolled_up_calls: int


def run_pipeline(
    bundles: Sequence[Bundle], context: BatchContext, options: PipelineOptions, progress_path: str | None = None
) -> Outcome:
    """Run the pipeline over a batch's bundles and collect what it left in the batch's folder.

    Raises:
        LakeError: the lake could not be written.
        RuntimeError: the runner failed, or manifests are missing.
    """
    pipeline = beam.Pipeline(runner=runner_of(options), options=options)
    worked = read_bundles(pipeline, bundles) | "Work off" >> beam.ParDo(WorkOff(context, progress_path)).with_outputs(
        MANIFESTS, main="rollups"
    )
    _ = (
        worked.rollups
        | "Merge rollups" >> beam.CombinePerKey(MergeRollups())
        | "Write rollups" >> beam.ParDo(WriteRollups(context))
        | "Gather rollups" >> beam.GroupByKey()
        | "List rollups" >> beam.ParDo(WriteManifests(context, _ROLLUPS_FILE))
    )
    _ = (
        worked[MANIFESTS]
        | "Gather bundles" >> beam.GroupByKey()
        | "List bundles" >> beam.ParDo(WriteManifests(context, _BUNDLES_FILE))
    )
    try:
        pipeline.run().wait_until_finish()
    except LakeError as error:
        # Beam adds the step in which it happened.
        raise LakeError(str(error).partition(" [while running")[0]) from error
    return _collect(bundles, context)


def _collect(bundles: Sequence[Bundle], context: BatchContext) -> Outcome:
    storage = open_storage(context.lake_uri)
    manifests = [Manifest.from_json(line) for line in _lines(storage, context.batch_id, _BUNDLES_FILE)]
    manifests.sort(key=lambda manifest: manifest.index)
    if [manifest.index for manifest in manifests] != [bundle.index for bundle in bundles]:
        raise RuntimeError(
            f"batch {context.batch_id}: of {len(bundles)} bundles {len(manifests)} were reported; nothing was added"
        )
    rollups = [json.loads(line) for line in _lines(storage, context.batch_id, _ROLLUPS_FILE)]
    return Outcome(
        tuple(manifests),
        tuple(DataFile.from_json(file) for rollup in rollups for file in rollup["files"]),
        sum(rollup["calls"] for rollup in rollups),
    )


def _lines(storage: Storage, batch_id: str, file_name: str) -> list[bytes]:
    path = manifest_path(batch_id, file_name)
    return storage.read(path).split(b"\n") if storage.exists(path) else []
