"""The main job, for ever: small batches of what files have grown by, through the same pipeline.

No local Beam runner truly streams Python (FnApiRunner emits nothing past a GroupByKey until its source ends), so a
stream is a row of bounded batches. Each is written down before it runs and committed under its own id
(`pipelines/lake/batches.py`): killed at any moment, the next start finishes or forgets the batch, and reads on from
where the lake says it is.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pipelines.inputs.bundles import pack
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.discover import discover
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_files
from pipelines.jobs.commit import FailedInputError, load_checkpoints, with_known_formats
from pipelines.jobs.ingest import IngestOptions, run_batch
from pipelines.jobs.report import IngestReport
from pipelines.jobs.runner import quieten
from pipelines.lake.lake import Lake
from pipelines.lake.maintenance import compact_gradually
from pipelines.lake.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.inputs.found import FoundFile
    from pipelines.inputs.ranges import Range

#: Bytes that one batch takes of one file at most: what was written while nobody read is caught up with in steps.
FILE_BYTES: Final = 16 << 20
#: Bytes that one batch takes in all at most.
BATCH_BYTES: Final = 64 << 20
#: Batches after which the small files that they left are joined.
COMPACT_EVERY: Final = 50


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a stream runs: seconds between looks at the files, how inputs are read, Beam's own words.

    `stop` is asked between batches; `drain` ends the stream once there is nothing new.
    """

    interval_seconds: float = 2.0
    inputs: InputOptions = field(default_factory=InputOptions)
    beam: tuple[str, ...] = ()
    drain: bool = False
    max_batches: int | None = None
    stop: Callable[[], bool] = lambda: False


def run_stream(
    paths: Sequence[str],
    lake_uri: str,
    options: StreamOptions,
    on_batch: Callable[[IngestReport], None],
    on_idle: Callable[[], None] = lambda: None,
) -> int:
    """Follow files, folders and patterns until told to stop; returns how many batches were committed.

    Growing, appearing, rotated (renamed) and truncated files are followed; a line counts once it has its end. A file
    that cannot be read is named in a report's `skipped` and looked at again when it changes.

    Args:
        paths: what to follow; what does not exist yet is waited for.
        lake_uri: the lake, made where there is none.
        options: see `StreamOptions`.
        on_batch: told of each batch after it was committed.
        on_idle: called after each look at the files, new or not.

    Raises:
        LakeError: the lake cannot be used.
        AccountingError: records are not accounted for.
    """
    quieten()
    lake = Lake.open(lake_uri, create=True)
    # A line without its end is never taken: the rest of it is still to come.
    inputs = replace(
        options.inputs, quiet_seconds=math.inf, limit_bytes=FILE_BYTES, excluded=(open_storage(lake_uri).root,)
    )
    follower = _Follower(lake, replace(options, inputs=inputs))
    batches = 0
    while not options.stop() and (options.max_batches is None or batches < options.max_batches):
        begun = time.monotonic()
        report = follower.look(paths)
        if report is not None and report.run_id is not None:
            batches += 1
            if batches % COMPACT_EVERY == 0:
                compact_gradually(lake)
        if report is not None:
            on_batch(report)
        on_idle()
        if report is None or report.run_id is None:
            if options.drain:
                break
            _wait(options, begun)
        elif not follower.behind:
            _wait(options, begun)
    return batches


def _wait(options: StreamOptions, begun: float) -> None:
    """Sleep until the next look is due, in small steps so that a stop is heard."""
    due = begun + options.interval_seconds
    while not options.stop() and (left := due - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))


class _Follower:
    """What a stream remembers between looks: where files stand, and which have not changed since."""

    def __init__(self, lake: Lake, options: StreamOptions) -> None:
        self.behind = False
        self._lake = lake
        self._options = options
        self._run_id: str | None = None
        self._checkpoints = Checkpoints(rules=options.inputs.rules)
        self._settled: dict[str, FoundFile] = {}
        self._told: set[tuple[str, str]] = set()

    def look(self, paths: Sequence[str]) -> IngestReport | None:
        """Read what is new in one batch; None where nothing is."""
        found = discover(paths, self._options.inputs.excluded, must_exist=False)
        changed = [file for file in found.files if self._settled.get(file.path) != file]
        if not changed:
            return None
        with self._lake.exclusive():
            self._refresh()
            plan = plan_files(changed, self._checkpoints, self._options.inputs)
            started = time.monotonic()
            report = IngestReport(warnings=plan.warnings, notes=plan.notes)
            report.skipped = [skip for skip in plan.skipped if (skip.path, skip.reason) not in self._told]
            self._told |= {(skip.path, skip.reason) for skip in report.skipped}
            work: list[Range] = []
            size = 0
            for one in plan.ranges:
                if work and size >= BATCH_BYTES:
                    break
                work.append(one)
                size += (one.end or one.start) - one.start
            self.behind = len(work) < len(plan.ranges)
            if work:
                self._run(work, paths, report)
            report.seconds = time.monotonic() - started
        taken = {one.path for one in work}
        for file in changed:
            # What was read is looked at once more: it may have grown, or be more than one batch takes.
            if file.path in taken or self.behind:
                self._settled.pop(file.path, None)
            else:
                self._settled[file.path] = file
        return report if report.run_id is not None or report.skipped else None

    def _run(self, work: Sequence[Range], paths: Sequence[str], report: IngestReport) -> None:
        options = IngestOptions(self._options.inputs, beam=self._options.beam)
        try:
            ends = run_batch(self._lake, "stream", pack(work), options, {"paths": list(paths)}, report)
        except FailedInputError as error:
            # The file changed under the batch (rotated, truncated): nothing was added, the next look plans anew.
            report.notes.append(str(error))
            return
        for end in ends:
            self._checkpoints.add(end)
        self._run_id = report.run_id

    def _refresh(self) -> None:
        """Read where inputs stand from the lake where another process has committed since."""
        run_id = self._lake.snapshot().run_id
        if run_id is not None and run_id != self._run_id:
            self._checkpoints, _ = load_checkpoints(self._lake, self._options.inputs.rules)
            self._options = replace(self._options, inputs=with_known_formats(self._lake, self._options.inputs))
            self._run_id = run_id
