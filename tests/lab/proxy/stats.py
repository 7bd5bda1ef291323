"""Istio's metrics out of Envoy's own `envoy.access_loggers.stats`.

Istio's `istio.stats` filter is not in this binary. Peers tell each other who they are by headers that the routes add
and the applications do not forward; Prometheus strips the prefix and turns empty labels into `unknown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.lab.model import JsonObject, Pod, Service

Reporter = Literal["source", "destination"]
STAT_PREFIX = "labmesh"
PEER_FIELDS = ("workload", "namespace", "app", "version")
_STATS = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config"


def peer_headers(pod: Pod, role: Literal["src", "dst"]) -> list[JsonObject]:
    """Headers that tell the peer who this pod is."""
    workload = pod.workload
    values = (workload.name, workload.namespace, workload.app, workload.version)
    return [
        {
            "header": {"key": f"x-lab-{role}-{field}", "value": value},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
        for field, value in zip(PEER_FIELDS, values, strict=True)
    ]


def http_stats(pod: Pod, reporter: Reporter, service: Service | None) -> JsonObject:
    """The access logger for `istio_requests_total` and `istio_request_duration_milliseconds`."""
    tags = [
        *_tags(pod, reporter, service, http=True),
        _tag("request_protocol", "http"),
        _tag("response_code", "%RESPONSE_CODE%"),
        _tag("grpc_response_status", "%GRPC_STATUS_NUMBER%"),
    ]
    return _logger(
        counters=[{"stat": {"name": "istio_requests_total", "tags": tags}, "value_fixed": "1"}],
        histograms=[
            {
                "stat": {"name": "istio_request_duration_milliseconds", "tags": tags},
                "unit": "Milliseconds",
                "value_format": "%DURATION%",
            }
        ],
    )


def tcp_stats(pod: Pod, reporter: Reporter, service: Service | None) -> JsonObject:
    """The access logger for the `istio_tcp_*` counters; TCP has no headers, so its peers stay unknown."""
    tags = [*_tags(pod, reporter, service, http=False), _tag("request_protocol", "tcp")]
    values: dict[str, JsonObject] = {
        "istio_tcp_connections_closed_total": {"value_fixed": "1"},
        "istio_tcp_sent_bytes_total": {"value_format": "%BYTES_SENT%"},
        "istio_tcp_received_bytes_total": {"value_format": "%BYTES_RECEIVED%"},
    }
    return _logger([{"stat": {"name": name, "tags": tags}, **value} for name, value in values.items()], [])


def _logger(counters: list[JsonObject], histograms: list[JsonObject]) -> JsonObject:
    config: JsonObject = {
        "@type": _STATS,
        "stat_prefix": STAT_PREFIX,
        "counters": counters,
        "histograms": histograms,
    }
    return {"name": "envoy.access_loggers.stats", "typed_config": config}


def _tags(pod: Pod, reporter: Reporter, service: Service | None, *, http: bool) -> list[JsonObject]:
    workload = pod.workload
    own = (workload.name, workload.namespace, workload.app, workload.version)
    inbound = reporter == "destination"
    operator, role = ("REQ", "src") if inbound else ("RESP", "dst")
    peer = tuple(f"%{operator}(x-lab-{role}-{field})%" if http else "unknown" for field in PEER_FIELDS)
    principals = ("DOWNSTREAM_PEER", "DOWNSTREAM_LOCAL") if inbound else ("UPSTREAM_LOCAL", "UPSTREAM_PEER")
    return [
        _tag("reporter", reporter),
        *_workload_tags("destination" if inbound else "source", own),
        *_workload_tags("source" if inbound else "destination", peer),
        _tag("destination_service", service.host if service else "%CLUSTER_METADATA(lab:host)%"),
        _tag("destination_service_name", service.name if service else "%CLUSTER_METADATA(lab:name)%"),
        _tag("destination_service_namespace", service.namespace if service else "%CLUSTER_METADATA(lab:namespace)%"),
        _tag("source_principal", f"%{principals[0]}_URI_SAN%"),
        _tag("destination_principal", f"%{principals[1]}_URI_SAN%"),
        # As in Istio, only the callee's side knows for sure.
        _tag("connection_security_policy", "mutual_tls" if inbound else "unknown"),
        _tag("response_flags", "%RESPONSE_FLAGS%"),
    ]


def _workload_tags(side: str, values: tuple[str, ...]) -> list[JsonObject]:
    name, namespace, app, version = values
    return [
        _tag(f"{side}_workload", name),
        _tag(f"{side}_workload_namespace", namespace),
        _tag(f"{side}_app", app),
        _tag(f"{side}_version", version),
        _tag(f"{side}_canonical_service", app),
        _tag(f"{side}_canonical_revision", version),
        _tag(f"{side}_cluster", "Kubernetes"),
    ]


def _tag(name: str, value: str) -> JsonObject:
    return {"name": name, "value_format": value}
