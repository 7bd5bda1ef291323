"""Clusters by Istio's names: `outbound|PORT|SUBSET|HOST`, `inbound|PORT||`, PassthroughCluster, BlackHoleCluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.proxy.logs import COLLECTOR_CLUSTER, COLLECTOR_PORT
from tests.lab.proxy.tls import MUTUAL_TLS_ENDPOINT, upstream_sockets

if TYPE_CHECKING:
    from tests.lab.model import DestinationPolicy, JsonObject, Mesh, Pod, Service
    from tests.lab.placement import Placement
    from tests.lab.proxy.files import LabFiles

# The address Istio's sidecars call their application from.
INBOUND_SOURCE = "127.0.0.6"
CONTROL_CLUSTER = "lab-control"
CONTROL_PORT = 15010
UNLIMITED = 4294967295
LOCALITY: JsonObject = {"region": "lab-region", "zone": "lab-zone-a"}
_HTTP_OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def outbound_name(port: int, host: str, subset: str = "") -> str:
    """Istio's name of an outbound cluster."""
    return f"outbound|{port}|{subset}|{host}"


def clusters(pod: Pod, mesh: Mesh, placement: Placement, files: LabFiles) -> list[JsonObject]:
    """Every cluster of one pod's proxy."""
    found = [_collector(placement), _black_hole(pod)]
    scope = mesh.policies.scope(pod.workload.app)
    for service in mesh.services:
        if scope is not None and service.name not in scope:
            continue
        policy = mesh.destination(service)
        found.extend(_outbound(pod, service, subset, policy, placement, files) for subset in ("", *policy.subsets))
    found.extend(
        _cluster(
            outbound_name(external.port, external.host),
            [_endpoint(placement.external_ip(external), external.port)],
            source=pod.pod_ip,
            metadata=_service_metadata(external.host, "shop", external.host, external.port),
        )
        for external in mesh.externals
        if external.registered
    )
    if not pod.workload.gateway:
        found += [_passthrough(pod), _inbound(pod, mesh.service(pod.workload.app))]
    return found


def _outbound(
    pod: Pod, service: Service, subset: str, policy: DestinationPolicy, placement: Placement, files: LabFiles
) -> JsonObject:
    behind = placement.behind(service.name, subset or None)
    endpoints = [
        _endpoint(callee.pod_ip, callee.port, MUTUAL_TLS_ENDPOINT if callee.workload.sidecar else None)
        for callee in behind
    ]
    limits = {"max_connections": policy.max_connections, "max_pending_requests": policy.max_pending_requests}
    cluster = _cluster(
        outbound_name(service.port, service.host, subset),
        endpoints,
        source=pod.pod_ip,
        metadata=_service_metadata(service.name, service.namespace, service.host, service.port),
        limits={name: limit for name, limit in limits.items() if limit is not None},
        is_http2=service.protocol == "grpc",
    )
    callees = {callee.workload for callee in behind}
    sockets = upstream_sockets(pod, service, subset, callees, policy, files)
    return {**cluster, "lb_policy": "LEAST_REQUEST", **sockets}


def _inbound(pod: Pod, service: Service) -> JsonObject:
    return _cluster(
        f"inbound|{pod.port}||",
        [_endpoint(pod.app_ip, pod.port)],
        source=INBOUND_SOURCE,
        metadata=_service_metadata(service.name, service.namespace, service.host, service.port),
        is_http2=service.protocol == "grpc",
    )


def _passthrough(pod: Pod) -> JsonObject:
    name = "PassthroughCluster"
    cluster = dict(_cluster(name, [], source=pod.pod_ip, metadata={"lab": {"name": name}}))
    del cluster["load_assignment"]
    # Nothing redirects the lab's connections, so the application says where it wanted to go.
    return {
        **cluster,
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "original_dst_lb_config": {"use_http_header": True},
    }


def _black_hole(pod: Pod) -> JsonObject:
    return _cluster("BlackHoleCluster", [], source=pod.pod_ip)


def _collector(placement: Placement) -> JsonObject:
    return _cluster(COLLECTOR_CLUSTER, [_endpoint(placement.block.control, COLLECTOR_PORT)], source=None)


def control(placement: Placement) -> JsonObject:
    """Where a proxy asks for its configuration."""
    return _cluster(CONTROL_CLUSTER, [_endpoint(placement.block.control, CONTROL_PORT)], source=None)


def _cluster(
    name: str,
    endpoints: list[JsonObject],
    *,
    source: str | None,
    metadata: JsonObject | None = None,
    limits: dict[str, int] | None = None,
    is_http2: bool = False,
) -> JsonObject:
    defaults = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), UNLIMITED)
    thresholds: JsonObject = {**defaults, **(limits or {}), "track_remaining": True}
    protocol = "http2_protocol_options" if is_http2 else "http_protocol_options"
    options: JsonObject = {"@type": _HTTP_OPTIONS, "explicit_http_config": {protocol: {}}}
    cluster: dict[str, JsonObject | str] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        # The `;` keeps dots of a host apart from the dots of a statistic's name, as in Istio.
        "alt_stat_name": f"{name};",
        "circuit_breakers": {"thresholds": [thresholds]},
        "common_lb_config": {"healthy_panic_threshold": {}},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"locality": LOCALITY, "lb_endpoints": endpoints}] if endpoints else [],
        },
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }
    if source is not None:
        cluster["upstream_bind_config"] = {"source_address": {"address": source, "port_value": 0}}
    if metadata is not None:
        cluster["metadata"] = {"filter_metadata": metadata}
    return cluster


def _endpoint(address: str, port: int, metadata: JsonObject | None = None) -> JsonObject:
    endpoint: JsonObject = {
        "endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}},
        "load_balancing_weight": 1,
    }
    return endpoint if metadata is None else {**endpoint, "metadata": metadata}


def _service_metadata(name: str, namespace: str, host: str, port: int) -> JsonObject:
    service: JsonObject = {"name": name, "namespace": namespace, "host": host}
    return {"istio": {"default_original_port": port, "services": [service]}, "lab": service}
