"""A generated cluster: namespaces, Services, pods and Istio objects, most in order and some at fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PODS_EACH: Final = 5
#: Every so many-th object of a kind is at fault.
_FAULTY: Final = 50


def generate_mesh(pods: int) -> bytes:
    """The objects of a cluster of `pods` pods, one JSON object a line.

    A fifth as many Services, two objects of Istio for each, and up to 200 namespaces.
    """
    services = pods // _PODS_EACH
    namespaces = max(1, min(200, services // 10))
    objects = [*_namespaces(namespaces), *_workloads(services, namespaces), *_istio(services, namespaces)]
    return b"".join(json.dumps(item, separators=(",", ":")).encode() + b"\n" for item in objects)


def _object(api_version: str, kind: str, namespace: str, name: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    labels = body.pop("labels", {})
    metadata = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", "labels": labels}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _namespaces(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        # Some forgot to be injected.
        labels = {} if number % _FAULTY == 1 else {"istio-injection": "enabled"}
        yield _object("v1", "Namespace", "", f"team-{number}", labels=labels)


def _workloads(services: int, namespaces: int) -> Iterator[dict[str, Any]]:
    for number in range(services):
        namespace, name = f"team-{number % namespaces}", f"service-{number}"
        # Some ports say no protocol.
        port = {"port": 8080} if number % _FAULTY == 2 else {"port": 8080, "name": "http"}
        yield _object("v1", "Service", namespace, name, spec={"selector": {"app": name}, "ports": [port]})
        for replica in range(_PODS_EACH):
            labels = {"app": name, "version": f"v{replica % 2 + 1}"}
            containers = [{"name": "app", "image": "app:1"}, {"name": "istio-proxy", "image": "istio/proxyv2:1.27.0"}]
            address = f"10.{number >> 8 & 255}.{number & 255}.{replica + 1}"
            yield _object(
                "v1",
                "Pod",
                namespace,
                f"{name}-{replica}",
                labels=labels,
                spec={"containers": containers, "serviceAccountName": name},
                status={"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
            )


def _istio(services: int, namespaces: int) -> Iterator[dict[str, Any]]:
    for number in range(services):
        namespace, name = f"team-{number % namespaces}", f"service-{number}"
        host = f"{name}.{namespace}.svc.cluster.local"
        subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2")]
        if number % _FAULTY == 3:  # no pod has it
            subsets.append({"name": "v3", "labels": {"version": "v3"}})
        yield _object(
            "networking.istio.io/v1", "DestinationRule", namespace, name, spec={"host": host, "subsets": subsets}
        )
        target = "gone" if number % _FAULTY == 4 else name
        route = [{"destination": {"host": target, "subset": "v1"}, "weight": 90}]
        route.append({"destination": {"host": target, "subset": "v2"}, "weight": 10})
        match number % 4:
            case 0 | 1:
                spec: dict[str, Any] = {"hosts": [name], "http": [{"timeout": "2s", "route": route}]}
                yield _object("networking.istio.io/v1", "VirtualService", namespace, name, spec=spec)
            case 2:
                source = {"principals": [f"cluster.local/ns/{namespace}/sa/service-{(number + 1) % services}"]}
                rules = [{"from": [{"source": source}], "to": [{"operation": {"methods": ["GET"]}}]}]
                spec = {"selector": {"matchLabels": {"app": name}}, "action": "ALLOW", "rules": rules}
                yield _object("security.istio.io/v1", "AuthorizationPolicy", namespace, name, spec=spec)
            case _:
                egress = [{"hosts": ["./*", f"team-{(number + 1) % namespaces}/*", "istio-system/*"]}]
                spec = {"workloadSelector": {"labels": {"app": name}}, "egress": egress}
                yield _object("networking.istio.io/v1", "Sidecar", namespace, name, spec=spec)
