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


def _requireds(kind: pa.DataType, names: str) -> list[pa.Field]:
    return [_required(name, kind) for name in names.split()]


def _nullables(kind: pa.DataType, names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names.split()]


# Where a record came from: the file as the user named it and the record's byte offset in the decompressed stream.
_ORIGIN = [_required("source", pa.string()), _required("source_offset", pa.int64())]

# Who wrote it, where the record or its path says so; the rest is resolved when read (ADR identity).
_REPORTER = [pa.field("reporter_namespace", pa.string()), pa.field("reporter_pod", pa.string())]

#: What one access-log line says, in Envoy's words. Parsers produce exactly these columns.
ACCESS_LOG_FIELDS = pa.schema(
    [
        _required("start_time", TIMESTAMP),
        *_nullables(pa.string(), "method path protocol"),
        pa.field("response_code", pa.int32()),
        *_nullables(pa.string(), "response_flags response_code_details connection_termination_details"),
        *_nullables(pa.string(), "upstream_transport_failure_reason"),
        *_nullables(pa.int64(), "bytes_received bytes_sent duration_ms upstream_service_time_ms"),
        *_nullables(pa.string(), "x_forwarded_for user_agent request_id authority upstream_host upstream_cluster"),
        *_nullables(pa.string(), "upstream_local_address downstream_local_address downstream_remote_address"),
        *_nullables(pa.string(), "requested_server_name route_name"),
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
        *_requireds(pa.string(), "trace_id span_id"),
        pa.field("parent_span_id", pa.string()),
        *_requireds(pa.string(), "name kind"),
        *_requireds(TIMESTAMP, "start_time end_time"),
        pa.field("duration_ms", pa.float64()),
        *_nullables(pa.string(), "status_code status_message service_name node_id istio_canonical_service"),
        *_nullables(pa.string(), "istio_canonical_revision istio_namespace upstream_cluster peer_address request_id"),
        *_nullables(pa.string(), "method url protocol"),
        pa.field("response_code", pa.int32()),
        pa.field("response_flags", pa.string()),
        *_nullables(LABELS, "attributes resource_attributes"),
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
        *_requireds(pa.string(), "api_version kind"),
        pa.field("namespace", pa.string()),
        _required("name", pa.string()),
        *_nullables(pa.string(), "uid resource_version"),
        pa.field("generation", pa.int64()),
        *_nullables(TIMESTAMP, "created_at observed_at"),
        _required("observed_at_exact", pa.bool_()),
        _required("event", pa.string()),
        *_nullables(LABELS, "labels annotations"),
        *_nullables(pa.string(), "owner_kind owner_name"),
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
            *_requireds(pa.string(), "source format"),
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
        *_nullables(pa.string(), "reporter_namespace reporter_pod"),
        _required("reporter", pa.string()),  # source (the caller's proxy), destination, or unknown
        *_nullables(pa.string(), "upstream_cluster authority requested_server_name peer_address"),
        _required("protocol", pa.string()),  # http or tcp
        _required("code_class", pa.string()),  # 1xx..5xx, 0 (no response), none (TCP)
        pa.field("response_flags", pa.string()),
    ]
)
EDGES_1M_VALUES = pa.schema(
    [
        *_requireds(pa.int64(), "calls bytes_received bytes_sent duration_ms_sum"),
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
            *_requireds(pa.string(), "analyzer code severity subject message"),
            *_nullables(pa.string(), "cause side object path"),
            pa.field("edges", pa.list_(_EDGE)),
            _required("evidence", pa.string()),  # a JSON object
            pa.field("next_step", pa.string()),
            *_nullables(TIMESTAMP, "first_seen last_seen"),
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
            *_requireds(pa.string(), "severity caller callee message"),
            *_requireds(TIMESTAMP, "window_start window_end"),
            *_requireds(pa.float64(), "observed observed_lower observed_upper expected expected_upper"),
            *_requireds(pa.int64(), "samples baseline_samples"),
            *_requireds(pa.string(), "evidence fingerprint"),
        ]
    ),
)

RECOMMENDATIONS = Table(
    "recommendations",
    pa.schema(
        [
            _required("run_id", pa.string()),
            _required("produced_at", TIMESTAMP),
            *_requireds(pa.string(), "kind namespace name workload"),
            _required("verdict", pa.string()),  # EMIT, EMIT_REVIEW or ABSTAIN
            _required("hosts", pa.list_(pa.string())),
            _required("warnings", pa.list_(pa.string())),
            _required("reasons", pa.string()),  # a JSON array
            _required("coverage", pa.string()),  # a JSON object
            pa.field("manifest", pa.string()),  # YAML; null where the verdict is ABSTAIN
            *_nullables(TIMESTAMP, "window_start window_end"),
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
            *_requireds(pa.string(), "run_id source format"),
            *_requireds(pa.int64(), "position size"),
            _required("head_hash", pa.string()),
            _required("head_length", pa.int64()),
            _required("tail_hash", pa.string()),
            _required("tail_length", pa.int64()),
            pa.field("modified_at", TIMESTAMP),
            *_requireds(pa.int64(), "read accepted rejected"),
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
            *_requireds(TIMESTAMP, "started_at finished_at"),
            *_requireds(pa.int64(), "read accepted rejected bytes"),
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
