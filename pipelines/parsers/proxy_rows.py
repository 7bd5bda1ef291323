"""What a proxy told of itself, as rows of `PROXY_STATE_FIELDS`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from pipelines.parsers.envoy_redaction import WITHHELD, may_hold_secrets, redacted
from pipelines.parsers.json_pieces import JSON_ERRORS, Fields, fields_of, text_of
from pipelines.parsers.limits import MAX_DEPTH
from pipelines.parsers.result import Parsed, Reject, accepted_schema, reject_table
from pipelines.parsers.row_batches import RowBatches
from pipelines.schemas import PROXY_STATE_FIELDS

if TYPE_CHECKING:
    from pipelines.parsers.yaml_values import Value

#: A node id of Istio: type, address, pod and its namespace, domain.
_NODE_ID: Final = re.compile(r"[a-z]+~[^~]*~(?P<pod>[^~.]+)\.(?P<namespace>[^~.]+)~[^~]*")
#: RFC 3339 with up to nine decimals, of which six are kept.
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reporter:
    """The pod whose proxy it is, where that is known."""

    namespace: str | None = None
    pod: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a dump; `piece` is its JSON and `size_bytes` what it takes in the dump."""

    section: str
    name: str | None
    state: str | None
    piece: msgspec.Raw | bytes
    size_bytes: int
    version_info: str | None = None
    last_updated: str | None = None


@dataclass(slots=True)
class ProxyRows:
    """Collects rows and rejects of one document."""

    observed_us: int | None
    reporter: Reporter = field(default_factory=Reporter)
    _rejects: list[Reject] = field(default_factory=list)
    _rows: RowBatches = field(default_factory=lambda: RowBatches(accepted_schema(PROXY_STATE_FIELDS)))

    def add(self, offset: int, thing: Thing) -> None:
        """Take a thing over. Raises one of JSON_ERRORS, or ValueError for a time that is none."""
        state_json = state_of(thing.piece)
        row = (
            offset,
            thing.section,
            thing.name,
            thing.state,
            thing.version_info,
            None if thing.last_updated is None else time_us(thing.last_updated),
            self.observed_us,
            thing.size_bytes,
            state_json,
            self.reporter.namespace,
            self.reporter.pod,
        )
        self._rows.append(row, len(state_json))

    def reject(self, offset: int, reason: str | Exception, raw: bytes) -> None:
        """Keep what could not be read, without its bytes where they may hold a key."""
        said = "nested too deeply" if isinstance(reason, RecursionError) else str(reason)
        if may_hold_secrets(raw):
            said, raw = f"{said}; {WITHHELD}", b""
        self._rejects.append(Reject(offset, said, raw))

    def parsed(self) -> Parsed:
        """All of it."""
        rows = self._rows.table()
        return Parsed(rows, reject_table(self._rejects), rows.num_rows + len(self._rejects))


def state_of(piece: msgspec.Raw | bytes) -> str:
    """JSON, compact and without secrets. Raises one of JSON_ERRORS where it is none or nests too deeply."""
    value: Value = msgspec.json.decode(piece)
    _check_depth(value)
    return msgspec.json.encode(redacted(value) if may_hold_secrets(bytes(piece)) else value).decode()


def reporter_of(node: msgspec.Raw | None) -> Reporter:
    """The pod of a bootstrap's or server_info's `node`: by its metadata as Istio fills them, else by its id."""
    if node is None:
        return Reporter()
    try:
        fields = fields_of(node)
        metadata: Fields = msgspec.json.decode(fields["metadata"], type=Fields) if "metadata" in fields else {}
        pod, namespace = text_of(metadata.get("NAME")), text_of(metadata.get("NAMESPACE"))
        if pod and namespace:
            return Reporter(namespace, pod)
        match = _NODE_ID.fullmatch(text_of(fields.get("id")) or "")
    except JSON_ERRORS:
        return Reporter()
    return Reporter() if match is None else Reporter(match["namespace"], match["pod"])


def time_us(text: str) -> int:
    """Microseconds since 1970. Raises ValueError where the text is no time."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:64]!r} is no time")
    decimals = (match[2] or "")[:6].ljust(6, "0")
    seconds = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    return int((seconds - _EPOCH).total_seconds()) * 1_000_000 + int(decimals)


def _check_depth(value: Value) -> None:
    level: list[Value] = [value]
    for _ in range(MAX_DEPTH):
        children: list[Value] = []
        for entry in level:
            if isinstance(entry, dict):
                children.extend(entry.values())
            elif isinstance(entry, list):
                children.extend(entry)
        if not children:
            return
        level = children
    raise RecursionError
