"""How applications call others: through their own proxy, with the service's Host and the trace headers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.lab.grpc_calls import GrpcClient
from tests.lab.http1 import Client, Message, ProtocolError

if TYPE_CHECKING:
    from tests.lab.model import Call, External, Mesh, Pod
    from tests.lab.placement import Placement

FORWARDED = ("x-request-id", "traceparent", "tracestate", "baggage")
USER_AGENT = b"shop-app/1.4"
CALL_TIMEOUT_S = 30.0
CALL_ERRORS = (ConnectionError, asyncio.IncompleteReadError, ProtocolError, TimeoutError)
MISS = b"$-1\r\n"


@dataclass(slots=True)
class Caller:
    """Dials the pod's own outbound address, as redirected traffic would arrive there, with the service's Host."""

    pod: Pod
    mesh: Mesh
    placement: Placement
    client: Client
    grpc_client: GrpcClient = field(default_factory=GrpcClient)

    async def close(self) -> None:
        """Closes the connections to others."""
        await self.client.close()
        await self.grpc_client.close()

    async def call(self, call: Call, path: str, request: Message) -> tuple[str, str, str]:
        """Makes one call; gives the callee's full host, the protocol and the outcome."""
        headers = {"user-agent": USER_AGENT}
        headers |= {name: request.headers[name].encode("latin-1") for name in FORWARDED if name in request.headers}
        external = self.mesh.external(call.to)
        if external is not None:
            return external.host, "http", await self._call_external(external, call, path, headers)
        service = self.mesh.service(call.to)
        if service.protocol == "tcp":
            return service.host, "tcp", await self._call_tcp(service.port, path)
        local = service.namespace == self.pod.workload.namespace
        name = service.name if local else f"{service.name}.{service.namespace}"
        authority = f"{name}:{service.port}"
        if service.protocol == "grpc":
            del headers["user-agent"]
            address = (self.pod.outbound_ip, service.port)
            return service.host, "grpc", await self.grpc_client.call(address, authority, path, headers)
        headers["host"] = authority.encode("ascii")
        return service.host, "http", await self._call_http(service.port, call, path, headers)

    async def _call_external(self, external: External, call: Call, path: str, headers: dict[str, bytes]) -> str:
        headers["host"] = external.host.encode("ascii")
        if not external.registered:
            destination = f"{self.placement.external_ip(external)}:{external.port}"
            headers["x-envoy-original-dst-host"] = destination.encode("ascii")
        return await self._call_http(external.port, call, path, headers)

    async def _call_http(self, port: int, call: Call, path: str, headers: dict[str, bytes]) -> str:
        address = (self.pod.outbound_ip, port)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                status, _ = await self.client.request(address, call.method, path, headers, b"x" * call.body_bytes)
        except CALL_ERRORS as error:
            return type(error).__name__
        return str(status)

    async def _call_tcp(self, port: int, key: str) -> str:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                reader, writer = await self.client.connect((self.pod.outbound_ip, port))
                try:
                    writer.write(f"*2\r\n$3\r\nGET\r\n${len(key)}\r\n{key}\r\n".encode("ascii"))
                    answer = await reader.readexactly(len(MISS))
                finally:
                    writer.close()
                await writer.wait_closed()
        except CALL_ERRORS as error:
            return type(error).__name__
        return "200" if answer == MISS else "ProtocolError"
