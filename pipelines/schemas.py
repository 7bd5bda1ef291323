"""The one place where the lake's tables and columns are named.

Every table is an Arrow schema plus the columns it is partitioned by. `VERSION` is the schema version written into
each Delta table's configuration; a change of columns raises it and adds a migration (`pipelines/lake/migrations.py`).

Conventions: times are UTC with microseconds; durations are milliseconds and say so; a value that Envoy prints as `-`
is null; field names are those of Envoy's access log operators, lower case. Columns are written `kind: names`, and a
kind with `!` may not be null.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from pipelines.columns import Table, columns_of, table

VERSION = 2

# Where a record came from: the file as the user named it and the record's byte offset in the decompressed stream.
_ORIGIN: Final = ("text!: source", "int64!: source_offset")

#: What one access-log line says, in Envoy's words. Parsers produce exactly these columns.
#: `reporter_namespace` and `reporter_pod` say who wrote it, where the record itself does (the path may, too; the rest
#: is resolved when read). `application_protocol` is what the bytes were (grpc, http, websocket, dubbo, spring_cloud,
#: mongodb, redis, kafka, mysql, tls, tcp) where the record shows it. `attributes` keeps every value that has no column,
#: under the operator or key that produced it.
ACCESS_LOG_FIELDS = pa.schema(
    columns_of(
        "time!: start_time",
        "text: method path protocol",
        "int32: response_code",
        "text: response_flags response_code_details connection_termination_details upstream_transport_failure_reason",
        "int64: bytes_received bytes_sent duration_ms upstream_service_time_ms",
        "text: x_forwarded_for user_agent request_id authority upstream_host upstream_cluster upstream_local_address",
        "text: downstream_local_address downstream_remote_address requested_server_name route_name",
        "text: application_protocol rpc_service rpc_method trace_id span_id downstream_transport_failure_reason",
        "text: downstream_peer_uri_san upstream_peer_uri_san",
        "int32: grpc_status upstream_request_attempt_count",
        "int64: connection_id",
        "text: reporter_namespace reporter_pod",
        "labels: attributes",
    )
)

ACCESS_LOGS = table("access_logs", *_ORIGIN, "text!: format", ACCESS_LOG_FIELDS, "text: cluster", "date!: date")

#: Access-log lines that another source holds, too, and which line counts in their stead. `edges_1m` has rows of
#: negative counts that take them out again.
DUPLICATES = table(
    "duplicates",
    *_ORIGIN,
    "text!: kept_source",
    "int64!: kept_source_offset",
    "time!: start_time",
    "text!: run_id",
    "date!: date",
)

#: What one span says. `attributes` and `resource_attributes` keep everything; the columns are those that joins need.
SPAN_FIELDS = pa.schema(
    columns_of(
        "text!: trace_id span_id",
        "text: parent_span_id",
        "text!: name kind",
        "time!: start_time end_time",
        "float64: duration_ms",
        "text: status_code status_message service_name node_id istio_canonical_service istio_canonical_revision",
        "text: istio_namespace upstream_cluster peer_address request_id method url protocol",
        "int32: response_code",
        "text: response_flags",
        "labels: attributes resource_attributes",
    )
)

SPANS = table("spans", *_ORIGIN, "text!: format", SPAN_FIELDS, "text: cluster", "date!: date")

#: One sample of one series. `labels` has every label but the metric's name; `metric_type` is counter, gauge, histogram,
#: summary, ... where the input says. `histogram` holds a native or exponential histogram, whose `value` is its count.
METRIC_SAMPLE_FIELDS = pa.schema(
    columns_of(
        "text!: metric",
        "labels: labels",
        "time!: time",
        "float64!: value",
        "text: metric_type",
        "histogram: histogram",
        "exemplars: exemplars",
    )
)

METRIC_SAMPLES = table(
    "metric_samples", *_ORIGIN, "text!: format", METRIC_SAMPLE_FIELDS, "text: cluster", "date!: date"
)

#: One version of one object. `event` is SNAPSHOT (a dump), ADDED, MODIFIED or DELETED (a watch).
#: `observed_at` is null where the record does not say when; the job then fills in the file's time and clears
#: `observed_at_exact`. Secrets never carry key bytes: `object_json` is redacted by the parser.
MESH_OBJECT_FIELDS = pa.schema(
    columns_of(
        "text!: api_version kind",
        "text: namespace",
        "text!: name",
        "text: uid resource_version",
        "int64: generation",
        "time: created_at observed_at",
        "bool!: observed_at_exact",
        "text!: event",
        "labels: labels annotations",
        "text: owner_kind owner_name",
        "text!: object_json",
        "text: cluster",
    )
)

MESH_OBJECTS = table("mesh_objects", *_ORIGIN, MESH_OBJECT_FIELDS)

#: One thing a proxy told of itself. `section` is bootstrap, listener, cluster, route, endpoint, secret, ecds,
#: server_info or upstream_endpoint (a host of /clusters); `state` is static, active, warming, draining or error;
#: `size_bytes` is what the thing takes in the dump. Key bytes are redacted by the parser.
PROXY_STATE_FIELDS = pa.schema(
    columns_of(
        "text!: section",
        "text: name state version_info",
        "time: last_updated observed_at",
        "int64!: size_bytes",
        "text!: state_json",
        "text: reporter_namespace reporter_pod",
    )
)

PROXY_STATE = table("proxy_state", *_ORIGIN, "text!: format", PROXY_STATE_FIELDS, "text: cluster")

#: One record that could not be read. `raw` is the record's bytes (at most `REJECT_RAW_LIMIT` of them).
REJECT_FIELDS = pa.schema(columns_of("int64!: source_offset", "text!: reason", "binary!: raw", "int64!: raw_length"))
REJECT_RAW_LIMIT = 65_536

REJECTS = table("rejects", "text!: source format", REJECT_FIELDS, "text!: run_id")

#: Access logs a minute at a time, one row per proxy and peer. Keys are what the lines say; workloads are resolved
#: when read, so that an inventory that arrives later still names them. `reporter` is source (the caller's proxy),
#: destination or unknown; `protocol` http or tcp; `code_class` 1xx to 5xx, 0 (no response) or none (TCP). `authority`
#: is kept only where the cluster does not name the destination. `latency_bucket`/`latency_count` are a log histogram
#: (`pipelines/histogram.py`).
EDGES_1M_KEYS = pa.schema(
    columns_of(
        "time!: minute",
        "text!: source",
        "text: reporter_namespace reporter_pod",
        "text!: reporter",
        "text: upstream_cluster authority requested_server_name peer_address",
        "text!: protocol code_class",
        "text: response_flags",
    )
)
EDGES_1M_VALUES = pa.schema(
    columns_of(
        "int64!: calls bytes_received bytes_sent duration_ms_sum", "int32s!: latency_bucket", "int64s!: latency_count"
    )
)
EDGES_1M = table("edges_1m", EDGES_1M_KEYS, EDGES_1M_VALUES, "date!: date")

#: `evidence` is a JSON object.
FINDINGS = table(
    "findings",
    "text!: run_id",
    "time!: produced_at",
    "text!: analyzer code severity subject message",
    "text: cause side object path",
    "edges: edges",
    "text!: evidence",
    "text: next_step",
    "time: first_seen last_seen",
    "text!: fingerprint",
    "text: suppressed_by",
)

#: `kind` is error_rate or latency.
ALERTS = table(
    "alerts",
    "text!: run_id",
    "time!: produced_at",
    "text!: code kind severity caller callee message",
    "time!: window_start window_end",
    "float64!: observed observed_lower observed_upper expected expected_upper",
    "int64!: samples baseline_samples",
    "text!: evidence fingerprint",
)

#: `verdict` is EMIT, EMIT_REVIEW or ABSTAIN; `reasons` a JSON array, `coverage` a JSON object, `manifest` YAML (null
#: where the verdict is ABSTAIN).
RECOMMENDATIONS = table(
    "recommendations",
    "text!: run_id",
    "time!: produced_at",
    "text!: kind namespace name workload verdict",
    "texts!: hosts warnings",
    "text!: reasons coverage",
    "text: manifest",
    "time: window_start window_end",
    "text!: fingerprint",
)

#: What a folder of manifests held after an export: every file of ours, so that any earlier state can be written again
#: byte for byte. `kind` is export or rollback; `change` is added, changed, unchanged or removed against the revision
#: before it (a removed file has no content).
REVISIONS = table(
    "revisions",
    "text!: run_id",
    "int64!: revision",
    "time!: produced_at",
    "text!: kind actor folder path change",
    "text: content",
)

#: How far each input was read. Of one source and head the row with the highest `position` wins. Hashes are of the bytes
#: just before `position` and of the head, so that a grown, moved or replaced file is told apart by its content.
#: `other_lines` counts lines that are no records of the format at all (a proxy's own log, an application's).
SOURCES = table(
    "sources",
    "text!: run_id source format",
    "int64!: position size",
    "text!: head_hash",
    "int64!: head_length",
    "text!: tail_hash",
    "int64!: tail_length",
    "time: modified_at",
    "int64!: read accepted rejected",
    "time!: recorded_at",
    "int64: other_lines",
)

#: `kind` is ingest, stream, diagnose, alerts, recommend, export, rollback or maintain; `parameters` a JSON object,
#: secrets left out.
RUNS = table(
    "runs",
    "text!: run_id kind",
    "time!: started_at finished_at",
    "int64!: read accepted rejected bytes",
    "counts!: rows table_versions",
    "text!: parameters",
    "int64: other_lines",
)

#: Every table of the lake. `runs` is last: it is committed last and names the versions readers may use.
TABLES: tuple[Table, ...] = (
    ACCESS_LOGS,
    DUPLICATES,
    SPANS,
    METRIC_SAMPLES,
    MESH_OBJECTS,
    PROXY_STATE,
    REJECTS,
    EDGES_1M,
    FINDINGS,
    ALERTS,
    RECOMMENDATIONS,
    REVISIONS,
    SOURCES,
    RUNS,
)

BY_NAME: dict[str, Table] = {known.name: known for known in TABLES}
