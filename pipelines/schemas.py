"""The one place where the lake's tables and columns are named.

Every table is an Arrow schema plus the columns it is partitioned by. `VERSION` is the schema version written into
each Delta table's configuration; a change of columns raises it and adds a migration (`pipelines/lake/migrations.py`).

Conventions: times are UTC with microseconds; durations are milliseconds and say so; a value that Envoy prints as `-`
is null; field names are those of Envoy's access log operators, lower case.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

VERSION = 1

TIMESTAMP = pa.timestamp("us", tz="UTC")
LABELS = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class Table:
    """A lake table: its Delta name, Arrow schema (partition columns included) and partition columns."""

    name: str
    schema: pa.Schema
    partition_by: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.schema.names)


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


# Where a record came from: the file as the user named it and the record's byte offset in the decompressed stream.
_ORIGIN = [_required("source", pa.string()), _required("source_offset", pa.int64())]

# Who wrote it, where the record or its path says so; the rest is resolved when read (ADR identity).
_REPORTER = [pa.field("reporter_namespace", pa.string()), pa.field("reporter_pod", pa.string())]

#: What one access-log line says, in Envoy's words. Parsers produce exactly these columns.
ACCESS_LOG_FIELDS = pa.schema(
    [
        _required("start_time", TIMESTAMP),
        pa.field("method", pa.string()),
        pa.field("path", pa.string()),
        pa.field("protocol", pa.string()),
        pa.field("response_code", pa.int32()),
        pa.field("response_flags", pa.string()),
        pa.field("response_code_details", pa.string()),
        pa.field("connection_termination_details", pa.string()),
        pa.field("upstream_transport_failure_reason", pa.string()),
        pa.field("bytes_received", pa.int64()),
        pa.field("bytes_sent", pa.int64()),
        pa.field("duration_ms", pa.int64()),
        pa.field("upstream_service_time_ms", pa.int64()),
        pa.field("x_forwarded_for", pa.string()),
        pa.field("user_agent", pa.string()),
        pa.field("request_id", pa.string()),
        pa.field("authority", pa.string()),
        pa.field("upstream_host", pa.string()),
        pa.field("upstream_cluster", pa.string()),
        pa.field("upstream_local_address", pa.string()),
        pa.field("downstream_local_address", pa.string()),
        pa.field("downstream_remote_address", pa.string()),
        pa.field("requested_server_name", pa.string()),
        pa.field("route_name", pa.string()),
    ]
)

ACCESS_LOGS = Table(
    "access_logs",
    pa.schema(
        [
            *_ORIGIN,
            _required("format", pa.string()),
            *_REPORTER,
            *ACCESS_LOG_FIELDS,
            _required("date", pa.date32()),
        ]
    ),
    partition_by=("date",),
)

#: What one span says. `attributes` and `resource_attributes` keep everything; the columns are those that joins need.
SPAN_FIELDS = pa.schema(
    [
        _required("trace_id", pa.string()),
        _required("span_id", pa.string()),
        pa.field("parent_span_id", pa.string()),
        _required("name", pa.string()),
        _required("kind", pa.string()),
        _required("start_time", TIMESTAMP),
        _required("end_time", TIMESTAMP),
        pa.field("duration_ms", pa.float64()),
        pa.field("status_code", pa.string()),
        pa.field("status_message", pa.string()),
        pa.field("service_name", pa.string()),
        pa.field("node_id", pa.string()),
        pa.field("istio_canonical_service", pa.string()),
        pa.field("istio_canonical_revision", pa.string()),
        pa.field("istio_namespace", pa.string()),
        pa.field("upstream_cluster", pa.string()),
        pa.field("peer_address", pa.string()),
        pa.field("request_id", pa.string()),
        pa.field("method", pa.string()),
        pa.field("url", pa.string()),
        pa.field("protocol", pa.string()),
        pa.field("response_code", pa.int32()),
        pa.field("response_flags", pa.string()),
        pa.field("attributes", LABELS),
        pa.field("resource_attributes", LABELS),
    ]
)

SPANS = Table(
    "spans",
    pa.schema([*_ORIGIN, _required("format", pa.string()), *SPAN_FIELDS, _required("date", pa.date32())]),
    partition_by=("date",),
)

#: One sample of one series. `labels` has every label but the metric's name.
METRIC_SAMPLE_FIELDS = pa.schema(
    [
        _required("metric", pa.string()),
        pa.field("labels", LABELS),
        _required("time", TIMESTAMP),
        _required("value", pa.float64()),
    ]
)

METRIC_SAMPLES = Table(
    "metric_samples",
    pa.schema([*_ORIGIN, _required("format", pa.string()), *METRIC_SAMPLE_FIELDS, _required("date", pa.date32())]),
    partition_by=("date",),
)

#: One version of one object. `event` is SNAPSHOT (a dump), ADDED, MODIFIED or DELETED (a watch).
#: `observed_at` is null where the record does not say when; the job then fills in the file's time and clears
#: `observed_at_exact`. Secrets never carry key bytes: `object_json` is redacted by the parser.
MESH_OBJECT_FIELDS = pa.schema(
    [
        _required("api_version", pa.string()),
        _required("kind", pa.string()),
        pa.field("namespace", pa.string()),
        _required("name", pa.string()),
        pa.field("uid", pa.string()),
        pa.field("resource_version", pa.string()),
        pa.field("generation", pa.int64()),
        pa.field("created_at", TIMESTAMP),
        pa.field("observed_at", TIMESTAMP),
        _required("observed_at_exact", pa.bool_()),
        _required("event", pa.string()),
        pa.field("labels", LABELS),
        pa.field("annotations", LABELS),
        pa.field("owner_kind", pa.string()),
        pa.field("owner_name", pa.string()),
        _required("object_json", pa.string()),
    ]
)

MESH_OBJECTS = Table("mesh_objects", pa.schema([*_ORIGIN, *MESH_OBJECT_FIELDS]))

#: One record that could not be read. `raw` is the record's bytes (at most `REJECT_RAW_LIMIT` of them).
REJECT_FIELDS = pa.schema(
    [
        _required("source_offset", pa.int64()),
        _required("reason", pa.string()),
        _required("raw", pa.binary()),
        _required("raw_length", pa.int64()),
    ]
)
REJECT_RAW_LIMIT = 65_536

REJECTS = Table(
    "rejects",
    pa.schema(
        [
            _required("source", pa.string()),
            _required("format", pa.string()),
            *REJECT_FIELDS,
            _required("run_id", pa.string()),
        ]
    ),
)

#: Access logs a minute at a time, one row per proxy and peer. Keys are what the lines say; workloads are resolved
#: when read, so that an inventory that arrives later still names them. `authority` is kept only where the cluster
#: does not name the destination. `latency_bucket`/`latency_count` are a log histogram (`pipelines/histogram.py`).
EDGES_1M_KEYS = pa.schema(
    [
        _required("minute", TIMESTAMP),
        _required("source", pa.string()),
        pa.field("reporter_namespace", pa.string()),
        pa.field("reporter_pod", pa.string()),
        _required("reporter", pa.string()),  # source (the caller's proxy), destination, or unknown
        pa.field("upstream_cluster", pa.string()),
        pa.field("authority", pa.string()),
        pa.field("requested_server_name", pa.string()),
        pa.field("peer_address", pa.string()),
        _required("protocol", pa.string()),  # http or tcp
        _required("code_class", pa.string()),  # 1xx..5xx, 0 (no response), none (TCP)
        pa.field("response_flags", pa.string()),
    ]
)
EDGES_1M_VALUES = pa.schema(
    [
        _required("calls", pa.int64()),
        _required("bytes_received", pa.int64()),
        _required("bytes_sent", pa.int64()),
        _required("duration_ms_sum", pa.int64()),
        _required("latency_bucket", pa.list_(pa.int32())),
        _required("latency_count", pa.list_(pa.int64())),
    ]
)
EDGES_1M = Table(
    "edges_1m",
    pa.schema([*EDGES_1M_KEYS, *EDGES_1M_VALUES, _required("date", pa.date32())]),
    partition_by=("date",),
)

_EDGE = pa.struct([pa.field("caller", pa.string()), pa.field("callee", pa.string())])

FINDINGS = Table(
    "findings",
    pa.schema(
        [
            _required("run_id", pa.string()),
            _required("produced_at", TIMESTAMP),
            _required("analyzer", pa.string()),
            _required("code", pa.string()),
            _required("severity", pa.string()),
            _required("subject", pa.string()),
            _required("message", pa.string()),
            pa.field("cause", pa.string()),
            pa.field("side", pa.string()),
            pa.field("object", pa.string()),
            pa.field("path", pa.string()),
            pa.field("edges", pa.list_(_EDGE)),
            _required("evidence", pa.string()),  # a JSON object
            pa.field("next_step", pa.string()),
            pa.field("first_seen", TIMESTAMP),
            pa.field("last_seen", TIMESTAMP),
            _required("fingerprint", pa.string()),
            pa.field("suppressed_by", pa.string()),
        ]
    ),
)

ALERTS = Table(
    "alerts",
    pa.schema(
        [
            _required("run_id", pa.string()),
            _required("produced_at", TIMESTAMP),
            _required("code", pa.string()),
            _required("kind", pa.string()),  # error_rate or latency
            _required("severity", pa.string()),
            _required("caller", pa.string()),
            _required("callee", pa.string()),
            _required("message", pa.string()),
            _required("window_start", TIMESTAMP),
            _required("window_end", TIMESTAMP),
            _required("observed", pa.float64()),
            _required("observed_lower", pa.float64()),
            _required("observed_upper", pa.float64()),
            _required("expected", pa.float64()),
            _required("expected_upper", pa.float64()),
            _required("samples", pa.int64()),
            _required("baseline_samples", pa.int64()),
            _required("evidence", pa.string()),
            _required("fingerprint", pa.string()),
        ]
    ),
)

RECOMMENDATIONS = Table(
    "recommendations",
    pa.schema(
        [
            _required("run_id", pa.string()),
            _required("produced_at", TIMESTAMP),
            _required("kind", pa.string()),
            _required("namespace", pa.string()),
            _required("name", pa.string()),
            _required("workload", pa.string()),
            _required("verdict", pa.string()),  # EMIT, EMIT_REVIEW or ABSTAIN
            _required("hosts", pa.list_(pa.string())),
            _required("warnings", pa.list_(pa.string())),
            _required("reasons", pa.string()),  # a JSON array
            _required("coverage", pa.string()),  # a JSON object
            pa.field("manifest", pa.string()),  # YAML; null where the verdict is ABSTAIN
            pa.field("window_start", TIMESTAMP),
            pa.field("window_end", TIMESTAMP),
            _required("fingerprint", pa.string()),
        ]
    ),
)

#: How far each input was read. Of one source and head the row with the highest `position` wins. Hashes are of the bytes
#: just before `position` and of the head, so that a grown, moved or replaced file is told apart by its content.
SOURCES = Table(
    "sources",
    pa.schema(
        [
            _required("run_id", pa.string()),
            _required("source", pa.string()),
            _required("format", pa.string()),
            _required("position", pa.int64()),
            _required("size", pa.int64()),
            _required("head_hash", pa.string()),
            _required("head_length", pa.int64()),
            _required("tail_hash", pa.string()),
            _required("tail_length", pa.int64()),
            pa.field("modified_at", TIMESTAMP),
            _required("read", pa.int64()),
            _required("accepted", pa.int64()),
            _required("rejected", pa.int64()),
            _required("recorded_at", TIMESTAMP),
        ]
    ),
)

RUNS = Table(
    "runs",
    pa.schema(
        [
            _required("run_id", pa.string()),
            _required("kind", pa.string()),  # ingest, stream, diagnose, alerts, recommend, maintain
            _required("started_at", TIMESTAMP),
            _required("finished_at", TIMESTAMP),
            _required("read", pa.int64()),
            _required("accepted", pa.int64()),
            _required("rejected", pa.int64()),
            _required("bytes", pa.int64()),
            _required("rows", pa.map_(pa.string(), pa.int64())),
            _required("table_versions", pa.map_(pa.string(), pa.int64())),
            _required("parameters", pa.string()),  # a JSON object, secrets left out
        ]
    ),
)

#: Every table of the lake. `runs` is last: it is committed last and names the versions readers may use.
TABLES: tuple[Table, ...] = (
    ACCESS_LOGS,
    SPANS,
    METRIC_SAMPLES,
    MESH_OBJECTS,
    REJECTS,
    EDGES_1M,
    FINDINGS,
    ALERTS,
    RECOMMENDATIONS,
    SOURCES,
    RUNS,
)

BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
