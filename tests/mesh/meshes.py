"""Small meshes for the tests of the resolvers: objects in few words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from analyzers.mesh.load import mesh_of_text

if TYPE_CHECKING:
    from analyzers.mesh.model import Mesh

NETWORKING = "networking.istio.io/v1"
SECURITY = "security.istio.io/v1"


def thing(
    api_version: str, kind: str, name: str, spec: dict[str, Any] | None = None, *, age: int = 1, **metadata: object
) -> dict[str, Any]:
    """One object. `name` is `namespace/name`, or the name alone; `metadata` has labels and so on; age 0 is oldest."""
    namespace, slash, short = name.partition("/")
    written = {"name": short if slash else name, **({"namespace": namespace} if slash else {}), **metadata}
    written["creationTimestamp"] = f"2026-01-01T00:00:{age:02d}Z"
    return {"apiVersion": api_version, "kind": kind, "metadata": written, "spec": spec or {}}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return thing("v1", "Namespace", name, labels=labels)


def service(
    name: str, *ports: int, selector: dict[str, str] | None = None, age: int = 1, **metadata: object
) -> dict[str, Any]:
    listed = [{"port": port, "name": f"http-{port}", "targetPort": port} for port in ports or (80,)]
    spec = {"ports": listed, "selector": selector or {"app": name.partition("/")[2]}, "clusterIP": "10.0.0.1"}
    return thing("v1", "Service", name, spec, age=age, **metadata)


def alias(name: str, target: str) -> dict[str, Any]:
    return thing("v1", "Service", name, {"type": "ExternalName", "externalName": target})


def istio(
    kind: str, name: str, spec: dict[str, Any] | None = None, *, age: int = 1, **metadata: object
) -> dict[str, Any]:
    return thing(NETWORKING, kind, name, spec, age=age, **metadata)


def security(
    kind: str, name: str, spec: dict[str, Any] | None = None, *, age: int = 1, **metadata: object
) -> dict[str, Any]:
    return thing(SECURITY, kind, name, spec, age=age, **metadata)


def pod(
    name: str,
    *,
    proxy: bool = True,
    ports: tuple[int, ...] = (80,),
    labels: dict[str, str] | None = None,
    age: int = 1,
    **metadata: object,
) -> dict[str, Any]:
    """A pod with the label `app` of its own name, and with a sidecar unless told otherwise."""
    listed = [{"containerPort": port, "name": f"p{port}"} for port in ports]
    containers: list[dict[str, Any]] = [{"name": "app", "image": "app", "ports": listed}]
    if proxy:
        containers.append({"name": "istio-proxy", "image": "istio/proxyv2:1.27.0"})
    named = {"app": name.partition("/")[2], **(labels or {})}
    return thing("v1", "Pod", name, {"containers": containers}, age=age, labels=named, **metadata)


def mesh_config(**settings: object) -> dict[str, Any]:
    written = thing("v1", "ConfigMap", "istio-system/istio")
    return {**written, "data": {"mesh": json.dumps(settings)}}


def injector(domain: str) -> dict[str, Any]:
    written = thing("v1", "ConfigMap", "istio-system/istio-sidecar-injector")
    return {**written, "data": {"values": json.dumps({"global": {"proxy": {"clusterDomain": domain}}})}}


def mesh_of(*objects: dict[str, Any], source: str = "objects.yaml") -> Mesh:
    return mesh_of_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), source)
