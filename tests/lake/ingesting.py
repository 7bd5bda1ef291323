"""A process that adds to a lake, for tests that kill it or run several: `python -m tests.lake.ingesting ...`."""

from __future__ import annotations

import argparse
import os
import signal

from pipelines.lake.batches import Counts
from pipelines.lake.lake import Lake
from pipelines.lake.writer import write_part
from tests.lake.rows import access_logs, rejects, sources, spans


def ingest(lake: Lake, unit: int, rows: int = 10) -> str:
    """One batch: rows of every kind a real ingest writes, and its checkpoint."""
    with lake.exclusive():
        position = max(lake.source_positions().column("position").to_pylist(), default=0)
        with lake.begin("ingest", {"from": position, "unit": unit}, {"unit": unit}) as batch:
            name = batch.part_name(unit)
            files = {
                "access_logs": write_part(lake.uri, "access_logs", name, access_logs(rows, first=position)),
                "spans": write_part(lake.uri, "spans", name, spans(rows)),
                "rejects": write_part(lake.uri, "rejects", name, rejects(1, batch.batch_id)),
            }
            lake.on_step("workers wrote")
            counts = Counts(read=2 * rows + 1, accepted=2 * rows, rejected=1, bytes=1000)
            return batch.commit(files, counts, {"sources": sources(position + rows)})


def main() -> None:
    """Ingest `--batches` batches; die by SIGKILL right after the step `--die-at`; list steps with `--say`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lake")
    parser.add_argument("--batches", type=int, default=1)
    parser.add_argument("--die-at", default="")
    parser.add_argument("--say", action="store_true")
    options = parser.parse_args()

    def on_step(step: str) -> None:
        if options.say:
            print(step, flush=True)
        if step == options.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    lake = Lake.open(options.lake, create=True, on_step=on_step)
    for unit in range(options.batches):
        ingest(lake, unit)


if __name__ == "__main__":
    main()
