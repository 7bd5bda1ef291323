"""The main job, batch: everything that paths and addresses name, into the lake, each record once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelines.inputs.addresses import STANDARD_INPUT, is_address
from pipelines.inputs.bundles import encode, pack
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_inputs
from pipelines.inputs.ranges import RANGE_BYTES
from pipelines.inputs.standard_input import take_standard_input
from pipelines.jobs.commit import FailedInputError, commit_outcome, load_checkpoints, with_known_formats
from pipelines.jobs.pipeline import run_pipeline
from pipelines.jobs.progress import watched
from pipelines.jobs.report import IngestReport
from pipelines.jobs.runner import beam_options, check_beam_options, is_local, quieten
from pipelines.lake.errors import NoLakeError
from pipelines.lake.lake import Lake
from pipelines.lake.storage import open_storage
from pipelines.sources.prometheus_live import DEFAULT_QUERIES, Period, live_batches, plan_live
from pipelines.transforms.bundle_work import BatchContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipelines.inputs.bundles import Bundle, LiveQuery, Work
    from pipelines.inputs.checkpoints import Checkpoint
    from pipelines.inputs.plan import InputPlan
    from pipelines.jobs.progress import JobProgress

#: Input of which the rollups of one hour are merged in one place.
_SHARD_BYTES = 1 << 30
_MAX_SHARDS = 64


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How a job runs.

    `inputs`: how files are read; `period`: what live servers are asked for; `beam`: options in Beam's own words
    (`--runner=...`); `tell`: is told of progress; `bundle_bytes`: about how much input a work unit has.
    """

    inputs: InputOptions = field(default_factory=InputOptions)
    period: Period | None = None
    beam: tuple[str, ...] = ()
    tell: Callable[[JobProgress], None] | None = None
    bundle_bytes: int = RANGE_BYTES


def run_ingest(paths: Sequence[str], lake_uri: str, options: IngestOptions | None = None) -> IngestReport:
    """Ingest files, folders, patterns, addresses and (`-`) standard input; what was ingested before is not read again.

    Nothing is committed unless all of it is, but long ranges of live servers, which are committed in parts. The lake is
    made where there is none and there is something to add.

    Raises:
        InputError: a path does not exist, or an input vanished, shrank or was replaced meanwhile.
        AccountingError: records are not accounted for.
        LakeError: the lake cannot be used.
        BeamOptionsError: Beam cannot use its options.
    """
    quieten()
    options = options or IngestOptions()
    check_beam_options(options.beam)
    paths = [take_standard_input() if path == STANDARD_INPUT else path for path in paths]
    storage = open_storage(lake_uri)
    options = replace(options, inputs=replace(options.inputs, excluded=(storage.root,)))
    started = time.monotonic()
    try:
        lake = Lake.open(lake_uri)
    except NoLakeError:
        plan, batches = _plan(paths, options, Checkpoints(rules=options.inputs.rules), [])
        if not batches:
            return _report(plan, started)
        lake = Lake.open(lake_uri, create=True)
    with lake.exclusive():
        checkpoints, live = load_checkpoints(lake, options.inputs.rules)
        options = replace(options, inputs=with_known_formats(lake, options.inputs))
        plan, batches = _plan(paths, options, checkpoints, live)
        report = _report(plan, started)
        _run_batches(lake, batches, options, {"paths": list(paths)}, report)
        report.seconds = time.monotonic() - started
        return report


def _run_batches(
    lake: Lake,
    batches: Sequence[Sequence[Work]],
    options: IngestOptions,
    parameters: dict[str, object],
    report: IngestReport,
) -> None:
    """Run batches one after the other; `report` is filled in with all of them together."""
    for work in batches:
        part = IngestReport()
        try:
            run_batch(lake, "ingest", pack(work, options.bundle_bytes), options, parameters, part)
        except FailedInputError as error:
            if report.run_id is None:
                raise
            kept = f"what was read before is in the lake (run {report.run_id}), and the same command goes on from there"
            raise FailedInputError(f"{error}; {kept}", error.path) from error
        report.run_id = part.run_id or report.run_id
        report.files += part.files
        report.notes += part.notes
        report.overlaps += part.overlaps


def run_batch(
    lake: Lake,
    kind: str,
    bundles: Sequence[Bundle],
    options: IngestOptions,
    parameters: dict[str, object],
    report: IngestReport,
) -> list[Checkpoint]:
    """Run one batch, its composition written down first, and commit it; `report` is filled in.

    Returns where the batch's inputs stand now.

    Raises:
        FailedInputError: an input could not be used; nothing of the batch was committed.
        AccountingError: records are not accounted for.
    """
    total_bytes = sum(bundle.weight for bundle in bundles)
    beam = beam_options(options.beam, len(bundles), total_bytes)
    plan = {"bundles": [json.loads(encode(bundle)) for bundle in bundles]}
    with lake.begin(kind, plan, parameters) as batch:
        shards = min(_MAX_SHARDS, 1 + total_bytes // _SHARD_BYTES)
        context = BatchContext(lake.uri, batch.batch_id, shards, options.inputs.cluster)
        with watched(total_bytes, options.tell if is_local(beam) else None) as progress_path:
            outcome = run_pipeline(bundles, context, beam, progress_path)
        committed = commit_outcome(lake, batch, outcome)
        report.files = list(committed.files)
        report.overlaps = list(committed.overlaps)
        report.run_id = batch.batch_id if committed.ends else None
    report.notes += [end.note for manifest in outcome.manifests for end in manifest.ends if end.note is not None]
    return list(committed.ends)


def _plan(
    paths: Iterable[str], options: IngestOptions, checkpoints: Checkpoints, live: list[Checkpoint]
) -> tuple[InputPlan, list[list[Work]]]:
    """What is to be skipped and said, and the work in batches that are committed one by one."""
    paths = list(paths)
    files = [path for path in paths if not is_address(path)]
    plan = plan_inputs(files, checkpoints, options.inputs)
    if plan.unsettled:
        # A last line without its end counts once its file has been quiet for a moment.
        time.sleep(options.inputs.quiet_seconds)
        plan = plan_inputs(files, checkpoints, options.inputs)
    queries: list[LiveQuery] = []
    for address in filter(is_address, paths):
        period = options.period or Period(int(time.time()) - 3600, int(time.time()))
        queries += plan_live(address, options.inputs.queries or DEFAULT_QUERIES, period, live)
    first, *others = live_batches(queries) or [[]]
    found: list[list[Work]] = [[*plan.ranges, *first]]
    found.extend([*batch] for batch in others)
    return plan, [batch for batch in found if batch]


def _report(plan: InputPlan, started: float) -> IngestReport:
    return IngestReport(
        skipped=plan.skipped,
        unchanged=plan.unchanged,
        warnings=plan.warnings,
        notes=plan.notes,
        seconds=time.monotonic() - started,
    )
