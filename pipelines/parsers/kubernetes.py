"""Kubernetes and Istio objects: YAML streams, JSON documents and watch events as JSON lines.

A record is an object: an entry of a `List`, a `PodList` or another typed list (also nested), a document that is one
object, or a watch event. A document that cannot be read is one reject, and so is each object that is none (no
`apiVersion`, `kind` or `metadata.name`). Documents that hold nothing and BOOKMARK events are no records.

YAML is read as Kubernetes reads it (`yaml_scalars.py`); a key given twice in one mapping is refused, where Kubernetes
would keep the last or warn. Values of Secrets are never kept, not even in rejects (`kubernetes_redaction.py`).
`source_offset` is that of the document, or of the event's line; entries of a list share it. `event` is SNAPSHOT but
for watch events.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from pipelines.parsers.json_values import RefusedJsonError, json_bounds, load_json_value
from pipelines.parsers.kubernetes_objects import (
    UNTYPED,
    ListKind,
    NotAnObjectError,
    Sighting,
    list_kind,
    object_row,
)
from pipelines.parsers.kubernetes_redaction import WITHHELD, may_hold_secrets
from pipelines.parsers.kubernetes_versions import rfc3339_microseconds
from pipelines.parsers.limits import MAX_MESSAGE_BYTES
from pipelines.parsers.result import Parsed, Reject, accepted_schema, reject_table
from pipelines.parsers.row_batches import RowBatches
from pipelines.parsers.yaml_documents import document_bounds
from pipelines.parsers.yaml_values import ItemBounds, RefusedYamlError, YamlDocument, load_yaml_document
from pipelines.schemas import MESH_OBJECT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.parsers.context import Context
    from pipelines.parsers.yaml_values import Value

SNAPSHOT = "SNAPSHOT"
WATCH_EVENTS = ("ADDED", "MODIFIED", "DELETED")

_MAX_LIST_DEPTH = 16
_MAX_INDENT = 256
_TEMPLATE = "a Helm or Go template, not an object: render it first (helm template CHART)"
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _List(msgspec.Struct, rename="camel"):
    items: list[msgspec.Raw] | None
    kind: str
    api_version: str | None = None


class _Event(msgspec.Struct):
    object: msgspec.Raw
    type: str
    observed_at: str | int | float | bool | None = None
    cluster: str | None = None


class _Status(msgspec.Struct):
    message: str = ""


class _Objects:
    """Collects the objects and rejects of one chunk."""

    __slots__ = ("_read", "_rejects", "_rows")

    def __init__(self) -> None:
        self._rows = RowBatches(accepted_schema(MESH_OBJECT_FIELDS))
        self._rejects: list[Reject] = []
        self._read = 0

    def add(self, value: Value, sighting: Sighting, within: ListKind, raw: Callable[[], bytes]) -> None:
        """Accept an object, or reject it with the bytes that `raw` gives."""
        try:
            row = object_row(value, sighting, within)
        except NotAnObjectError as error:
            self.reject(sighting.source_offset, str(error), raw())
        except RecursionError:
            self.reject(sighting.source_offset, "nested too deeply", raw())
        else:
            self._rows.append(row, len(str(row[-2])))
            self._read += 1

    def reject(self, source_offset: int, reason: str, raw: bytes) -> None:
        """Record what could not be read, without its bytes where they may hold secrets."""
        if may_hold_secrets(raw):
            reason, raw = f"{reason}; {WITHHELD}", b""
        self._rejects.append(Reject(source_offset, reason, raw))
        self._read += 1

    def parsed(self) -> Parsed:
        """The outcome of the chunk."""
        return Parsed(self._rows.table(), reject_table(self._rejects), self._read)


def parse_kubernetes_yaml(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read a YAML stream of any number of documents; `chunk` begins where a document does."""
    objects = _Objects()
    for start, end in document_bounds(chunk):
        raw = chunk[start:end]
        if len(raw) > MAX_MESSAGE_BYTES:
            reason = f"a document of {len(raw)} bytes, over the limit of {MAX_MESSAGE_BYTES}; split it by kind"
            objects.reject(base_offset + start, reason, raw)
            continue
        try:
            document = load_yaml_document(raw)
        except RefusedYamlError as error:
            reason = f"{_TEMPLATE}; {error}" if b"{{" in raw else str(error)
            objects.reject(base_offset + start, reason, raw)
        else:
            _add_yaml(document, raw, Sighting(base_offset + start, SNAPSHOT), objects)
    return objects.parsed()


def parse_kubernetes_json(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read one JSON document or several one after another, as `kubectl get -o json --watch` prints them."""
    objects = _Objects()
    for start, end, problem in json_bounds(chunk):
        if problem is None:
            _add_json(chunk[start:end], Sighting(base_offset + start, SNAPSHOT), objects)
        else:
            objects.reject(base_offset + start, problem, chunk[start:end])
    return objects.parsed()


def parse_kubernetes_watch(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read watch events, one a line: `{"type":"ADDED","object":{...}}`, with or without an RFC 3339 `observed_at` and
    the name of the `cluster`.

    A line that is an object and no event is read as a SNAPSHOT; empty lines are no records.
    """
    objects = _Objects()
    offset = 0
    while offset < len(chunk):
        newline = chunk.find(b"\n", offset)
        end = len(chunk) if newline < 0 else newline
        line = chunk[offset:end].strip(b" \t\r")
        if line:
            _add_event(line, base_offset + offset, objects)
        offset = end + 1
    return objects.parsed()


def _add_event(line: bytes, source_offset: int, objects: _Objects) -> None:
    try:
        event = msgspec.json.decode(line, type=_Event)
    except _ERRORS:
        # Not an event: an object as it stands, or no JSON at all, which the next step tells.
        _add_json(line, Sighting(source_offset, SNAPSHOT), objects)
        return
    if event.type == "BOOKMARK":
        return
    if event.type == "ERROR":
        reason = f"the watch failed: {_message(event.object)}; objects changed after it are missing unless listed again"
        objects.reject(source_offset, reason, line)
        return
    if event.type not in WATCH_EVENTS:
        objects.reject(source_offset, f"a watch event of unknown type {event.type[:64]!r}", line)
        return
    stated = rfc3339_microseconds(event.observed_at)
    if event.observed_at is not None and stated is None:
        objects.reject(source_offset, f"observed_at {str(event.observed_at)[:64]!r} is no RFC 3339 time", line)
        return
    _add_json(bytes(event.object), Sighting(source_offset, event.type, stated, event.cluster or None), objects)


def _add_json(raw: bytes, sighting: Sighting, objects: _Objects, within: ListKind = UNTYPED, depth: int = 0) -> None:
    """Add an object, or every entry of a list, each decoded on its own so that a large list needs little memory."""
    entries = _json_entries(raw) if depth < _MAX_LIST_DEPTH else None
    if entries is not None:
        for item in entries[0]:
            _add_json(bytes(item), sighting, objects, entries[1], depth + 1)
        return
    try:
        value = load_json_value(raw)
    except RefusedJsonError as error:
        objects.reject(sighting.source_offset, str(error), raw)
    else:
        objects.add(value, sighting, within, lambda: raw)


def _json_entries(raw: bytes) -> tuple[list[msgspec.Raw], ListKind] | None:
    """The entries of a list, undecoded, and what they are; None for anything else."""
    try:
        if raw.lstrip()[:1] == b"[":
            return msgspec.json.decode(raw, type=list[msgspec.Raw]), UNTYPED
        decoded = msgspec.json.decode(raw, type=_List)
    except _ERRORS:
        return None
    kind = list_kind(decoded.api_version, decoded.kind)
    return None if kind is None else (decoded.items or [], kind)


def _add_yaml(document: YamlDocument, raw: bytes, sighting: Sighting, objects: _Objects) -> None:
    if document.value is None:
        return
    entries = _entries(document.value)
    if entries is None:
        objects.add(document.value, sighting, UNTYPED, lambda: raw)
        return
    text = raw.decode()
    has_bounds = len(document.items) == len(entries[0])
    for position, item in enumerate(entries[0]):
        written = partial(_cut, text, document.items[position]) if has_bounds else partial(msgspec.json.encode, item)
        _add_entry(item, sighting, objects, entries[1], written)


def _add_entry(
    value: Value, sighting: Sighting, objects: _Objects, within: ListKind, raw: Callable[[], bytes], depth: int = 1
) -> None:
    nested = _entries(value) if depth < _MAX_LIST_DEPTH else None
    if nested is None:
        objects.add(value, sighting, within, raw)
        return
    for item in nested[0]:
        # Where these were written is not known; the text around them all, for each of them, would be without bound.
        _add_entry(item, sighting, objects, nested[1], partial(msgspec.json.encode, item), depth + 1)


def _entries(value: Value) -> tuple[list[Value], ListKind] | None:
    """The entries of a list and what they are; None for anything else."""
    if isinstance(value, list):
        return value, UNTYPED
    if not isinstance(value, dict) or "items" not in value:
        return None
    items, kind = value["items"], list_kind(value.get("apiVersion"), value.get("kind"))
    if kind is None or not isinstance(items, list | None):
        return None
    return items or [], kind


def _cut(text: str, bounds: ItemBounds) -> bytes:
    """An entry's text, with the `- ` before it, so that its lines stay indented alike and can be read again."""
    line = text.rfind("\n", max(0, bounds.start - _MAX_INDENT), bounds.start) + 1
    start = line if line and not text[line : bounds.start].strip(" -") else bounds.start
    return text[start : bounds.end].encode()


def _message(status: msgspec.Raw) -> str:
    try:
        message = msgspec.json.decode(status, type=_Status).message
    except _ERRORS:
        message = ""
    return message[:500] or "no message"
