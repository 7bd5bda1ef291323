"""Where things run: a block of loopback addresses per lab, and pods with names and addresses in it."""

from __future__ import annotations

import random
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab.model import External, Mesh, Pod, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_BLOCK, LAST_BLOCK = 81, 119
LOCK_PORT = 15999
GATEWAY_PORT = 8080
# Kubernetes' own alphabet for generated names: no vowels, nothing that reads as a digit.
NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def seeded_random(seed: int) -> random.Random:
    """A generator that gives the same lab for the same seed."""
    return random.Random(seed)


@dataclass(frozen=True, slots=True)
class AddressBlock:
    """The addresses 127.`second`.0.0/16, held by one lab at a time."""

    second: int

    def address(self, group: int, index: int) -> str:
        """The index-th address of a group (1 pods, 2 applications, 3 outbound, 4 externals, 5 clients)."""
        return f"127.{self.second}.{group}.{index}"

    @property
    def control(self) -> str:
        """The address of the trace receiver and of Prometheus."""
        return self.address(0, 1)


@contextmanager
def reserved_block() -> Iterator[AddressBlock]:
    """Holds the first free block for as long as the context lasts, against other labs on this machine too."""
    for second in range(FIRST_BLOCK, LAST_BLOCK + 1):
        block = AddressBlock(second)
        lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            lock.bind((block.control, LOCK_PORT))
            lock.listen(1)
        except OSError:
            lock.close()
            continue
        with lock:
            yield block
        return
    message = f"no free loopback block in 127.{FIRST_BLOCK}.0.0 to 127.{LAST_BLOCK}.255.255: are other labs running?"
    raise RuntimeError(message)


@dataclass(frozen=True, slots=True)
class Placement:
    """Pods and external hosts with their addresses."""

    block: AddressBlock
    pods: tuple[Pod, ...]
    external_ips: dict[str, str]

    def of_workload(self, name: str) -> tuple[Pod, ...]:
        """The pods of a workload."""
        return tuple(pod for pod in self.pods if pod.workload.name == name)

    def behind(self, service: str, version: str | None = None) -> tuple[Pod, ...]:
        """The endpoints of a service (short name), of one version if given."""
        return tuple(
            pod for pod in self.pods if pod.workload.app == service and version in (None, pod.workload.version)
        )

    @property
    def gateway(self) -> Pod:
        """The ingress gateway's pod."""
        return next(pod for pod in self.pods if pod.workload.gateway)

    @property
    def proxied(self) -> tuple[Pod, ...]:
        """The pods that run an Envoy."""
        return tuple(pod for pod in self.pods if pod.workload.sidecar)

    def external_ip(self, external: External) -> str:
        """The loopback address that stands for an external host."""
        return self.external_ips[external.host]


def place(mesh: Mesh, block: AddressBlock, seed: int) -> Placement:
    """Names and addresses for every pod; the same seed gives the same names."""
    rng = seeded_random(seed)
    pods: list[Pod] = []
    for workload in mesh.workloads:
        replica_set = f"{workload.name}-{_token(rng, 9)}"
        for _ in range(workload.replicas):
            pods.append(_pod(workload, mesh, block, f"{replica_set}-{_token(rng, 5)}", len(pods) + 2))
    external_ips = {external.host: block.address(4, 10 + i) for i, external in enumerate(mesh.externals)}
    return Placement(block, tuple(pods), external_ips)


def _pod(workload: Workload, mesh: Mesh, block: AddressBlock, name: str, index: int) -> Pod:
    service = None if workload.gateway else mesh.service(workload.app)
    return Pod(
        name=name,
        workload=workload,
        pod_ip=block.address(1, index),
        # Without a sidecar the application itself is what answers on the pod's address.
        app_ip=block.address(2 if workload.sidecar else 1, index),
        outbound_ip=block.address(3, index),
        port=service.port if service else GATEWAY_PORT,
        protocol=service.protocol if service else "http",
    )


def _token(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(NAME_ALPHABET, k=length))
