"""Kubernetes objects alone, from files and standard input: read at once, without Beam and without a lake.

What CI does with a repository of manifests. Logs, traces and metrics are left to the ingest job (`others`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipelines.inputs.addresses import is_address
from pipelines.inputs.compression import CONTAINER_BYTES, PLAIN, TAR, ZIP, container_of
from pipelines.inputs.discover import discover
from pipelines.inputs.errors import InputError
from pipelines.inputs.formats import FORMATS, Framing, parse
from pipelines.inputs.found import Skipped
from pipelines.inputs.opening import open_stream
from pipelines.inputs.recognise import recognise
from pipelines.inputs.recognition import SNIFF_BYTES
from pipelines.inputs.records import Chunk, read_records
from pipelines.parsers.context import DEFAULT
from pipelines.schemas import MESH_OBJECTS, REJECTS
from pipelines.transforms.rows import reject_rows, table_rows, with_cluster

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.inputs.found import FoundFile

#: The source that objects from standard input have.
STDIN: Final = "stdin"

_OBJECTS: Final = frozenset(name for name, known in FORMATS.items() if known.table is MESH_OBJECTS)
_IDENTITY: Final = ("kind", "namespace", "name")
_RUN: Final = "diagnose"


@dataclass(frozen=True, slots=True)
class ObjectsRead:
    """Rows of `mesh_objects` and `rejects`, the files that hold something else, and what was not read and why.

    `others` are inputs for the ingest job: logs, traces, metrics, archives, addresses.
    """

    objects: pa.Table = field(default_factory=MESH_OBJECTS.schema.empty_table)
    rejects: pa.Table = field(default_factory=REJECTS.schema.empty_table)
    others: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def joined(self, other: ObjectsRead) -> ObjectsRead:
        """Both together, the other's rows last."""
        return ObjectsRead(
            pa.concat_tables([self.objects, other.objects]),
            pa.concat_tables([self.rejects, other.rejects]),
            (*self.others, *other.others),
            (*self.skipped, *other.skipped),
        )

    def as_of_now(self) -> ObjectsRead:
        """The same with every object seen for certain, so that it counts over any version that a lake has."""
        position = self.objects.schema.get_field_index("observed_at_exact")
        certain = pa.repeat(pa.scalar(value=True), self.objects.num_rows)
        named = self.objects.schema.field(position)
        return replace(self, objects=self.objects.set_column(position, named, certain))

    def repeated(self) -> list[str]:
        """The objects that several sources define, of which the last source counts, a sentence each."""
        by_identity: defaultdict[tuple[str, str, str, str], dict[str, None]] = defaultdict(dict)
        for row in self.objects.select(["cluster", "api_version", *_IDENTITY, "source"]).to_pylist():
            group = row["api_version"].rpartition("/")[0]
            identity = (row["cluster"] or "", group, row["kind"], f"{row['namespace'] or ''}/{row['name']}")
            by_identity[identity][row["source"]] = None
        return [
            f"{kind} {name.removeprefix('/')} is in {' and '.join(sources)}; the last one counts"
            for (_, _, kind, name), sources in by_identity.items()
            if len(sources) > 1
        ]


def read_objects(paths: Iterable[str], cluster: str | None = None) -> ObjectsRead:
    """Read the Kubernetes objects in files, folders and patterns. Of two objects of one name the later one counts.

    Raises:
        InputError: a path does not exist.
    """
    named = list(paths)
    found = discover(path for path in named if not is_address(path))
    result = ObjectsRead(others=tuple(filter(is_address, named)), skipped=tuple(found.skipped))
    for file in found.files:
        try:
            result = result.joined(_read_file(file, cluster, len(result.objects)))
        except InputError as error:
            reason = str(error).removeprefix(f"{file.path}: ")
            result = replace(result, skipped=(*result.skipped, Skipped(file.path, reason)))
    return result


def objects_of_bytes(data: bytes, source: str, cluster: str | None = None) -> ObjectsRead:
    """Objects of YAML documents, JSON or watch events, such as standard input has them."""
    recognised = recognise(data[:SNIFF_BYTES], source, is_whole=len(data) <= SNIFF_BYTES)
    format_name = recognised.format if recognised.format in _OBJECTS else "kubernetes_yaml"
    return _parsed(data, format_name, source, cluster, 0)


def _read_file(file: FoundFile, cluster: str | None, before: int) -> ObjectsRead:
    with open_stream(file.path, PLAIN) as stream:
        container = container_of(stream.head(CONTAINER_BYTES))
    if container in {TAR, ZIP}:
        return ObjectsRead(others=(file.path,))
    with open_stream(file.path, container) as stream:
        head = stream.head(SNIFF_BYTES)
        recognised = recognise(head, file.path, is_whole=len(head) < SNIFF_BYTES)
        if recognised.format is None:
            return ObjectsRead(skipped=(Skipped(file.path, recognised.reason),))
        if recognised.format not in _OBJECTS or recognised.wrapper is not None:
            return ObjectsRead(others=(file.path,))
        (record,) = read_records(stream, Framing.DOCUMENT, 0, None, take_unfinished=True)
    if not isinstance(record, Chunk):
        return ObjectsRead(skipped=(Skipped(file.path, record.reason),))
    return _parsed(record.data, recognised.format, file.path, cluster, before)


def _parsed(data: bytes, format_name: str, source: str, cluster: str | None, before: int) -> ObjectsRead:
    # A later file's object counts over an earlier one's: the time says so, one microsecond an object.
    seen_us = time.time_ns() // 1000 + before
    result = ObjectsRead()
    for parsed in parse(format_name, data, 0, DEFAULT):
        rows = table_rows(parsed.accepted, format_name, source, (None, None), seen_us)
        named = with_cluster(rows, MESH_OBJECTS.name, cluster)
        rejects = reject_rows(parsed.rejected, format_name, source, _RUN)
        result = result.joined(
            ObjectsRead(named.select(MESH_OBJECTS.columns).cast(MESH_OBJECTS.schema), rejects.cast(REJECTS.schema))
        )
    return result
