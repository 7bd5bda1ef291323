"""The kinds of object that the model knows, and the key under which each is kept."""

from __future__ import annotations

from typing import Final, TypeAlias

#: A kind's name, unique in the model: the plain kind, but `KubernetesGateway` for the Gateway API's Gateway.
KindKey: TypeAlias = str

NETWORKING: Final = "networking.istio.io"
SECURITY: Final = "security.istio.io"
TELEMETRY: Final = "telemetry.istio.io"
EXTENSIONS: Final = "extensions.istio.io"
GATEWAY_API: Final = "gateway.networking.k8s.io"

#: Groups of Istio's own API.
ISTIO_GROUPS: Final = frozenset({NETWORKING, SECURITY, TELEMETRY, EXTENSIONS})

#: API group -> its kinds that the model keeps. Other kinds are kept under their own name.
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "": ("ConfigMap", "Endpoints", "Namespace", "Node", "Pod", "Secret", "Service", "ServiceAccount"),
    "apps": ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
    "batch": ("CronJob", "Job"),
    "discovery.k8s.io": ("EndpointSlice",),
    "networking.k8s.io": ("Ingress", "NetworkPolicy"),
    "admissionregistration.k8s.io": ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
    NETWORKING: (
        "DestinationRule",
        "EnvoyFilter",
        "Gateway",
        "ProxyConfig",
        "ServiceEntry",
        "Sidecar",
        "VirtualService",
        "WorkloadEntry",
        "WorkloadGroup",
    ),
    SECURITY: ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"),
    TELEMETRY: ("Telemetry",),
    EXTENSIONS: ("TrafficExtension", "WasmPlugin"),
    GATEWAY_API: (
        "BackendTLSPolicy",
        "GatewayClass",
        "GRPCRoute",
        "HTTPRoute",
        "ReferenceGrant",
        "TCPRoute",
        "TLSRoute",
    ),
}

#: Kinds without a namespace.
CLUSTER_SCOPED: Final = frozenset(
    {
        "CustomResourceDefinition",
        "GatewayClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "ValidatingWebhookConfiguration",
    }
)


def key_of(api_version: str, kind: str) -> KindKey:
    """The key of an object of this apiVersion and kind."""
    if kind == "Gateway" and api_version.startswith(f"{GATEWAY_API}/"):
        return "KubernetesGateway"
    # Istio's Gateway is `Gateway`; Knative and others have kinds of the same names as well.
    if kind == "Service" and "/" in api_version:
        return f"{api_version.rpartition('/')[0]}/{kind}"
    return kind
