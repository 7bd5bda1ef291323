"""Rows of the lake's tables with sensible defaults, for tests that fill a lake by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.schemas import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the lake table `name`; columns left out are null."""

    name: str
    values: Mapping[str, object]

    @staticmethod
    def table(rows: Iterable[Row]) -> pa.Table:
        """The rows, all of one table, as Arrow with the table's schema."""
        rows = list(rows)
        (name,) = {row.name for row in rows}
        return pa.Table.from_pylist([dict(row.values) for row in rows], schema=BY_NAME[name].schema)


def access_log(source: str, offset: int, *, at: datetime | None = None, **columns: object) -> Row:
    """An access-log line, by default an HTTP GET that took 5 ms and gave 200."""
    start_time = at or START + timedelta(milliseconds=offset)
    defaults: dict[str, object] = {
        "source": source,
        "source_offset": offset,
        "format": "istio_text",
        "start_time": start_time,
        "date": start_time.date(),
        "method": "GET",
        "path": "/",
        "protocol": "HTTP/1.1",
        "response_code": 200,
        "duration_ms": 5,
        "bytes_received": 0,
        "bytes_sent": 0,
    }
    return Row("access_logs", defaults | columns)


def span(trace_id: str, pod_name: str, namespace: str, cluster: str, **columns: object) -> Row:
    """The span that a sidecar makes of an outbound request."""
    defaults: dict[str, object] = {
        "source": "traces",
        "source_offset": 0,
        "format": "otlp_traces",
        "trace_id": trace_id,
        "span_id": trace_id[-16:],
        "name": "egress",
        "kind": "CLIENT",
        "start_time": START,
        "end_time": START + timedelta(milliseconds=5),
        "duration_ms": 5.0,
        "node_id": f"sidecar~10.0.0.1~{pod_name}.{namespace}~{namespace}.svc.cluster.local",
        "istio_namespace": namespace,
        "upstream_cluster": cluster,
        "response_code": 200,
        "date": START.date(),
    }
    return Row("spans", defaults | columns)


def sample(metric: str, labels: Mapping[str, str], second: int, value: float) -> Row:
    """A metric sample `second` seconds after the start."""
    return Row(
        "metric_samples",
        {
            "source": "prometheus",
            "source_offset": 0,
            "format": "prometheus_range",
            "metric": metric,
            "labels": list(labels.items()),
            "time": START + timedelta(seconds=second),
            "value": value,
            "date": START.date(),
        },
    )


def mesh_object(
    api_version: str, kind: str, namespace: str, name: str, body: Mapping[str, object], **columns: object
) -> Row:
    """A configuration object seen at the start; `body` is its JSON without apiVersion, kind and metadata."""
    labels = columns.pop("labels", {})
    document = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        **body,
    }
    defaults: dict[str, object] = {
        "source": "objects",
        "source_offset": 0,
        "api_version": api_version,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "observed_at": START,
        "observed_at_exact": True,
        "event": "SNAPSHOT",
        "labels": list(labels.items()) if isinstance(labels, dict) else labels,
        "object_json": json.dumps(document),
    }
    return Row("mesh_objects", defaults | columns)


def pod(namespace: str, name: str, app: str, address: str) -> Row:
    """A pod with a sidecar, owned by a StatefulSet named like its app."""
    return mesh_object(
        "v1",
        "Pod",
        namespace,
        name,
        {
            "spec": {"containers": [{"name": "app"}, {"name": "istio-proxy"}]},
            "status": {"podIP": address, "podIPs": [{"ip": address}]},
        },
        labels={"app": app},
        annotations=[("sidecar.istio.io/status", "{}")],
        owner_kind="StatefulSet",
        owner_name=app,
    )


def service(namespace: str, name: str, port: int) -> Row:
    """A Service that selects the pods of the app of its name."""
    body = {"spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": port}]}}
    return mesh_object("v1", "Service", namespace, name, body)
