"""Mutual TLS from files: the pod's own SPIFFE certificate on both sides, and SNI as Istio writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.model import DestinationPolicy, JsonObject, Pod, Service, Workload
    from tests.lab.proxy.files import LabFiles

_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_RAW = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
MUTUAL_TLS_ENDPOINT: JsonObject = {"filter_metadata": {"envoy.transport_socket_match": {"tlsMode": "istio"}}}


def server_name(service: Service, subset: str) -> str:
    """The SNI of a cluster: `outbound_.PORT_.SUBSET_.HOST`; without a subset `outbound_.PORT_._.HOST`."""
    return f"outbound_.{service.port}_.{subset}_.{service.host}"


def upstream_sockets(
    pod: Pod, service: Service, subset: str, callees: set[Workload], policy: DestinationPolicy, files: LabFiles
) -> JsonObject:
    """Transport sockets by endpoint: TLS where the endpoint has a sidecar, plain text where it has none.

    A policy with a TLS mode has the last word for every endpoint.
    """
    common = _common(pod.workload, files, ["istio", "h2" if service.protocol == "grpc" else "http/1.1"])
    names = policy.subject_alt_names or tuple(sorted({callee.identity for callee in callees}))
    context: JsonObject = {
        "@type": f"{_TLS}.UpstreamTlsContext",
        "common_tls_context": {
            **common,
            "validation_context": {
                **_trust(files),
                "match_typed_subject_alt_names": [
                    {"san_type": "URI", "matcher": {"exact": identity}} for identity in names
                ],
            },
        },
        "sni": server_name(service, subset),
    }
    encrypted: JsonObject = {"name": "envoy.transport_sockets.tls", "typed_config": context}
    plain: JsonObject = {"name": "envoy.transport_sockets.raw_buffer", "typed_config": {"@type": _RAW}}
    if policy.tls_mode is not None:
        return {"transport_socket": plain if policy.tls_mode == "DISABLE" else encrypted}
    return {
        "transport_socket_matches": [
            {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": encrypted},
            {"name": "tlsMode-disabled", "match": {}, "transport_socket": plain},
        ]
    }


def downstream_socket(pod: Pod, files: LabFiles) -> JsonObject:
    """The inbound side: a client certificate of this mesh is required."""
    context: JsonObject = {
        "@type": f"{_TLS}.DownstreamTlsContext",
        "common_tls_context": {
            **_common(pod.workload, files, ["h2", "http/1.1"]),
            "validation_context": _trust(files),
        },
        "require_client_certificate": True,
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _trust(files: LabFiles) -> JsonObject:
    return {"trusted_ca": {"filename": str(files.authority_certificate)}}


def _common(workload: Workload, files: LabFiles, protocols: list[str]) -> JsonObject:
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificates": [
            {
                "certificate_chain": {"filename": str(files.certificate(workload))},
                "private_key": {"filename": str(files.private_key(workload))},
            }
        ],
        "alpn_protocols": protocols,
    }
