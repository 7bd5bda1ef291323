"""Access logs in Istio's default text format and as JSON, and OTLP tracing with Istio's span tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.model import TRUST_DOMAIN, JsonObject, Pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.proxy.files import LabFiles

COLLECTOR_PORT = 4318
COLLECTOR_HOST = "otel-collector.observability.svc.cluster.local"
COLLECTOR_CLUSTER = f"outbound|{COLLECTOR_PORT}||{COLLECTOR_HOST}"

# Istio's default since 1.9 (pkg EnvoyTextLogFormat); the only difference to Envoy's own is what follows RESPONSE_FLAGS.
TEXT_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" '
    "%UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
JSON_FORMAT = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "route_name": "%ROUTE_NAME%",
}
_FILE = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
_OPENTELEMETRY = "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig"


def access_logs(pod: Pod, files: LabFiles, stats: JsonObject) -> list[JsonObject]:
    """Both file logs and the metrics, for one connection manager or TCP proxy."""
    return [*file_logs(pod, files), stats]


def file_logs(pod: Pod, files: LabFiles) -> list[JsonObject]:
    """Both file logs."""
    return [
        _file_log(files.text_log(pod), {"text_format_source": {"inline_string": TEXT_FORMAT}}),
        _file_log(files.json_log(pod), {"json_format": JSON_FORMAT}),
    ]


def _file_log(path: Path, log_format: JsonObject) -> JsonObject:
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {"@type": _FILE, "path": str(path), "log_format": log_format},
    }


def tracing(pod: Pod) -> JsonObject:
    """Every request traced, exported as OTLP over HTTP; gateways make a span per attempt too, as Istio's do."""
    workload = pod.workload
    tags = {
        "istio.canonical_revision": workload.version,
        "istio.canonical_service": workload.app,
        "istio.cluster_id": "Kubernetes",
        "istio.mesh_id": TRUST_DOMAIN,
        "istio.namespace": workload.namespace,
    }
    always: JsonObject = {"value": 100}
    config: JsonObject = {
        "@type": _OPENTELEMETRY,
        "http_service": {
            "http_uri": {
                "uri": f"http://{COLLECTOR_HOST}:{COLLECTOR_PORT}/v1/traces",
                "cluster": COLLECTOR_CLUSTER,
                "timeout": "5s",
            }
        },
        "service_name": f"{workload.app}.{workload.namespace}",
    }
    return {
        "client_sampling": always,
        "random_sampling": always,
        "overall_sampling": always,
        "custom_tags": [{"tag": tag, "literal": {"value": value}} for tag, value in tags.items()],
        "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": config},
        "spawn_upstream_span": workload.gateway,
    }
