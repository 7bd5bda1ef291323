"""Live clusters as events: a snapshot, and a watch that goes on from it until it is told to stop."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipelines.sources.kubernetes_api import ClusterError, RefusedError
from pipelines.sources.kubernetes_events import event_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.sources.kubernetes_api import Cluster, Listed
    from pipelines.sources.kubernetes_resources import Resource

_LISTS_AT_ONCE: Final = 4
_GONE: Final = 410
_LONGEST_PAUSE_S: Final = 30.0
_ABSENT: Final = frozenset({403, 404, 405})


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read: namespaces of control planes (for ConfigMaps), whether Secrets are, and who is told of trouble."""

    system_namespaces: Sequence[str] = ("istio-system",)
    secrets: bool = False
    tell: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Events of everything there was, the version of each resource, and what could not be read."""

    lines: bytes
    listed: dict[Resource, Listed]
    refused: tuple[str, ...]


def snapshot(cluster: Cluster, reading: Reading) -> Snapshot:
    """List everything, several resources at a time.

    Raises:
        ClusterError: the cluster cannot be reached, or refuses every resource.
    """
    resources = cluster.resources(reading.system_namespaces, secrets=reading.secrets)
    listed: dict[Resource, Listed] = {}
    refused: list[str] = []
    with ThreadPoolExecutor(_LISTS_AT_ONCE) as pool:
        for resource, result in zip(resources, pool.map(lambda item: _list(cluster, item), resources), strict=True):
            if isinstance(result, str):
                refused.append(f"not read: {resource.name}: {result}")
            else:
                listed[resource] = result
    if not listed:
        raise ClusterError(f"{cluster.context}: every resource was refused; {refused[0]}")
    lines = b"".join(event_line("ADDED", item, cluster.name) for result in listed.values() for item in result.objects)
    return Snapshot(lines, listed, tuple(refused))


def _list(cluster: Cluster, resource: Resource) -> Listed | str:
    try:
        return cluster.list(resource)
    except RefusedError as error:
        if error.status not in _ABSENT:
            raise
        return str(error)


class Recorder:
    """Watches every resource of a snapshot, each in a thread, and hands on events as lines."""

    def __init__(self, cluster: Cluster, reading: Reading, write: Callable[[bytes], None]) -> None:
        self._cluster = cluster
        self._reading = reading
        self._write = write
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, taken: Snapshot) -> None:
        """Go on from a snapshot."""
        for resource, listed in taken.listed.items():
            known = {_identity(item): item for item in listed.objects}
            arguments = (resource, known, listed.resource_version)
            thread = threading.Thread(target=self._follow, args=arguments, name=resource.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let the watches end; those that wait for the server end with the process."""
        self._stop.set()

    def _follow(self, resource: Resource, known: dict[str, dict[str, Any]], version: str) -> None:
        pause_s = 1.0
        while not self._stop.is_set():
            try:
                for event in self._cluster.watch(resource, version):
                    if self._stop.is_set():
                        return
                    version = self._take(event, known) or version
                    pause_s = 1.0
            except ClusterError as error:
                if isinstance(error, RefusedError) and error.status == _GONE:
                    version = self._again(resource, known) or version
                else:
                    self._reading.tell(f"{error}; trying again in {pause_s:.0f} s")
                self._stop.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, no secret
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _take(self, event: dict[str, Any], known: dict[str, dict[str, Any]]) -> str | None:
        """Hand an event on; returns the version it brings."""
        written = event.get("object")
        if not isinstance(written, dict):
            return None
        if event.get("type") in {"ADDED", "MODIFIED", "DELETED"}:
            if event["type"] == "DELETED":
                known.pop(_identity(written), None)
            else:
                known[_identity(written)] = written
            self._write(event_line(event["type"], written, self._cluster.name))
        version = (written.get("metadata") or {}).get("resourceVersion")
        return version if isinstance(version, str) else None

    def _again(self, resource: Resource, known: dict[str, dict[str, Any]]) -> str | None:
        """List a resource whose watch fell behind, and hand on what has changed since; returns the new version."""
        try:
            listed = self._cluster.list(resource)
        except ClusterError as error:
            self._reading.tell(str(error))
            return None
        now = {_identity(item): item for item in listed.objects}
        for identity, item in now.items():
            before = known.get(identity)
            if before is None:
                self._write(event_line("ADDED", item, self._cluster.name))
            elif _version(before) != _version(item):
                self._write(event_line("MODIFIED", item, self._cluster.name))
        for identity in known.keys() - now.keys():
            self._write(event_line("DELETED", known[identity], self._cluster.name))
        known.clear()
        known.update(now)
        return listed.resource_version


def _identity(written: dict[str, Any]) -> str:
    metadata = written.get("metadata") or {}
    return str(metadata.get("uid") or f"{metadata.get('namespace', '')}/{metadata.get('name')}")


def _version(written: dict[str, Any]) -> object:
    return (written.get("metadata") or {}).get("resourceVersion")
