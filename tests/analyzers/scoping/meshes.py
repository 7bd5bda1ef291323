"""Small meshes and workloads for tests of single rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from analyzers.scoping.configuration import Configuration, MeshObject, mapping, strings
from analyzers.scoping.mesh import Mesh
from analyzers.scoping.model import Evidence, Observation
from analyzers.scoping.registry import Service, registry_of
from analyzers.scoping.virtual_services import read_virtual_services
from analyzers.scoping.workloads import Pod, Workload, grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

DOMAIN = "cluster.local"


def service(namespace: str, name: str, *ports: int, **columns: object) -> Service:
    """A Service with HTTP ports."""
    numbers = ports or (8080,)
    host = f"{name}.{namespace}.svc.{DOMAIN}"
    return Service(host, namespace, name, "Service", numbers, numbers, **columns)  # type: ignore[arg-type]  # by field


def service_entry(namespace: str, host: str, *ports: int, **columns: object) -> Service:
    """A host of a ServiceEntry."""
    return Service(host, namespace, host.strip("*."), "ServiceEntry", ports or (443,), (), 1, **columns)  # type: ignore[arg-type]  # by field


def objects(text: str, created_at: Mapping[str, datetime] | None = None) -> list[MeshObject]:
    """Istio objects from YAML documents of `kind`, `namespace`, `name`, `labels` and `spec`."""
    found = []
    for document in map(mapping, yaml.safe_load_all(text)):
        spec = mapping(json.loads(json.dumps(document.get("spec", {}))))
        name = str(document["name"])
        found.append(
            MeshObject(
                kind=str(document["kind"]),
                namespace=str(document["namespace"]),
                name=name,
                created_at=(created_at or {}).get(name),
                labels=strings(document.get("labels")),
                spec=spec,
            )
        )
    return found


def configuration(text: str = "", mesh: str = "", created_at: Mapping[str, datetime] | None = None) -> Configuration:
    """A configuration of `objects` and a mesh ConfigMap's settings."""
    by_kind: dict[str, list[MeshObject]] = {}
    for item in objects(text, created_at) if text else []:
        by_kind.setdefault(item.kind, []).append(item)
    settings = mapping(yaml.safe_load(mesh)) if mesh else {}
    kinds = {kind: tuple(items) for kind, items in by_kind.items()}
    return Configuration(kinds, settings, str(settings.get("rootNamespace", "istio-system")), "istio-system", {})


def mesh_of(services: Iterable[Service], text: str = "", mesh: str = "") -> Mesh:
    """A mesh of services and Istio objects."""
    settings = configuration(text, mesh)
    return Mesh(registry_of(services, DOMAIN), read_virtual_services(settings, DOMAIN), settings, {}, frozenset())


def call(callee: str, requested: str | None = None, **columns: object) -> Observation:
    """Ten calls through a cluster of `callee`, half of them before the replay's split."""
    evidence: Evidence = columns.pop("evidence", "caller_log")  # type: ignore[assignment]  # given by tests
    values: dict[str, object] = {"route": "registry", "calls": 10, "calls_before": 5, "port": 8080} | columns
    return Observation(callee=callee, evidence=evidence, requested=requested, **values)  # type: ignore[arg-type]  # by field


def pod(name: str, controller: str, labels: Mapping[str, str], **columns: object) -> Pod:
    """A pod with a sidecar in the namespace `shop`."""
    values: dict[str, object] = {"namespace": "shop", "controller_kind": "Deployment"} | columns
    return Pod(name=name, controller=controller, labels=labels, **values)  # type: ignore[arg-type]  # by field


def workload(labels: Mapping[str, str], **columns: object) -> Workload:
    """A workload of one pod in the namespace `shop`."""
    (found,) = grouped([pod(f"{next(iter(labels.values()))}-1", "web", labels, **columns)])
    return found
