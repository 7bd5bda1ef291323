"""OTLP trace requests by the compiled scan, to the same columns as `otlp_spans.span_row` gives one span at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pipelines.columns import TIMESTAMP
from pipelines.parsers.limits import MAX_SPAN_BYTES
from pipelines.parsers.otlp_spans import KINDS, STATUS_CODES
from pipelines.parsers.result import accepted_schema
from pipelines.parsers.scan import spans as scan
from pipelines.parsers.scan.attributes import new_items, new_keys
from pipelines.parsers.scan.gather import gather, hexadecimal, strings, texts
from pipelines.parsers.scan.wire import shapes_of
from pipelines.schemas import SPAN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.parsers.delimited import Frame
    from pipelines.parsers.scan.attributes import Keys

    Bytes = NDArray[np.uint8]
    Numbers = NDArray[np.int64]

_SCHEMA: Final = accepted_schema(SPAN_FIELDS)
_PADDING: Final = 64
_NANOSECONDS_PER_MICROSECOND, _NANOSECONDS_PER_MILLISECOND = 1_000, 1_000_000
#: Keys that fill columns.
_KNOWN: Final = (
    "node_id", "istio.canonical_service", "istio.canonical_revision", "istio.namespace", "upstream_cluster",
    "upstream_cluster.name", "upstream_address", "peer.address", "guid:x-request-id", "http.method",
    "http.request.method", "http.url", "url.full", "http.protocol", "http.status_code", "http.response.status_code",
    "response_flags", "service.name",
)  # fmt: skip
_PLACES: Final = {key: place for place, key in enumerate(_KNOWN)}
_SHAPES: Final = shapes_of(Span.DESCRIPTOR, Resource.DESCRIPTOR)
_VALIDATED: Final = ("trace.v1.Span.Event", "trace.v1.Span.Link", "common.v1.EntityRef")
_KINDS: Final = tuple(_SHAPES.kinds[f"opentelemetry.proto.{name}"] for name in _VALIDATED)
_KIND_NAMES: Final = pa.array(KINDS, pa.string())
_CODE_NAMES: Final = pa.array([*STATUS_CODES, None], pa.string())
_MOST_CODE_DIGITS, _FIRST_TOO_BIG = 10, 2**31
_SEMICOLON: Final = ord(";")
#: What a value is, for those who take nothing and Envoy's `-` for none.
_EMPTY, _DASH, _STATED = 0, 1, 2


class SpanScanner:
    """Scans the requests of a chunk. What keys are called is remembered from one batch to the next."""

    __slots__ = ("_data", "_keys", "_offset")

    def __init__(self, data: Bytes, base_offset: int) -> None:
        """`data` is padded; `base_offset` is its offset in the source."""
        self._data = data
        self._offset = base_offset
        self._keys = new_keys(_KNOWN)

    def scan(self, frames: Sequence[Frame]) -> tuple[ScannedSpans, list[Frame]]:
        """The spans of requests that were taken, and the requests that were not."""
        size = sum(frame.end - frame.start for frame in frames)
        bounds = np.array([(frame.start, frame.end, self._offset + frame.offset) for frame in frames], np.int64)
        taken = np.zeros(len(frames), np.uint8)
        batch = ScannedSpans(self._data, self._keys, size)
        batch.scan(bounds, taken)
        return batch, [frame for frame, is_taken in zip(frames, taken.tolist(), strict=True) if not is_taken]


class ScannedSpans:
    """Spans of some requests, as the scan leaves them."""

    __slots__ = ("_counts", "_data", "_found", "_items", "_keys", "_resources", "_rows", "_shared", "_shared_found")

    def __init__(self, data: Bytes, keys: Keys, size: int) -> None:
        """Room for the spans of requests that are `size` bytes long together."""
        rows, resources = size // scan.SMALLEST + 1, size // scan.SMALLEST + 64
        self._data = data
        self._keys = keys
        self._counts = np.array([0, 0, 0, 0, MAX_SPAN_BYTES, len(_KNOWN), resources], np.int64)
        self._items = new_items(size)
        self._rows = np.empty((rows, scan.WIDTH), np.int64)
        self._found = np.empty((rows, len(_KNOWN)), np.int64)
        self._shared = new_items(size)
        self._resources = np.empty((resources, 2), np.int64)
        self._shared_found = np.empty((resources, len(_KNOWN)), np.int64)

    def scan(self, bounds: Numbers, taken: Bytes) -> None:
        """Scan requests; `bounds` and `taken` as `scan_trace_requests` has them."""
        scan.scan_trace_requests(
            self._data,
            bounds,
            taken,
            self._counts,
            *self._keys,
            *self._items,
            self._rows,
            self._found,
            *self._shared,
            self._resources,
            self._shared_found,
            _SHAPES.holds,
            *_KINDS,
        )

    def repeated_bytes(self) -> int:
        """How many bytes of resources the spans repeat."""
        resource = self._rows[: self._counts[scan.ROWS], scan.RESOURCE]
        return int(self._resources[resource, scan.RESOURCE_BYTES].sum())

    def table(self) -> pa.Table:
        """The spans as rows of `SPAN_FIELDS`."""
        rows = int(self._counts[scan.ROWS])
        if rows == 0:
            return _SCHEMA.empty_table()
        column = np.ascontiguousarray(self._rows[:rows].T)
        elapsed = column[scan.END_NS] - column[scan.START_NS]
        is_back = elapsed < 0
        times = (column[at] // _NANOSECONDS_PER_MICROSECOND for at in (scan.START_NS, scan.END_NS))
        kinds = np.where(column[scan.KIND] < len(KINDS), column[scan.KIND], 0)
        has_status = column[scan.STATUS] < column[scan.STATUS_END]
        name = np.maximum(column[scan.NAME], 0), np.maximum(column[scan.NAME_END], 0)
        arrays = [
            pa.array(column[scan.OFFSET]),
            hexadecimal(self._data, column[scan.TRACE], 16),
            hexadecimal(self._data, column[scan.SPAN], 8),
            hexadecimal(self._data, column[scan.PARENT], 8),
            texts(self._data, *name),
            _KIND_NAMES.take(pa.array(kinds)),
            *(pa.array(moments).cast(TIMESTAMP) for moments in times),
            pa.array(elapsed / _NANOSECONDS_PER_MILLISECOND, mask=is_back if is_back.any() else None),
            _CODE_NAMES.take(pa.array(np.minimum(column[scan.CODE], len(STATUS_CODES)))),
            texts(self._data, np.where(has_status, column[scan.STATUS], -1), column[scan.STATUS_END]),
            *self._values(rows, column[scan.RESOURCE]).columns(),
            self._attributes(column[scan.ITEMS_END]),
            self._resource_attributes(column[scan.RESOURCE]),
        ]
        return pa.table(arrays, schema=_SCHEMA)

    def _values(self, rows: int, resource: Numbers) -> _Values:
        own, others = int(self._counts[scan.ITEMS]), int(self._counts[scan.SHARED])
        # Items of resources are numbered behind those of spans, and their values lie behind theirs.
        ends, shared_ends = self._items.numbers[: own + 1, 1], self._shared.numbers[1 : others + 1, 1]
        found = np.ascontiguousarray(self._found[:rows].T)
        shared = self._shared_found[: self._counts[scan.RESOURCES]].T
        shared = np.where(shared >= 0, shared + own, -1)
        behind = self._shared.values[: int(self._shared.numbers[others, 1]) + _PADDING]
        return _Values(
            np.concatenate([self._items.values[: ends[-1]], behind]),
            np.concatenate([ends, shared_ends + ends[-1]]).astype(np.int32),
            {key: found[place] for key, place in _PLACES.items()},
            {key: shared[place][resource] for key, place in _PLACES.items()},
        )

    def _attributes(self, ends: Numbers) -> pa.Array:
        own = int(self._counts[scan.ITEMS])
        held = np.ascontiguousarray(self._items.numbers[: own + 1].T)
        keys = gather(self._keys.text, self._keys.ends(), held[0, 1:])
        return pa.MapArray.from_arrays(_offsets(ends), keys, strings(held[1].astype(np.int32), self._items.values))

    def _resource_attributes(self, resource: Numbers) -> pa.Array:
        bounds = np.append(0, self._resources[: self._counts[scan.RESOURCES], scan.RESOURCE_ITEMS_END])
        sizes = np.diff(bounds)[resource]
        ends = np.cumsum(sizes)
        chosen = np.arange(ends[-1]) + np.repeat(bounds[resource] - ends + sizes, sizes)
        held = np.ascontiguousarray(self._shared.numbers[: int(self._counts[scan.SHARED]) + 1].T)
        keys = gather(self._keys.text, self._keys.ends(), held[0, 1:][chosen])
        return pa.MapArray.from_arrays(
            _offsets(ends), keys, gather(self._shared.values, held[1].astype(np.int32), chosen)
        )


class _Values:
    """The columns that attributes fill. A number says which item a value is, -1 that there is none."""

    __slots__ = ("_data", "_ends", "_own", "_shared", "_states")

    def __init__(
        self, data: Bytes, ends: NDArray[np.int32], own: dict[str, Numbers], shared: dict[str, Numbers]
    ) -> None:
        """`ends` says where values end in `data`; `own` and `shared` are items by key, of spans and of resources."""
        self._data = data
        self._ends = ends
        self._own = own
        self._shared = shared
        sizes = np.diff(ends)
        is_dash = (sizes == 1) & (data[ends[:-1]] == ord("-"))
        states = np.where(sizes == 0, _EMPTY, np.where(is_dash, _DASH, _STATED)).astype(np.uint8)
        # One more, for items that there are not.
        self._states = np.append(states, np.uint8(_EMPTY))

    def columns(self) -> list[pa.Array]:
        """Columns from `service_name` to `response_flags`."""
        own = self._own
        return [
            self._text(self._stated(self._shared["service.name"])),
            *(self._text(self._stated(self._or(own[key], self._shared[key]))) for key in _KNOWN[:4]),
            self._cluster(),
            self._text(self._first_stated("upstream_address", "peer.address")),
            self._text(self._stated(own["guid:x-request-id"])),
            self._text(self._first_stated("http.method", "http.request.method")),
            self._text(self._first_stated("http.url", "url.full")),
            self._text(self._stated(own["http.protocol"])),
            self._code(),
            self._text(self._stated(own["response_flags"])),
        ]

    def _or(self, first: Numbers, second: Numbers) -> Numbers:
        """The first that is not empty, as Python's `or` has it."""
        return np.where(self._states[first] != _EMPTY, first, second)

    def _stated(self, items: Numbers) -> Numbers:
        return np.where(self._states[items] == _STATED, items, -1)

    def _first_stated(self, first: str, second: str) -> Numbers:
        stated = self._stated(self._own[first])
        return np.where(stated >= 0, stated, self._stated(self._own[second]))

    def _text(self, items: Numbers) -> pa.Array:
        return gather(self._data, self._ends, items)

    def _cluster(self) -> pa.Array:
        items = self._first_stated("upstream_cluster", "upstream_cluster.name")
        names = self._text(items)
        last = self._data[self._ends[items + 1] - 1]
        if not ((last == _SEMICOLON) & (items >= 0)).any():
            return names
        return pa.array([_without_end(name) for name in names.to_pylist()], pa.string())

    def _code(self) -> pa.Array:
        items = self._or(self._own["http.status_code"], self._own["http.response.status_code"])
        starts = self._ends[items]
        sizes = self._ends[items + 1] - starts
        good = (items >= 0) & (sizes >= 1) & (sizes <= _MOST_CODE_DIGITS)
        value = np.zeros(len(items), np.int64)
        for place in range(int(sizes[good].max(initial=0))):
            within = good & (place < sizes)
            digit = self._data[starts + np.where(within, place, 0)].astype(np.int64) - ord("0")
            good &= ~within | ((digit >= 0) & (digit <= 9))
            value = np.where(within, value * 10 + digit, value)
        good &= value < _FIRST_TOO_BIG
        return pa.array(np.where(good, value, 0), pa.int64(), mask=~good).cast(pa.int32())


def _without_end(name: str | None) -> str | None:
    shorter = name.removesuffix(";") if name else None
    return None if shorter in ("", "-") else shorter


def _offsets(ends: Numbers) -> pa.Array:
    return pa.array(np.append(0, ends).astype(np.int32))
