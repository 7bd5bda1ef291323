"""Where findings are in the files that objects were read from: file, line and column.

Only files that a finding speaks of are opened. A file that has changed since it was read, so that the object is not
where it was, gives no line rather than a wrong one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analyzers.framework.finding import Place
from pipelines.parsers.yaml_documents import document_end
from pipelines.parsers.yaml_positions import compose, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from analyzers.framework.finding import Finding
    from pipelines.parsers.yaml_positions import Node

#: Larger files are not searched for lines.
MAX_BYTES: Final = 64 << 20

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_LINE_OF_DOCUMENT: Final = re.compile(r"\(line (\d+) of the document\)")
_DEPTH: Final = 16


def with_places(findings: Iterable[Finding], contents: Mapping[str, bytes] | None = None) -> tuple[Finding, ...]:
    """The findings, each with its place where that is known.

    Args:
        findings: findings whose evidence names the source and offset of their object.
        contents: source -> bytes of what is no file, such as standard input.
    """
    known = tuple(findings)
    by_source: defaultdict[str, list[int]] = defaultdict(list)
    for position, finding in enumerate(known):
        written = source_of(finding)
        if written is not None:
            by_source[written[0]].append(position)
    placed = dict(enumerate(known))
    for source, positions in by_source.items():
        documents = _Documents(source, _content(source, contents or {}))
        for position in positions:
            placed[position] = replace(known[position], place=documents.place(known[position]))
    return tuple(placed.values())


def source_of(finding: Finding) -> tuple[str, int] | None:
    """The source and the offset in it of the object that a finding is about; null where the finding names none."""
    evidence = finding.evidence
    prefix = "object_" if "object_source" in evidence else ""
    source, offset = evidence.get(f"{prefix}source"), evidence.get(f"{prefix}source_offset")
    if not isinstance(source, str) or not source or (not prefix and finding.side != "configuration"):
        return None
    return source, offset if isinstance(offset, int) else 0


def _content(source: str, contents: Mapping[str, bytes]) -> bytes | None:
    if source in contents:
        return contents[source]
    path = Path(source)
    try:
        if path.suffix not in _SUFFIXES or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None


class _Documents:
    """The documents of one source, each composed when a finding first speaks of it."""

    def __init__(self, source: str, data: bytes | None) -> None:
        self._source = source
        self._data = data
        self._documents: dict[int, _Document] = {}

    def place(self, finding: Finding) -> Place:
        """Where the finding's path is; the source alone where the object is not to be found at its offset."""
        offset = (source_of(finding) or ("", 0))[1]
        if self._data is None or offset > len(self._data):
            return Place(self._source)
        if finding.object is None:
            first = _first_line(self._data, offset)
            told = _LINE_OF_DOCUMENT.search(finding.message)
            # What is missing at the end is told of the line after the last one.
            last = _first_line(self._data.rstrip(), len(self._data))
            return Place(self._source, min(first + int(told[1]) - 1, max(first, last)) if told else first)
        if offset not in self._documents:
            self._documents[offset] = _Document.at(self._data, offset)
        document = self._documents[offset]
        node = document.node(finding.object)
        if node is None:
            return Place(self._source)
        line, column = find(node, finding.path or "").position
        return Place(self._source, document.first_line + line - 1, column)


@dataclass(frozen=True, slots=True)
class _Document:
    """One document: the line it begins on, and its objects by name."""

    first_line: int
    objects: Mapping[str, Sequence[Node]]

    @classmethod
    def at(cls, data: bytes, offset: int) -> _Document:
        """The document that begins at `offset`."""
        root = compose(data[offset : document_end(data, offset)])
        objects: defaultdict[str, list[Node]] = defaultdict(list)
        for node in () if root is None else _objects(root):
            objects[node.scalar("metadata", "name") or ""].append(node)
        return cls(_first_line(data, offset), objects)

    def node(self, identity: str) -> Node | None:
        """The object `Kind/namespace/name`; kind and namespace may be unwritten (in a typed list, in a dump of one)."""
        kind, namespace, name = identity.split("/", 2)
        for node in self.objects.get(name, ()):
            if node.scalar("kind") in {kind, None} and (node.scalar("metadata", "namespace") or "") in {namespace, ""}:
                return node
        return None


def _first_line(data: bytes, offset: int) -> int:
    return 1 + data.count(b"\n", 0, offset)


def _objects(node: Node, depth: int = 0) -> Iterator[Node]:
    """The document itself, or the entries of its list."""
    entries = node.entries or (node.members["items"].entries if "items" in node.members else [])
    if not entries or depth > _DEPTH:
        yield node
        return
    for entry in entries:
        yield from _objects(entry, depth + 1)
