"""Values that describe a lab mesh: what runs, who calls whom, how traffic is routed and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.lab.policies import Policies

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]
Protocol = Literal["http", "grpc", "tcp"]

TRUST_DOMAIN = "cluster.local"
CLUSTER_DOMAIN = f"svc.{TRUST_DOMAIN}"


@dataclass(frozen=True, slots=True)
class Service:
    """A Kubernetes Service. Pods are selected by the label `app`, equal to the name."""

    name: str
    namespace: str
    port: int
    protocol: Protocol = "http"

    @property
    def host(self) -> str:
        """The fully qualified host, as clusters and truth name it."""
        return f"{self.name}.{self.namespace}.{CLUSTER_DOMAIN}"


@dataclass(frozen=True, slots=True)
class External:
    """A host outside the mesh; registered by a ServiceEntry or reached through PassthroughCluster."""

    host: str
    port: int
    registered: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One request an application makes while it serves another. `{id}` in the path becomes a number."""

    to: str
    path: str = "/"
    method: str = "GET"
    probability: float = 1.0
    required: bool = False
    body_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an application does for paths that start with `prefix`."""

    prefix: str
    calls: tuple[Call, ...] = ()
    body_bytes: int = 160


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an application answers; every field can change while it runs. A gRPC application's errors have a status."""

    latency_ms: float = 5.0
    jitter_ms: float = 2.0
    error_rate: float = 0.0
    error_status: int = 503
    grpc_status: int = 13
    reset_rate: float = 0.0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment; `app` names the Service it stands behind."""

    name: str
    app: str
    namespace: str
    version: str = "v1"
    replicas: int = 1
    sidecar: bool = True
    gateway: bool = False
    behaviour: Behaviour = field(default_factory=Behaviour)
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def service_account(self) -> str:
        """The account, also the last part of the SPIFFE identity."""
        return f"{self.app}-sa"

    @property
    def identity(self) -> str:
        """The SPIFFE URI in the workload's certificate."""
        return f"spiffe://{TRUST_DOMAIN}/ns/{self.namespace}/sa/{self.service_account}"


@dataclass(frozen=True, slots=True)
class Pod:
    """One running instance of a workload and the loopback addresses that stand for it."""

    name: str
    workload: Workload
    pod_ip: str
    app_ip: str
    outbound_ip: str
    port: int
    protocol: Protocol

    @property
    def node_id(self) -> str:
        """Envoy's node id as Istio writes it."""
        kind = "router" if self.workload.gateway else "sidecar"
        namespace = self.workload.namespace
        return f"{kind}~{self.pod_ip}~{self.name}.{namespace}~{namespace}.{CLUSTER_DOMAIN}"


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """One VirtualService for one mesh host, applied to sidecars only (as without `gateways` in Istio)."""

    service: str
    timeout_ms: int | None = None
    retry_attempts: int | None = None
    retry_on: str = "5xx,reset,connect-failure"
    weights: tuple[tuple[str, int], ...] = ()
    dangling: tuple[str, str] | None = None
    """(path prefix, host that does not exist)"""
    prefix: str = "/"
    """Other paths have no route."""
    abort_status: int | None = None
    delay_ms: int | None = None
    fault_percent: int = 100


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """One DestinationRule: subsets by version label, connection pool limits, and the client's TLS."""

    service: str
    subsets: tuple[str, ...] = ()
    max_connections: int | None = None
    max_pending_requests: int | None = None
    tls_mode: Literal["ISTIO_MUTUAL", "DISABLE"] | None = None
    """Null: by what the endpoint has, as Istio does by itself"""
    subject_alt_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """A kind of request from outside; `weight` is how often it comes in a deck of all weights."""

    weight: int
    path: str
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """Bytes sent to the gateway again and again; the connection is closed after `patience_s`, whatever came."""

    content: bytes
    patience_s: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a diagnosis has to say of a fault: any of `causes`, on `edges` (caller, full host), at `object`."""

    causes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    object: str | None = None
    seen_in: str = "logs"


@dataclass(frozen=True, slots=True)
class Fault:
    """Another behaviour of a workload's pods, or another configuration, `start_s` seconds into the load."""

    name: str
    target: str
    behaviour: Behaviour | None = None
    expect: str = ""
    start_s: float = 0.0
    seconds: float = 10.0
    settings_change: tuple[str, str, str] | None = None
    """(key, old, new) of the workload's settings ConfigMap that carries the change, if one does"""
    change: Callable[[Mesh], Mesh] | None = None
    """What becomes of the configuration meanwhile"""
    raw: RawRequest | None = None
    expected: Expectation | None = None


@dataclass(frozen=True, slots=True)
class Mesh:
    """Everything that is configured; addresses come when pods are placed."""

    name: str
    host: str
    services: tuple[Service, ...]
    workloads: tuple[Workload, ...]
    externals: tuple[External, ...]
    routes: tuple[RoutePolicy, ...]
    destinations: tuple[DestinationPolicy, ...]
    load: tuple[LoadRequest, ...]
    policies: Policies = field(default_factory=Policies)

    def service(self, name: str) -> Service:
        """The service of that short name. Raises KeyError where there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def external(self, host: str) -> External | None:
        """The external host, or None for a mesh service."""
        return next((each for each in self.externals if each.host == host), None)

    def route(self, service: Service) -> RoutePolicy:
        """The route policy of a service; an empty one where nothing is configured."""
        return next((p for p in self.routes if p.service == service.name), RoutePolicy(service.name))

    def destination(self, service: Service) -> DestinationPolicy:
        """The destination policy of a service; an empty one where nothing is configured."""
        return next((p for p in self.destinations if p.service == service.name), DestinationPolicy(service.name))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A mesh, its load and its faults on a time line of seconds since the load began."""

    name: str
    mesh: Mesh
    seconds: float
    requests_per_second: float
    faults: tuple[Fault, ...] = ()
    seed: int = 20261122
    scrape_seconds: int = 5
    query_step_seconds: int = 5
    extra_user_agents: tuple[bytes, ...] = ()
    """E.g. bytes that are not UTF-8, which make Envoy export spans that strict protobuf readers refuse"""

    @property
    def is_dynamic(self) -> bool:
        """Whether the configuration changes while it runs, so that proxies have to ask for it."""
        return any(fault.change is not None for fault in self.faults)
