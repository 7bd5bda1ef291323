"""Effective mutual TLS of a client, a server and a port: what each side does, and whether they get along.

Server: PeerAuthentication of the mesh, the namespace, the workload and its ports, the narrowest that says anything,
the oldest of one level (`server_mode`). Client: DestinationRule TLS as looked up for the client, else auto-mTLS
(`client_mode`). Both: `connection`. Where a mode cannot be known the answer is `unknown`, never a guess.

Source: istio/istio `pilot/pkg/security/authn/policy_applier.go` (ComposePeerAuthentication),
`pilot/pkg/model/push_context.go` (BestEffortInferServiceMTLSMode), `pilot/pkg/networking/core/cluster_tls.go`
(buildUpstreamTLSSettings) and `pilot/pkg/xds/endpoints/mtls_checker.go`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from analyzers.mesh.objects import Json, at, mapping, strings, text
from analyzers.mesh.selectors import carries
from analyzers.mesh.services import Service, age_order, is_selected
from analyzers.mesh.visibility import Proxy, scope_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.workloads import Workload

#: What a server takes: mTLS alone, both, plain text alone.
ServerMode = Literal["STRICT", "PERMISSIVE", "DISABLE"]
#: What a client sends: plain text, one-sided TLS, its own certificates, the mesh's.
ClientMode = Literal["PLAINTEXT", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]
Verdict = Literal["mtls", "plaintext", "tls", "refused", "unknown"]

#: The label by which a pod says whether it takes the mesh's mTLS (`istio`).
TLS_MODE: Final = "security.istio.io/tlsMode"

_TUNNELLED: Final = frozenset({"ambient", "waypoint"})
_MODES: Final[dict[str, ServerMode]] = {"STRICT": "STRICT", "PERMISSIVE": "PERMISSIVE", "DISABLE": "DISABLE"}
_TLS_MODES: Final[dict[str, ClientMode]] = {
    "DISABLE": "PLAINTEXT",
    "SIMPLE": "SIMPLE",
    "MUTUAL": "MUTUAL",
    "ISTIO_MUTUAL": "ISTIO_MUTUAL",
}


@dataclass(frozen=True, slots=True)
class ServerSide:
    """What a server takes on a port, and the PeerAuthentication that says so (null: Istio's default, or no proxy)."""

    mode: ServerMode
    item: MeshObject | None = None
    path: str = ""
    has_proxy: bool = True


@dataclass(frozen=True, slots=True)
class ClientSide:
    """What a client sends, and the DestinationRule that says so. `is_automatic`: auto-mTLS chose."""

    mode: ClientMode
    item: MeshObject | None = None
    path: str = ""
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """Both sides. `refused`: connections fail; `unknown`: it depends on what the configuration does not say."""

    client: ClientSide
    server: ServerSide
    verdict: Verdict
    reason: str


class PeerAuthentications:
    """All PeerAuthentications of a cluster by level. Get it with `peer_authentications_of`."""

    def __init__(self, mesh: Mesh, cluster: str) -> None:
        self.root = mesh.settings(cluster).root_namespace
        self.by_namespace: dict[str, MeshObject] = {}
        with_selector: defaultdict[str, list[MeshObject]] = defaultdict(list)
        items = mesh.of_kind("PeerAuthentication", cluster=cluster)
        for item in sorted((item for item in items if is_selected(mesh, item.namespace, cluster)), key=age_order):
            if selector_labels(item):
                with_selector[item.namespace].append(item)
            else:
                self.by_namespace.setdefault(item.namespace, item)
        # One with a selector in the root namespace selects nothing.
        self.by_selector = {name: tuple(found) for name, found in with_selector.items() if name != self.root}

    def namespace_mode(self, namespace: str) -> ServerSide:
        """The mode of a namespace, without workloads and ports: what auto-mTLS of clients looks at."""
        found = ServerSide("PERMISSIVE")
        for name in dict.fromkeys((self.root, namespace)):
            item = self.by_namespace.get(name)
            mode = stated_mode(item.spec.get("mtls")) if item is not None else None
            if mode is not None:
                found = ServerSide(mode, item, "spec/mtls/mode")
        return found

    def workload_mode(self, namespace: str, labels: Mapping[str, str], port: int | None) -> ServerSide:
        """The mode of a workload's proxy on a port of the workload (not of the Service)."""
        found = self.namespace_mode(namespace)
        near = self.by_selector.get(namespace, ())
        item = next((item for item in near if carries(labels, selector_labels(item))), None)
        if item is None:
            return found
        mode = stated_mode(item.spec.get("mtls"))
        if mode is not None:
            found = ServerSide(mode, item, "spec/mtls/mode")
        level = mapping(item.spec.get("portLevelMtls")).get(str(port)) if port is not None else None
        mode = stated_mode(level)
        return found if mode is None else ServerSide(mode, item, f"spec/portLevelMtls/{port}/mode")


def peer_authentications_of(mesh: Mesh, cluster: str = "") -> PeerAuthentications:
    """The PeerAuthentications of a cluster, read once."""
    return mesh.cached(f"peer authentications {cluster}", lambda known: PeerAuthentications(known, cluster))


def selector_labels(item: MeshObject) -> Mapping[str, str]:
    """The labels of a security policy's selector; empty where it is for a namespace or the mesh."""
    return strings(at(item.spec, "selector", "matchLabels"))


def stated_mode(value: Json) -> ServerMode | None:
    """The mode that an `mtls` setting states; null where it leaves it to the level above (UNSET)."""
    return _MODES.get(text(mapping(value).get("mode")) or "")


def server_mode(mesh: Mesh, server: Workload, port: int | None) -> ServerSide:
    """What a server takes on a port that its containers listen at; past or without a proxy plain text alone.

    A ztunnel takes mTLS always, and plain text too unless the mode is STRICT; it knows no DISABLE.
    """
    if not server.is_in_mesh or (port is not None and port in server.uncaptured_ports):
        return ServerSide("DISABLE", has_proxy=False)
    found = peer_authentications_of(mesh, server.cluster).workload_mode(server.namespace, server.labels, port)
    if server.data_plane == "ambient" and found.mode == "DISABLE":
        return ServerSide("PERMISSIVE", found.item, found.path)
    return found


def client_mode(
    mesh: Mesh, client: Workload, service: Service, port: int, server: Workload | None = None, subset: str | None = None
) -> ClientSide:
    """What a client sends to a port of a service, and to one of its workloads where `server` names it."""
    if client.data_plane in {"none", "ambient"}:
        speaks_mtls = client.data_plane == "ambient" and server is not None and server.data_plane in _TUNNELLED
        return ClientSide("ISTIO_MUTUAL" if speaks_mtls else "PLAINTEXT", is_automatic=True)
    scope = scope_of(mesh, proxy_of(client))
    rule = scope.destination_rule(service.host, service.namespace, client.labels)
    if rule is not None:
        setting = rule.setting("tls", port, subset)
        mode = _TLS_MODES.get(text(mapping(setting.value).get("mode")) or "DISABLE")
        if setting.value is not None and mode is not None:
            return ClientSide(mode, setting.item, setting.path)
    return ClientSide(_automatic(mesh, service, port, server), is_automatic=True)


def connection(
    mesh: Mesh, client: Workload, server: Workload, service: Service, port: int, subset: str | None = None
) -> Connection:
    """How a client's calls to a port of a service go to one of the workloads behind it."""
    theirs = server_mode(mesh, server, target_port(service, port, server))
    ours = client_mode(mesh, client, service, port, server, subset)
    verdict, reason = _verdict(ours, theirs)
    return Connection(ours, theirs, verdict, reason)


def target_port(service: Service, port: int, server: Workload) -> int | None:
    """The port of a workload that a port of a service leads to; null where no container names it."""
    found = service.port(port)
    if found is None:
        return None
    return found.target if isinstance(found.target, int) else server.port_named(found.target)


def proxy_of(workload: Workload) -> Proxy:
    """The proxy that a workload's calls pass; an ambient one's, and one's without a mesh, as a sidecar would be."""
    match workload.data_plane:
        case "gateway" | "waypoint" as kind:
            return Proxy(workload.namespace, workload.labels, kind, workload.cluster)
        case _:
            return Proxy(workload.namespace, workload.labels, cluster=workload.cluster)


def _automatic(mesh: Mesh, service: Service, port: int, server: Workload | None) -> ClientMode:
    if not mesh.settings(service.item.cluster).enable_auto_mtls or service.is_mesh_external:
        return "PLAINTEXT"
    policies = peer_authentications_of(mesh, service.item.cluster)
    if policies.namespace_mode(service.namespace).mode == "DISABLE":
        return "PLAINTEXT"
    if server is None:
        return "ISTIO_MUTUAL"
    if not server.is_in_mesh or server.item.labels.get(TLS_MODE, "istio") != "istio":
        return "PLAINTEXT"
    # istiod does not know that a port goes past the server's proxy.
    mode = policies.workload_mode(server.namespace, server.labels, target_port(service, port, server)).mode
    return "PLAINTEXT" if mode == "DISABLE" and server.data_plane != "ambient" else "ISTIO_MUTUAL"


def _verdict(client: ClientSide, server: ServerSide) -> tuple[Verdict, str]:
    match client.mode, server.mode:
        case "ISTIO_MUTUAL", "STRICT" | "PERMISSIVE":
            return "mtls", "both sides use the mesh's certificates"
        case "ISTIO_MUTUAL", "DISABLE":
            why = "its proxy takes plain text alone" if server.has_proxy else "the server has no proxy"
            return "refused", f"the client sends mTLS and {why}"
        case "PLAINTEXT", "STRICT":
            return "refused", "the client sends plain text and the server takes mTLS alone"
        case "PLAINTEXT", _:
            return "plaintext", "the client sends plain text and the server takes it"
        case "SIMPLE", "STRICT":
            return "refused", "the client shows no certificate and the server asks for one"
        case "MUTUAL", "STRICT":
            return "unknown", "whether the server trusts the client's own certificates is not in the configuration"
        case _:
            return "tls", "the TLS connection passes on to the application, which must end it"
