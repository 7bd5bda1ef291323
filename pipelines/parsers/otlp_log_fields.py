"""From OTLP log records, however they were encoded, to access-log columns.

What Envoy's OpenTelemetry access logger and Istio's provider write: the request's start in `time_unix_nano`, trace and
span id, the configured format string as a text body, the configured labels as attributes, and in the resource the
configured attributes or `node_name` and the like. Istio leaves the resource empty. Collectors put file lines into the
body, too, and what they know of the pod into the resource (`k8s.pod.name`, `k8s.namespace.name`).

A body is read by the text or JSON parser of access logs; attributes fill what the body does not say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.columns import TIMESTAMP
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.lines import as_mask
from pipelines.parsers.log_columns import LogColumns
from pipelines.parsers.log_layout import layout_of, members
from pipelines.parsers.log_values import text_of
from pipelines.parsers.node_names import pod_of_node
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pipelines.parsers.context import Context

SCHEMA: Final = accepted_schema(ACCESS_LOG_FIELDS)
_PREFIX: Final = "not an access log record: "
#: Where the kubelet keeps a container's log, as receivers that read files say it.
_PATH_KEYS: Final = ("log.file.path", "file.path", "log.file.path_resolved")
_POD_PATH: Final = r"/pods/(?P<namespace>[a-z0-9-]+)_(?P<pod>[a-z0-9.-]+)_[0-9a-f-]{32,36}/"
_POD_KEYS: Final = ("k8s.pod.name", "kubernetes.pod_name", "pod_name")
_NAMESPACE_KEYS: Final = ("k8s.namespace.name", "kubernetes.namespace_name", "pod_namespace")
_NODE_KEYS: Final = ("node_name", "node_id")
_NANOSECONDS_PER_MICROSECOND: Final = 1_000


@dataclass(frozen=True, slots=True)
class LogRecords:
    """Log records as columns, all of one length.

    `bodies` are strings, null where a body is no text; the members of a body that is an object (or JSON text of one)
    belong among the attributes, see `object_body`. `time_nanoseconds` is 0 where a record has none. `attributes` has
    one array of strings a key (numbers in decimal, arrays and objects as compact JSON), null where a record lacks it.
    `resources[resource[i]]` is the resource of record i.
    """

    offsets: NDArray[np.int64]
    time_nanoseconds: NDArray[np.uint64]
    bodies: pa.Array
    trace_ids: pa.Array
    span_ids: pa.Array
    attributes: Mapping[str, pa.Array]
    resources: Sequence[Mapping[str, str | None]] = ()
    resource: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.offsets)


def access_log_columns(records: LogRecords, context: Context) -> tuple[pa.Table, NDArray[np.object_]]:
    """The records that are access logs (`source_offset`, `ACCESS_LOG_FIELDS`), and a reason for each, "" for those."""
    if len(records) == 0:
        return SCHEMA.empty_table(), np.full(0, "", np.object_)
    text_layout, json_layout = _layouts(context.layout)
    filled, others, unread, problems = _bodies(records.bodies, replace(context, layout=text_layout))
    columns = LogColumns(len(records), filled)
    for path, texts in others.items():
        columns.keep(path, texts)
    layout = layout_of(json_layout)
    columns.fill(records.attributes, layout)
    columns.keep("body", unread)
    columns.fill_empty("start_time", _times(records.time_nanoseconds))
    columns.fill_empty("trace_id", records.trace_ids)
    columns.fill_empty("span_id", records.span_ids)
    _identify(columns, records)
    columns.require(outcome=layout.needs_outcome)
    reasons = np.where(columns.faults == "", "", _PREFIX + columns.faults)
    # Where nothing else made a record of it, what the text parser had against the body says more.
    reasons = np.where((reasons != "") & (problems != ""), problems, reasons)
    return columns.table(records.offsets, SCHEMA), reasons


def object_body(body: str) -> dict[str, str | None] | None:
    """The members of a body that is a JSON object's text, by path; None for any other body."""
    if not body.startswith("{"):
        return None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return {path: text_of(member) for path, member in members(value)}


def _layouts(layout: str | None) -> tuple[str | None, str | None]:
    is_json = layout is not None and layout.lstrip().startswith("{")
    return (None, layout) if is_json else (layout, None)


def _bodies(
    bodies: pa.Array, context: Context
) -> tuple[dict[str, pa.Array], dict[str, pa.Array], pa.Array, NDArray[np.object_]]:
    """What text bodies say, by column and by attribute; the bodies that are no such text; and why they are none."""
    trimmed = pc.utf8_rtrim(bodies, characters="\r\n")
    # A body of several lines is no line of a log; neither is an empty one.
    usable = pc.and_(pc.greater(pc.binary_length(trimmed), 0), pc.invert(pc.match_substring(trimmed, "\n")))
    chosen = np.flatnonzero(as_mask(usable))
    problems = np.full(len(bodies), "", np.object_)
    if len(chosen) == 0:
        return {}, {}, trimmed, problems
    lines = trimmed.take(pa.array(chosen))
    chunk = "\n".join(lines.to_pylist()).encode()
    lengths = np.asarray(pc.binary_length(lines)).astype(np.int64) + 1
    starts = np.cumsum(lengths) - lengths
    parsed = parse_istio_text(chunk, 0, context)
    accepted = parsed.accepted.combine_chunks()
    rows = np.full(len(bodies), -1, np.int64)
    rows[chosen[np.searchsorted(starts, accepted["source_offset"].to_numpy())]] = np.arange(len(accepted))
    refused = chosen[np.searchsorted(starts, parsed.rejected["source_offset"].to_numpy())]
    problems[refused] = parsed.rejected["reason"].to_pylist()
    indices = pa.array(rows, mask=rows < 0)
    filled = {name: _whole(accepted[name]).take(indices) for name in ACCESS_LOG_FIELDS.names if name != "attributes"}
    others = {name: texts.take(indices) for name, texts in _attributes(_whole(accepted["attributes"])).items()}
    return filled, others, pc.if_else(pa.array(rows < 0), trimmed, pa.scalar(None, pa.string())), problems


def _attributes(maps: pa.MapArray) -> dict[str, pa.Array]:
    """Attributes by their names, null where a record lacks one."""
    keys, items = maps.keys, maps.items
    rows = np.repeat(np.arange(len(maps)), np.diff(maps.offsets.to_numpy()))
    found: dict[str, pa.Array] = {}
    for name in pc.unique(keys).to_pylist():
        which = np.flatnonzero(as_mask(pc.equal(keys, name)))
        places = np.full(len(maps), -1, np.int64)
        places[rows[which]] = which
        found[name] = items.take(pa.array(places, mask=places < 0))
    return found


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _times(nanoseconds: NDArray[np.uint64]) -> pa.Array:
    microseconds = (nanoseconds // np.uint64(_NANOSECONDS_PER_MICROSECOND)).astype(np.int64)
    return pa.array(microseconds, pa.int64(), mask=microseconds == 0).cast(TIMESTAMP)


def _identify(columns: LogColumns, records: LogRecords) -> None:
    for key in _PATH_KEYS:
        if key in records.attributes:
            found = pc.extract_regex(records.attributes[key], _POD_PATH)
            columns.fill_empty("reporter_namespace", pc.struct_field(found, "namespace"))
            columns.fill_empty("reporter_pod", pc.struct_field(found, "pod"))
    if not records.resources:
        return
    pairs = [_reporter(resource) for resource in records.resources]
    which = pa.array(records.resource)
    columns.fill_empty("reporter_namespace", pa.array([pair[0] for pair in pairs], pa.string()).take(which))
    columns.fill_empty("reporter_pod", pa.array([pair[1] for pair in pairs], pa.string()).take(which))


def _reporter(resource: Mapping[str, str | None]) -> tuple[str | None, str | None]:
    """Namespace and pod of the proxy that wrote the record, as its resource names them."""
    for key in _NODE_KEYS:
        named = pod_of_node(resource.get(key))
        if named is not None:
            return named
    return _first(resource, _NAMESPACE_KEYS), _first(resource, _POD_KEYS)


def _first(resource: Mapping[str, str | None], keys: tuple[str, ...]) -> str | None:
    return next((value for key in keys if (value := resource.get(key))), None)
