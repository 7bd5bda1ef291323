"""Listeners: `virtualInbound` on the pod's address, one outbound listener per port on the outbound address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.proxy.clusters import outbound_name
from tests.lab.proxy.filters import http_filters, network_filters
from tests.lab.proxy.logs import access_logs, file_logs, tracing
from tests.lab.proxy.routes import gateway_routes, inbound_routes, outbound_routes
from tests.lab.proxy.stats import http_stats, tcp_stats
from tests.lab.proxy.tls import downstream_socket

if TYPE_CHECKING:
    from tests.lab.model import JsonObject, Mesh, Pod, Service
    from tests.lab.proxy.files import LabFiles

_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_UUID = "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig"


def listeners(pod: Pod, mesh: Mesh, files: LabFiles) -> list[JsonObject]:
    """All listeners of one pod's proxy."""
    if pod.workload.gateway:
        return [_gateway(pod, mesh, files)]
    http_ports = sorted(
        {service.port for service in mesh.services if service.protocol != "tcp"}
        | {external.port for external in mesh.externals}
    )
    return [
        _inbound(pod, mesh, files),
        *(_outbound_http(pod, mesh, port, files) for port in http_ports),
        *(_outbound_tcp(pod, service, files) for service in mesh.services if service.protocol == "tcp"),
    ]


def _gateway(pod: Pod, mesh: Mesh, files: LabFiles) -> JsonObject:
    limit = mesh.policies.request_timeout
    manager = _http_manager(
        pod,
        f"outbound_0.0.0.0_{pod.port};",
        gateway_routes(pod, mesh),
        access_logs(pod, files, http_stats(pod, "source", None)),
        request_timeout="0s" if limit is None else f"{limit.milliseconds / 1000}s",
        server_name="istio-envoy",
        use_remote_address=True,
        forward_client_cert_details="SANITIZE_SET",
    )
    return _listener(f"0.0.0.0_{pod.port}", pod.pod_ip, pod.port, [{"filters": [manager]}], "OUTBOUND")


def _outbound_http(pod: Pod, mesh: Mesh, port: int, files: LabFiles) -> JsonObject:
    manager = _http_manager(
        pod,
        f"outbound_0.0.0.0_{port};",
        outbound_routes(pod, mesh, port),
        access_logs(pod, files, http_stats(pod, "source", None)),
    )
    return _listener(f"0.0.0.0_{port}", pod.outbound_ip, port, [{"filters": [manager]}], "OUTBOUND")


def _outbound_tcp(pod: Pod, service: Service, files: LabFiles) -> JsonObject:
    proxy = _tcp_proxy(
        outbound_name(service.port, service.host), access_logs(pod, files, tcp_stats(pod, "source", None))
    )
    name = f"{pod.outbound_ip}_{service.port}"
    return _listener(name, pod.outbound_ip, service.port, [{"filters": [proxy]}], "OUTBOUND")


def _inbound(pod: Pod, mesh: Mesh, files: LabFiles) -> JsonObject:
    service = mesh.service(pod.workload.app)
    if pod.protocol == "tcp":
        logs = access_logs(pod, files, tcp_stats(pod, "destination", service))
        filters = [*network_filters(mesh, pod), _tcp_proxy(f"inbound|{pod.port}||", logs)]
    else:
        manager = _http_manager(
            pod,
            f"inbound_0.0.0.0_{pod.port};",
            inbound_routes(pod, service),
            access_logs(pod, files, http_stats(pod, "destination", service)),
            server_name="istio-envoy",
            forward_client_cert_details="APPEND_FORWARD",
            set_current_client_cert_details={"subject": True, "dns": True, "uri": True},
            http_filters=http_filters(mesh, pod),
        )
        filters = [manager]
    chain: JsonObject = {
        "name": f"0.0.0.0_{pod.port}_mtls",
        "filter_chain_match": {"transport_protocol": "tls"},
        "filters": filters,
        "transport_socket": downstream_socket(pod, files),
    }
    if mesh.policies.mode(pod.workload.app) == "DISABLE":
        chain = {"name": f"0.0.0.0_{pod.port}", "filters": filters}
    inspector: JsonObject = {
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {"@type": f"{_FILTERS}.listener.tls_inspector.v3.TlsInspector"},
    }
    listener = _listener("virtualInbound", pod.pod_ip, pod.port, [chain], "INBOUND")
    # Connections that no filter chain takes: only the listener's own log tells of them.
    refused: JsonObject = {"filter": {"response_flag_filter": {"flags": ["NR"]}}}
    logs = [{**log, **refused} for log in file_logs(pod, files)]
    return {**listener, "listener_filters": [inspector], "access_log": logs}


def _listener(name: str, address: str, port: int, chains: list[JsonObject], direction: str) -> JsonObject:
    return {
        "name": name,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": chains,
        "traffic_direction": direction,
    }


def _tcp_proxy(cluster: str, logs: list[JsonObject]) -> JsonObject:
    config: JsonObject = {
        "@type": f"{_FILTERS}.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": f"{cluster};",
        "cluster": cluster,
        "access_log": logs,
    }
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}


def _http_manager(
    pod: Pod,
    stat_prefix: str,
    routes: JsonObject,
    logs: list[JsonObject],
    **more: JsonObject | list[JsonObject] | str | bool,
) -> JsonObject:
    request_ids: JsonObject = {"@type": _UUID, "use_request_id_for_trace_sampling": True}
    config: JsonObject = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": stat_prefix,
        "route_config": routes,
        "http_filters": http_filters(),
        "tracing": tracing(pod),
        "access_log": logs,
        "use_remote_address": False,
        "stream_idle_timeout": "0s",
        "normalize_path": True,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "request_id_extension": {"typed_config": request_ids},
        **more,
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}
