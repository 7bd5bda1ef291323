"""How far inputs were read before, found by what the files hold rather than by what they are called.

A checkpoint has hashes of a file's first bytes and of those just before the position reached. A file that still has
both is the same file, grown or not, under whatever name (a rotated log, a copy, a log compressed afterwards: positions
are in decompressed bytes). One that has not was truncated or replaced and is read from its start. A document, which
must be read whole, is hashed whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.inputs.compression import read_exactly
from pipelines.inputs.formats import Framing
from pipelines.inputs.opening import is_plain, open_stream
from pipelines.inputs.path_identity import Pod, PodRules, pod_of_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelines.inputs.compression import Stream
    from pipelines.inputs.found import FoundFile

#: How much of the beginning, and of what precedes a position, is hashed. One access-log line has about 400 bytes.
HASHED_BYTES: Final = 4096
_DOCUMENT_PIECE: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a source was read, in decompressed bytes; `size` and `modified_us` are the file's own at that time."""

    source: str
    format: str
    position: int
    size: int
    head_hash: str
    head_length: int
    tail_hash: str
    tail_length: int
    modified_us: int | None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of so many first bytes of a file as they were when it was looked at."""

    length: int
    hash: str


def content_hash(data: bytes) -> str:
    """The hash that checkpoints use."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def document_hash(pieces: Iterable[bytes], meaning: str | None) -> str:
    """The hash of a document. `meaning` is what the same bytes would mean something else without (a metric)."""
    digest = hashlib.blake2b(digest_size=16, key=(meaning or "").encode()[: hashlib.blake2b.MAX_KEY_SIZE])
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def fingerprint(stream: Stream, framing: Framing, meaning: str | None = None) -> Fingerprint:
    """The fingerprint of a freshly opened file: of all of it where it is a document, else of its first bytes."""
    if framing is not Framing.DOCUMENT:
        head = stream.head(HASHED_BYTES)
        return Fingerprint(len(head), content_hash(head))
    length = 0

    def pieces() -> Iterator[bytes]:
        nonlocal length
        while piece := stream.read(_DOCUMENT_PIECE):
            length += len(piece)
            yield piece

    return Fingerprint(hash=document_hash(pieces(), meaning), length=length)


class Checkpoints:
    """All checkpoints known, looked up by content. Not for several threads."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = (), rules: PodRules | None = None) -> None:
        self._rules = rules or PodRules()
        self._by_head: dict[tuple[int, str], dict[str, Checkpoint]] = {}
        self._lengths: dict[int, None] = {}
        for checkpoint in checkpoints:
            self.add(checkpoint)

    def add(self, checkpoint: Checkpoint) -> None:
        """Know one more checkpoint; of one source and head, the furthest is kept."""
        if checkpoint.position == 0:
            return
        same = self._by_head.setdefault((checkpoint.head_length, checkpoint.head_hash), {})
        known = same.get(checkpoint.source)
        if known is None or known.position <= checkpoint.position:
            same[checkpoint.source] = checkpoint
        if checkpoint.head_length <= HASHED_BYTES:
            self._lengths[checkpoint.head_length] = None

    def match(
        self, file: FoundFile, stream: Stream, print_: Fingerprint, kind: tuple[str, Framing], compression: str
    ) -> Checkpoint | None:
        """The furthest checkpoint that the file, of that format and framing, continues; None where it was never read.

        Raises InputError where the file cannot be read.
        """
        format_name, framing = kind
        if framing is Framing.DOCUMENT:
            candidates = list(self._by_head.get((print_.length, print_.hash), {}).values())
            return self._best([known for known in candidates if known.format == format_name], file.path)
        head = stream.head(HASHED_BYTES)
        candidates = [
            known
            for length in self._lengths
            if length <= len(head)
            for known in self._by_head.get((length, content_hash(head[:length])), {}).values()
            if known.format == format_name and self._may_be_same(known.source, file)
        ]
        return self._best([known for known in candidates if _continues(known, file, compression)], file.path)

    @staticmethod
    def _best(candidates: list[Checkpoint], path: str) -> Checkpoint | None:
        return max(candidates, key=lambda known: (known.position, known.source == path), default=None)

    def _may_be_same(self, source: str, file: FoundFile) -> bool:
        """Logs of two different pods are never one file, however alike."""
        ours: Pod | None = pod_of_path(file.path, self._rules, file.target)
        theirs = pod_of_path(source, self._rules)
        return ours is None or theirs is None or ours == theirs


def _continues(known: Checkpoint, file: FoundFile, compression: str) -> bool:
    if not is_plain(compression):
        if (known.source, known.size, known.modified_us) == (file.path, file.size, file.modified_us):
            return True  # untouched since: spares unpacking all of it again
    elif known.position > file.size:
        return False
    with open_stream(file.path, compression) as stream:
        stream.skip_to(known.position - known.tail_length)
        return content_hash(read_exactly(stream, known.tail_length)) == known.tail_hash
