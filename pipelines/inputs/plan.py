"""Planning: which files there are, what they hold, how far they were read, and the byte ranges still to read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pipelines.inputs.checkpoints import HASHED_BYTES, Checkpoint, Checkpoints, content_hash
from pipelines.inputs.compression import read_exactly
from pipelines.inputs.discover import discover
from pipelines.inputs.errors import InputError
from pipelines.inputs.formats import FORMATS, Framing
from pipelines.inputs.found import Skipped
from pipelines.inputs.look import Archive, look, members_of_file
from pipelines.inputs.mesh_formats import formats_in
from pipelines.inputs.opening import is_plain, open_stream
from pipelines.inputs.prometheus_queries import Queries
from pipelines.inputs.ranges import Range, plan_ranges
from pipelines.schemas import ACCESS_LOGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.inputs.compression import Stream
    from pipelines.inputs.found import FoundFile
    from pipelines.inputs.options import InputOptions
    from pipelines.inputs.ranges import FilePlan

#: Each costs a look at the beginning of every log.
_MOST_LAYOUTS: Final = 32
_COMPRESSED: Final = (".gz", ".zst", ".lz4", ".bz2", ".xz")


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A file of which nothing is new. `same_as` is the name under which its content was read, if another."""

    path: str
    format: str
    same_as: str | None


@dataclass(slots=True)
class InputPlan:
    """Ranges to read, and what is said of every file that has none.

    `notes` are remarks that need no action. `unsettled` files have a last record that may still be being written;
    `deferred` ones begin like a file that is only partly planned, and are for the next plan. `layouts` are log formats
    that configuration among the files sets; `has_logs` says that there are files which may have one.
    """

    ranges: list[Range] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unchanged: list[Unchanged] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)
    layouts: list[str] = field(default_factory=list)
    has_logs: bool = False


def plan_inputs(
    paths: Iterable[str], checkpoints: Checkpoints, options: InputOptions, *, must_exist: bool = True
) -> InputPlan:
    """Plan reading everything that `paths` name and that `checkpoints` do not know yet.

    Raises:
        InputError: a path does not exist.
    """
    found = discover(paths, options.excluded, must_exist=must_exist)
    plan = plan_files(found.files, checkpoints, options)
    plan.skipped = sorted([*found.skipped, *plan.skipped], key=lambda skip: skip.path)
    return plan


def plan_files(files: Iterable[FoundFile], checkpoints: Checkpoints, options: InputOptions) -> InputPlan:
    """Plan reading files. A file whose content another one of them has too, or continues, is read once.

    Log formats that configuration among them sets are those that logs among them may have.
    """
    ordered = sorted(files, key=_order)
    plan = _plan_files(ordered, checkpoints, options)
    layouts = tuple(dict.fromkeys((*options.layouts, *plan.layouts)))[:_MOST_LAYOUTS]
    if layouts == options.layouts or not plan.has_logs:
        return plan
    return _plan_files(ordered, checkpoints, replace(options, layouts=layouts))


def _plan_files(files: Iterable[FoundFile], checkpoints: Checkpoints, options: InputOptions) -> InputPlan:
    plan = InputPlan()
    queries = Queries(options.queries)
    here = Checkpoints(rules=options.rules)
    partly_planned: set[str] = set()
    waiting = deque(files)
    while waiting:
        file = waiting.popleft()
        try:
            seen = look(file, (checkpoints, here), options, queries)
            if isinstance(seen, Skipped):
                plan.has_logs = True
                plan.skipped.append(seen)
            elif isinstance(seen, Archive):
                members, skipped = members_of_file(seen)
                plan.skipped += skipped
                waiting.extend(sorted(members, key=_order))
            elif seen.fingerprint.hash in partly_planned:
                plan.deferred.append(file.path)
            else:
                plan.layouts += formats_in(seen)
                plan.has_logs |= FORMATS[seen.format].table is ACCESS_LOGS
                with open_stream(file.path, seen.compression) as stream:
                    planned = plan_ranges(seen, stream, options.limit_bytes, options.range_bytes)
                    end = _end_of_plan(seen, planned, stream)
                if end is not None:
                    here.add(end)
                    if end.position < file.size and options.limit_bytes is not None:
                        partly_planned.add(seen.fingerprint.hash)
                _add(seen, planned, options, plan)
        except InputError as error:
            plan.skipped.append(Skipped(file.path, str(error).removeprefix(f"{file.path}: ")))
    plan.ranges.sort(key=lambda work: (work.path, work.start))
    return plan


def _order(file: FoundFile) -> tuple[bool, int, str]:
    """The shorter of two copies comes first, so that the longer one continues it."""
    return file.path.endswith(_COMPRESSED), file.size, file.path


def _end_of_plan(seen: FilePlan, planned: list[Range], stream: Stream) -> Checkpoint | None:
    """Where the file will have been read to, where that is known beforehand."""
    if seen.framing is Framing.DOCUMENT:
        position = seen.fingerprint.length
    elif planned and planned[-1].end is not None:
        position = planned[-1].end
    else:
        return None
    tail_length = min(position, HASHED_BYTES)
    stream.skip_to(position - tail_length)
    return Checkpoint(
        source=seen.file.path,
        format=seen.format,
        position=position,
        size=seen.file.size,
        head_hash=seen.fingerprint.hash,
        head_length=seen.fingerprint.length,
        tail_hash=content_hash(read_exactly(stream, tail_length)),
        tail_length=tail_length,
        modified_us=seen.file.modified_us,
    )


def _add(seen: FilePlan, planned: list[Range], options: InputOptions, plan: InputPlan) -> None:
    path = seen.file.path
    known = seen.checkpoint
    plan.ranges += planned
    if not planned:
        same_as = known.source if known is not None and known.source != path else None
        plan.unchanged.append(Unchanged(path, seen.format, same_as))
    elif known is not None and known.source != path:
        plan.notes.append(f"{path}: continues {known.source} after {known.position} bytes")
    if any(work.end is None and not work.take_unfinished for work in planned):
        plan.unsettled.append(path)
    if options.limit_bytes is not None or seen.framing is not Framing.LINES or not is_plain(seen.compression):
        return
    reached = planned[-1].end if planned else (0 if known is None else known.position)
    if reached is not None and reached < seen.file.size:
        plan.unsettled.append(path)
        left = seen.file.size - reached
        plan.notes.append(f"{path}: the last {left} bytes are a line without an end, left for when it is finished")
