"""The whole job, text to committed Delta tables, through Beam and by the same functions without it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from benchmarks.generated_logs import generate_logs
from benchmarks.result import Result, median_seconds
from pipelines.inputs.bundles import pack
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_inputs
from pipelines.jobs.commit import commit_outcome
from pipelines.jobs.ingest import run_ingest
from pipelines.jobs.pipeline import Outcome
from pipelines.lake.lake import Lake
from pipelines.lake.writer import write_part
from pipelines.schemas import EDGES_1M
from pipelines.transforms.bundle_work import BatchContext, work_off
from pipelines.transforms.rollup import bytes_table, merge, table_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 60_000
FILES = 6
#: Beam may cost 15 % (a goal of the ingest work still to come); the start of a pipeline weighs more on small input.
GOAL = 1 / 1.15


def benchmarks() -> Iterator[Result]:
    """Processor seconds of the functions alone, against those of the job: 1 would mean that Beam costs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        logs.mkdir()
        text = generate_logs(LINES).text
        size = 0
        for number in range(FILES):
            # Another first line makes another file: copies would be read once.
            data = text[text.index(b"\n", number * 1000) + 1 :]
            (logs / f"{number}.log").write_bytes(data)
            size += len(data)
        runs = iter(range(1000))
        seconds = median_seconds(
            {
                "beam": lambda: run_ingest([str(logs)], f"{folder}/lake-{next(runs)}"),
                "functions": lambda: without_beam(str(logs), f"{folder}/lake-{next(runs)}"),
            }
        )
    yield Result(
        name="ingest_beam",
        compared="the job through Beam against the same functions without it",
        ratio=seconds["functions"] / seconds["beam"],
        goal=GOAL,
        medians={"beam_seconds": seconds["beam"], "functions_seconds": seconds["functions"], "megabytes": size / 1e6},
    )


def without_beam(path: str, lake_uri: str) -> int:
    """What the job does, in a loop. Returns the rows accepted."""
    lake = Lake.open(lake_uri, create=True)
    bundles = pack(plan_inputs([path], Checkpoints(), InputOptions()).ranges)
    with lake.begin("ingest", {"paths": [path]}) as batch:
        context = BatchContext(lake.uri, batch.batch_id, 1)
        worked = [work_off(bundle, context, lambda _: None) for bundle in bundles]
        by_key: dict[object, list[pa.Table]] = {}
        for _, rollups in worked:
            for key, rollup in rollups:
                by_key.setdefault(key, []).append(bytes_table(rollup))
        merged = [bytes_table(table_bytes(merge(pa.concat_tables(parts)))) for parts in by_key.values()]
        calls = sum(sum(table.column("calls").to_pylist()) for table in merged)
        files = [
            file
            for number, table in enumerate(merged)
            for file in write_part(lake.uri, EDGES_1M.name, f"{batch.batch_id}-{number}", table)
        ]
        outcome = Outcome(tuple(manifest for manifest, _ in worked), tuple(files), calls)
        committed = commit_outcome(lake, batch, outcome)
    return sum(report.accepted for report in committed.files)
