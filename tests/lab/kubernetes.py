"""The cluster as its owner would dump it: one `List` at the start, and the changes that followed."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import yaml

from tests.lab.istio_objects import istio_objects, mesh_configuration
from tests.lab.model import Fault, JsonObject, Mesh, Pod, Service, Workload

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.lab.placement import Placement

# The cluster is older than the recording.
AGE = timedelta(days=3, hours=2)

PROXY_CONTAINER: JsonObject = {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.27.0"}


class Cluster:
    """Gives objects their identity and writes them down."""

    def __init__(self, mesh: Mesh, placement: Placement, started: datetime) -> None:
        """`started` is when the recording begins."""
        self._mesh = mesh
        self._placement = placement
        self._created = started - AGE
        self._version = 1000
        self._configuration = _configured(mesh, placement)
        self._added: dict[tuple[str, str, str, str], datetime] = {}

    def write(self, folder: Path, settings: Sequence[Fault]) -> None:
        """Writes `objects.yaml` and an empty `watch.jsonl`; faults with settings get their ConfigMap."""
        folder.mkdir(parents=True, exist_ok=True)
        listing: JsonObject = {"apiVersion": "v1", "kind": "List", "items": self._objects(settings)}
        with (folder / "objects.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(listing, file, Dumper=_NoAliases, sort_keys=False, allow_unicode=True)
        (folder / "watch.jsonl").touch()

    def watch_settings(self, folder: Path, fault: Fault, *, changed: bool) -> None:
        """Appends the change of a settings ConfigMap, as `kubectl get --watch --output-watch-events` prints it."""
        event = {"type": "MODIFIED", "observed_at": _now(), "object": self._settings(fault, changed=changed)}
        with (folder / "watch.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def watch_mesh(self, folder: Path, mesh: Mesh) -> None:
        """Appends what changed in Istio's objects and the mesh configuration since the last time."""
        after = _configured(mesh, self._placement)
        with (folder / "watch.jsonl").open("a", encoding="utf-8") as file:
            for key in dict.fromkeys((*self._configuration, *after)):
                old, new = self._configuration.get(key), after.get(key)
                if old == new:
                    continue
                if old is None:
                    self._added[key] = datetime.now(UTC)
                kind, api_version, namespace, name = key
                body, created = new or old or {}, self._added.get(key)
                event = {
                    "type": "DELETED" if new is None else "ADDED" if old is None else "MODIFIED",
                    "observed_at": _now(),
                    "object": self._object(api_version, kind, name, namespace, body, created=created),
                }
                file.write(json.dumps(event) + "\n")
        self._configuration = after

    def _objects(self, settings: Sequence[Fault]) -> list[JsonObject]:
        mesh = self._mesh
        namespaces = sorted({workload.namespace for workload in mesh.workloads})
        found = [self._object("v1", "Namespace", name, None, {}, labels=_namespace_labels(name)) for name in namespaces]
        found += [self._settings(fault, changed=False) for fault in settings]
        for workload in mesh.workloads:
            found += self._workload(workload)
        found += self._services()
        found += [
            self._object(api_version, kind, name, namespace, body)
            for (kind, api_version, namespace, name), body in self._configuration.items()
        ]
        return found

    def _object(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None,
        body: JsonObject,
        *,
        created: datetime | None = None,
        **metadata: JsonObject | list[JsonObject],
    ) -> JsonObject:
        self._version += 1
        place: JsonObject = {} if namespace is None else {"namespace": namespace}
        return {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {
                "name": name,
                **place,
                "uid": _uid(kind, namespace, name),
                "resourceVersion": str(self._version),
                "creationTimestamp": (created or self._created).strftime("%Y-%m-%dT%H:%M:%SZ"),
                **metadata,
            },
            **body,
        }

    def _settings(self, fault: Fault, *, changed: bool) -> JsonObject:
        workload = next(each for each in self._mesh.workloads if each.name == fault.target)
        key, old, new = fault.settings_change or ("", "", "")
        data: JsonObject = {"data": {key: new if changed else old}}
        return self._object("v1", "ConfigMap", f"{workload.app}-settings", workload.namespace, data)

    def _workload(self, workload: Workload) -> list[JsonObject]:
        pods = self._placement.of_workload(workload.name)
        replica_set = pods[0].name.rpartition("-")[0]
        labels, hashed = _labels(workload), _hashed_labels(workload, replica_set)
        container = _container(workload, pods[0].port)
        account: JsonObject = {"serviceAccountName": workload.service_account, "containers": [container]}
        owner = [_owner("Deployment", workload.namespace, workload.name)]
        return [
            self._object(
                "apps/v1",
                "Deployment",
                workload.name,
                workload.namespace,
                {"spec": _replicas(workload, labels, account)},
                labels=labels,
            ),
            self._object(
                "apps/v1",
                "ReplicaSet",
                replica_set,
                workload.namespace,
                {"spec": _replicas(workload, hashed, account)},
                labels=hashed,
                ownerReferences=owner,
            ),
            *(self._pod(pod, replica_set) for pod in pods),
        ]

    def _pod(self, pod: Pod, replica_set: str) -> JsonObject:
        workload = pod.workload
        containers = [_container(workload, pod.port)]
        if workload.sidecar and not workload.gateway:
            containers.append(PROXY_CONTAINER)
        annotation = {"sidecar.istio.io/status": "{}"} if workload.sidecar else {"sidecar.istio.io/inject": "false"}
        addresses = dict.fromkeys((pod.pod_ip, pod.app_ip, pod.outbound_ip))
        body: JsonObject = {
            "spec": {
                "serviceAccountName": workload.service_account,
                "nodeName": "node-1",
                "containers": containers,
            },
            "status": {
                "phase": "Running",
                "podIP": pod.pod_ip,
                "podIPs": [{"ip": address} for address in addresses],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        injected = _injected_labels(workload) if workload.sidecar else {}
        return self._object(
            "v1",
            "Pod",
            pod.name,
            workload.namespace,
            body,
            labels={**_hashed_labels(workload, replica_set), **injected},
            annotations=annotation,
            ownerReferences=[_owner("ReplicaSet", workload.namespace, replica_set)],
        )

    def _services(self) -> list[JsonObject]:
        found: list[JsonObject] = []
        gateway = self._placement.gateway
        entrance = Service(gateway.workload.app, gateway.workload.namespace, gateway.port)
        for service in (*self._mesh.services, entrance):
            label = {"app": service.name}
            port: JsonObject = {"name": service.protocol, "port": service.port}
            spec: JsonObject = {"spec": {"selector": label, "ports": [{**port, "targetPort": service.port}]}}
            found.append(self._object("v1", "Service", service.name, service.namespace, spec, labels=label))
            endpoints: list[JsonObject] = [
                {
                    "addresses": [pod.pod_ip],
                    "conditions": {"ready": True},
                    "targetRef": {"kind": "Pod", "name": pod.name, "namespace": service.namespace},
                }
                for pod in self._placement.behind(service.name)
            ]
            slices: JsonObject = {"addressType": "IPv4", "ports": [port], "endpoints": endpoints}
            owner: JsonObject = {"kubernetes.io/service-name": service.name}
            name = f"{service.name}-slice"
            namespace = service.namespace
            found.append(self._object("discovery.k8s.io/v1", "EndpointSlice", name, namespace, slices, labels=owner))
        return found


def _configured(mesh: Mesh, placement: Placement) -> dict[tuple[str, str, str, str], JsonObject]:
    """(kind, apiVersion, namespace, name) -> body of every object that configures proxies."""
    text = mesh_configuration(mesh)
    found: dict[tuple[str, str, str, str], JsonObject] = {
        ("ConfigMap", "v1", "istio-system", "istio"): {"data": {"mesh": text}}
    }
    for each in istio_objects(mesh, placement):
        found[each.kind, f"{each.group}/{each.version}", each.namespace, each.name] = {"spec": each.spec}
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def _uid(kind: str, namespace: str | None, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{namespace}/{name}"))


def _owner(kind: str, namespace: str, name: str) -> JsonObject:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": _uid(kind, namespace, name), "controller": True}


def _namespace_labels(name: str) -> JsonObject:
    injection: JsonObject = {} if name == "istio-system" else {"istio-injection": "enabled"}
    return {"kubernetes.io/metadata.name": name, **injection}


def _labels(workload: Workload) -> JsonObject:
    if workload.gateway:
        return {"app": workload.app, "istio": "ingressgateway"}
    return {"app": workload.app, "version": workload.version}


def _hashed_labels(workload: Workload, replica_set: str) -> JsonObject:
    return {**_labels(workload), "pod-template-hash": replica_set.rpartition("-")[2]}


def _injected_labels(workload: Workload) -> JsonObject:
    return {
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": workload.app,
        "service.istio.io/canonical-revision": workload.version,
    }


def _replicas(workload: Workload, labels: JsonObject, pod_spec: JsonObject) -> JsonObject:
    return {
        "replicas": workload.replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod_spec},
    }


def _container(workload: Workload, port: int) -> JsonObject:
    if workload.gateway:
        return {**PROXY_CONTAINER, "ports": [{"containerPort": port}]}
    image = f"registry.example/{workload.app}:{workload.version}"
    return {"name": "app", "image": image, "ports": [{"containerPort": port}]}
