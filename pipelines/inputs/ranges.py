"""Work on files as byte ranges that begin and end with records, planned by the driver and read by workers.

A range carries what the planner saw of the file. The worker holds the file it opens against that, before and after
reading, so that a file which was replaced, truncated or deleted meanwhile fails the batch instead of giving it
something else to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pipelines.inputs.boundaries import after_last_record, after_record
from pipelines.inputs.checkpoints import HASHED_BYTES, Checkpoint, content_hash, document_hash
from pipelines.inputs.compression import read_exactly
from pipelines.inputs.errors import ChangedError
from pipelines.inputs.formats import Framing, framing_of
from pipelines.inputs.opening import is_plain, open_stream
from pipelines.inputs.records import Chunk, Unreadable, read_records
from pipelines.parsers.context import DEFAULT, Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.inputs.checkpoints import Fingerprint
    from pipelines.inputs.compression import Stream
    from pipelines.inputs.found import FoundFile
    from pipelines.inputs.path_identity import Pod

RANGE_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes `start` to `end` of a file (decompressed; `end` None: to its end), and what it must still look like."""

    path: str
    format: str
    compression: str
    start: int
    end: int | None
    take_unfinished: bool
    head_length: int
    head_hash: str
    before_length: int
    before_hash: str
    size: int
    modified_us: int
    weight: int
    namespace: str | None = None
    pod: str | None = None
    context: Context = DEFAULT


@dataclass(frozen=True, slots=True)
class RangeEnd:
    """Where reading a range ended: the checkpoint to continue from, and what was odd."""

    checkpoint: Checkpoint
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A file to read: its format, container, where it was read to before, and whether a last unended record counts."""

    file: FoundFile
    format: str
    compression: str
    fingerprint: Fingerprint
    checkpoint: Checkpoint | None
    take_unfinished: bool
    pod: Pod | None = None
    context: Context = DEFAULT

    @property
    def framing(self) -> Framing:
        """How its records are told apart."""
        return framing_of(self.format, self.context.wrapper)


def plan_ranges(
    plan: FilePlan, stream: Stream, limit_bytes: int | None = None, range_bytes: int = RANGE_BYTES
) -> list[Range]:
    """Ranges over all whole records of a file that were not read before.

    Args:
        plan: the file.
        stream: the file, open.
        limit_bytes: take about so much and leave the rest for later; None for no limit. A gzip, length-delimited or
            whole-document file cannot be cut beforehand and is taken to its end.
        range_bytes: about how long a range is.
    """
    known = plan.checkpoint
    start = 0 if known is None else known.position
    size = plan.file.size
    wrapper = plan.context.wrapper
    framing = plan.framing
    plain = is_plain(plan.compression)
    if framing is not Framing.LINES or not plain:
        left = plain and start < size
        is_read = known is not None and (
            framing is Framing.DOCUMENT
            or (plain and not left)
            # Untouched since: what is left, if anything, is a record without its end.
            or (
                (known.source, known.size, known.modified_us) == (plan.file.path, size, plan.file.modified_us)
                and not (left and plan.take_unfinished)
            )
        )
        return [] if is_read else [_range(plan, start, None, size)]
    last = size if limit_bytes is None else min(size, start + limit_bytes)
    bounds = [start]
    while bounds[-1] < last:
        bound = after_record(stream, min(bounds[-1] + range_bytes, last), size, wrapper)
        if bound is None:  # the end: the last line, if it is not ended, counts or does not
            bound = size if plan.take_unfinished else after_last_record(stream, bounds[-1], size, wrapper)
            last = bound
        if bound > bounds[-1]:
            bounds.append(bound)
    return [_range(plan, begin, end, end - begin) for begin, end in pairwise(bounds)]


def _range(plan: FilePlan, start: int, end: int | None, weight: int) -> Range:
    known = plan.checkpoint
    continues = known is not None and start == known.position
    return Range(
        path=plan.file.path,
        format=plan.format,
        compression=plan.compression,
        start=start,
        end=end,
        take_unfinished=plan.take_unfinished,
        head_length=plan.fingerprint.length,
        head_hash=plan.fingerprint.hash,
        before_length=known.tail_length if known is not None and continues else 0,
        before_hash=known.tail_hash if known is not None and continues else "",
        size=plan.file.size,
        modified_us=plan.file.modified_us,
        weight=weight,
        namespace=None if plan.pod is None else plan.pod.namespace,
        pod=None if plan.pod is None else plan.pod.name,
        context=plan.context,
    )


def read_range(work: Range) -> Iterator[Chunk | Unreadable | RangeEnd]:
    """Read a range: chunks of whole records, and in the end where it ended.

    Raises:
        ChangedError: the file is not the one that was planned for, or changed while it was read.
        InputError: the file cannot be read.
    """
    framing = framing_of(work.format, work.context.wrapper)
    with open_stream(work.path, work.compression) as stream:
        if framing is not Framing.DOCUMENT:
            _verify(work, stream.head(work.head_length), work.head_hash, "its beginning")
        stream.skip_to(max(0, work.start - HASHED_BYTES))
        tail = read_exactly(stream, min(work.start, HASHED_BYTES))
        if work.before_length:
            _verify(work, tail[-work.before_length :], work.before_hash, "what was read before")
        position = work.start
        whole_hash: str | None = None
        wrapper, unfinished = work.context.wrapper, work.take_unfinished
        for piece in read_records(stream, framing, work.start, work.end, wrapper, take_unfinished=unfinished):
            data = piece.data if isinstance(piece, Chunk) else piece.tail
            if framing is Framing.DOCUMENT and isinstance(piece, Chunk):
                whole_hash = document_hash((data,), work.context.default_metric)
            tail = (tail + data[-HASHED_BYTES:])[-HASHED_BYTES:]
            position += len(data) if isinstance(piece, Chunk) else piece.length
            yield piece
        if work.end is not None and position != work.end:
            raise ChangedError(
                f"{work.path}: planned to byte {work.end}, but it ends at byte {position}: it shrank while it was "
                "being ingested; nothing was added, run again"
            )
        yield _end(work, stream, framing, position, tail, whole_hash)


def _end(work: Range, stream: Stream, framing: Framing, position: int, tail: bytes, whole_hash: str | None) -> RangeEnd:
    if framing is Framing.DOCUMENT:
        if whole_hash not in (None, work.head_hash) or position != work.head_length:
            raise _changed(work, "its content")
        head_length, head_hash = work.head_length, work.head_hash
    else:
        head = stream.head(HASHED_BYTES)
        _verify(work, head[: work.head_length], work.head_hash, "its beginning")
        head_length = min(len(head), position)
        head_hash = content_hash(head[:head_length])
    checkpoint = Checkpoint(
        source=work.path,
        format=work.format,
        position=position,
        size=work.size,
        head_hash=head_hash,
        head_length=head_length,
        tail_hash=content_hash(tail),
        tail_length=len(tail),
        modified_us=work.modified_us,
    )
    packed = work.compression.rpartition("/")[2]
    note = f"{work.path}: the {packed} data ends in the middle: it is still being written, or was cut short"
    return RangeEnd(checkpoint, note if stream.is_cut_off else None)


def _verify(work: Range, data: bytes, expected: str, what: str) -> None:
    if content_hash(data) != expected:
        raise _changed(work, what)


def _changed(work: Range, what: str) -> ChangedError:
    return ChangedError(
        f"{work.path}: {what} changed after the run was planned (the file was replaced, rotated or truncated); "
        "nothing was added, run again"
    )
