"""A look at one file: its containers, its format, how far it was read before."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.inputs.addresses import is_complete
from pipelines.inputs.archives import members_of
from pipelines.inputs.checkpoints import fingerprint
from pipelines.inputs.compression import CONTAINER_BYTES, PLAIN, TAR, ZIP, container_of
from pipelines.inputs.errors import DamagedError
from pipelines.inputs.formats import FORMATS, framing_of
from pipelines.inputs.found import FoundFile, Skipped
from pipelines.inputs.layouts import with_known_layout, with_layout
from pipelines.inputs.opening import MEMBER_MARK, open_bytes, open_stream
from pipelines.inputs.path_identity import pod_of_path
from pipelines.inputs.ranges import FilePlan
from pipelines.inputs.recognise import recognise
from pipelines.inputs.recognition import SNIFF_BYTES
from pipelines.parsers.context import Context
from pipelines.schemas import METRIC_SAMPLES

if TYPE_CHECKING:
    from pipelines.inputs.checkpoints import Checkpoints
    from pipelines.inputs.compression import Stream
    from pipelines.inputs.options import InputOptions
    from pipelines.inputs.prometheus_queries import Queries

_ARCHIVES: Final = frozenset({TAR, ZIP})


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that holds files: what is around it (`gzip` of a `.tar.gz`) and its kind."""

    file: FoundFile
    around: str
    kind: str


def look(
    file: FoundFile, known: tuple[Checkpoints, ...], options: InputOptions, queries: Queries
) -> FilePlan | Archive | Skipped:
    """What a file is and how far it was read.

    Raises:
        InputError: it cannot be read.
    """
    with open_stream(file.path, file.archive + PLAIN) as stream:
        kind = container_of(stream.head(CONTAINER_BYTES))
    head, damage = b"", ""
    if kind not in _ARCHIVES:
        around = kind
        with open_stream(file.path, file.archive + kind) as stream:
            head, damage = _beginning(stream)
        kind = container_of(head[:CONTAINER_BYTES]) if around != PLAIN else PLAIN
    else:
        around = PLAIN
    if kind in _ARCHIVES:
        if file.archive or (kind == ZIP and around != PLAIN):
            return Skipped(file.path, "an archive in an archive; unpack the outer one and ingest the files")
        return Archive(file, around, kind)
    recognised = recognise(head, file.path, is_whole=len(head) < SNIFF_BYTES)
    if options.layouts:
        recognised = with_layout(head, recognised, options.layouts)
    recognised = with_known_layout(head, recognised)
    if recognised.format is None:
        return Skipped(file.path, damage or recognised.reason)
    container = file.archive + around
    format_ = FORMATS[recognised.format]
    with open_stream(file.path, container) as stream:
        metric = queries.metric_of(file.path) if format_.table is METRIC_SAMPLES else None
        framing = framing_of(format_.name, recognised.wrapper)
        print_ = fingerprint(stream, framing, metric)
        matches = [
            match
            for checkpoints in known
            if (match := checkpoints.match(file, stream, print_, (format_.name, framing), container)) is not None
        ]
    quiet = is_complete(file.path) or time.time() - file.modified_us / 1e6 >= options.quiet_seconds
    return FilePlan(
        file=file,
        format=format_.name,
        compression=container,
        fingerprint=print_,
        checkpoint=max(matches, key=lambda match: match.position, default=None),
        take_unfinished=quiet,
        pod=pod_of_path(file.path, options.rules, file.target) if format_.is_log else None,
        context=Context(
            default_metric=metric,
            layout=recognised.layout,
            observed_us=file.modified_us,
            wrapper=recognised.wrapper,
            redact=options.redact,
        ),
    )


def members_of_file(archive: Archive) -> tuple[list[FoundFile], list[Skipped]]:
    """The files in an archive, and what of it is not read and why.

    Raises:
        InputError: it cannot be read, or unpacks to more than is allowed.
    """
    file = archive.file
    members, problem = members_of(open_bytes(file.path), (file.path, archive.around, archive.kind))
    found: list[FoundFile] = []
    skipped = [Skipped(file.path, problem)] if problem else []
    for index, member in enumerate(members):
        path = f"{file.path}{MEMBER_MARK}{member.name}"
        if member.refused:
            skipped.append(Skipped(path, member.refused))
            continue
        # A member is as old as it says, but no younger than the archive.
        modified_us = min(member.modified_us, file.modified_us) if member.modified_us > 0 else file.modified_us
        identity = (hash(file.identity), index)
        found.append(FoundFile(path, identity, member.size, modified_us, f"{archive.around}/{archive.kind}/"))
    return found, skipped


def _beginning(stream: Stream) -> tuple[bytes, str]:
    """The first bytes, and why there are no more where the data is damaged."""
    pieces: list[bytes] = []
    size = 0
    try:
        while size < SNIFF_BYTES and (piece := stream.read(SNIFF_BYTES - size)):
            pieces.append(piece)
            size += len(piece)
    except DamagedError as error:
        return b"".join(pieces), str(error)
    return b"".join(pieces), ""
