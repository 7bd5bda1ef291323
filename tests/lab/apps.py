"""The services themselves: HTTP applications that call each other, a key-value store over TCP, external hosts."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import grpc.aio

from tests.lab.calls import CALL_ERRORS, MISS, Caller
from tests.lab.grpc_calls import STATUS_CODES, GrpcContext, GrpcMethods
from tests.lab.http1 import Client, Message, ResetWantedError, Response, serve_connection
from tests.lab.listening import Listener
from tests.lab.model import Behaviour, Call, Endpoint, Mesh
from tests.lab.placement import seeded_random
from tests.lab.truth import Event, Recorder

if TYPE_CHECKING:
    import random

    from tests.lab.placement import Placement


@dataclass(slots=True)
class Application(ABC):
    """What every application has: a place to listen, a behaviour that can change, and a recorder."""

    name: str
    pod_name: str
    address: tuple[str, int]
    behaviour: Behaviour
    recorder: Recorder
    rng: random.Random
    _listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        self._listener = Listener(self.address, self._converse)

    async def start(self) -> None:
        """Opens the port."""
        await self._listener.open()

    async def stop(self) -> None:
        """Closes the port and resets what is open, as a process that dies does."""
        await self._listener.close()

    async def close(self) -> None:
        """Stops for good."""
        await self.stop()

    async def behave(self, behaviour: Behaviour) -> None:
        """Changes the behaviour; a stopped application opens its port again when it no longer is."""
        was_stopped, self.behaviour = self.behaviour.stopped, behaviour
        if behaviour.stopped and not was_stopped:
            await self.stop()
        elif was_stopped and not behaviour.stopped:
            await self.start()

    @abstractmethod
    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talks with one peer until either side closes."""

    async def _linger(self) -> None:
        behaviour = self.behaviour
        latency_ms = self.rng.gauss(behaviour.latency_ms, behaviour.jitter_ms)
        await asyncio.sleep(max(latency_ms, 0.2) / 1000)

    def _record(
        self,
        kind: Literal["call", "served"],
        started: float,
        to: str,
        path: str,
        outcome: str,
        *,
        protocol: str = "http",
        request_id: str = "",
    ) -> None:
        ms = round((time.time() - started) * 1000, 2)
        event = Event(kind, started, self.name, self.pod_name, to, protocol, path, outcome, ms, request_id)
        self.recorder.add(event)


@dataclass(slots=True)
class HttpApplication(Application):
    """Answers HTTP after its latency, having made the calls of the endpoint that matches the path."""

    endpoints: tuple[Endpoint, ...] = ()
    caller: Caller | None = None

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(reader, writer, self._answer)

    async def close(self) -> None:
        """Stops for good and closes the connections to others."""
        await self.stop()
        if self.caller is not None:
            await self.caller.close()

    async def _answer(self, request: Message) -> Response:
        started, path = time.time(), request.start[1]
        endpoint = next((e for e in self.endpoints if path.startswith(e.prefix)), Endpoint("/"))
        await self._linger()
        if self.rng.random() < self.behaviour.reset_rate:
            self._record("served", started, self.name, path, "reset", request_id=_request_id(request))
            raise ResetWantedError
        status = 200
        if self.rng.random() < self.behaviour.error_rate:
            status = self.behaviour.error_status
        elif not await self._call_all(endpoint.calls, request):
            status = 500
        self._record("served", started, self.name, path, str(status), request_id=_request_id(request))
        body = b"x" * endpoint.body_bytes if status == 200 else b'{"error":"unavailable"}'
        return Response(status, body)

    async def _call_all(self, calls: tuple[Call, ...], request: Message) -> bool:
        for call in calls:
            if self.caller is None or self.rng.random() >= call.probability:
                continue
            started = time.time()
            path = call.path.replace("{id}", str(self.rng.randrange(10)))
            host, protocol, outcome = await self.caller.call(call, path, request)
            self._record("call", started, host, path, outcome, protocol=protocol, request_id=_request_id(request))
            if call.required and outcome != "200":
                return False
        return True


@dataclass(slots=True)
class GrpcApplication(HttpApplication):
    """Answers any unary gRPC method as `HttpApplication` answers a path; errors are statuses in the trailers."""

    _server: grpc.aio.Server = field(init=False)

    async def start(self) -> None:
        """Opens the port."""
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((GrpcMethods(self._serve),))
        self._server.add_insecure_port(f"{self.address[0]}:{self.address[1]}")
        await self._server.start()

    async def stop(self) -> None:
        """Closes the port and resets what is open."""
        await self._server.stop(None)

    async def _serve(self, method: str, context: GrpcContext) -> bytes:
        headers = {key: str(value) for key, value in context.invocation_metadata() or ()}
        answer = await self._answer(Message(("POST", method, "HTTP/2"), headers, b""))
        if answer.status != 200:
            await context.abort(STATUS_CODES[self.behaviour.grpc_status], "the lab wants it so")
        return answer.body


@dataclass(slots=True)
class KeyValueApplication(Application):
    """A store that understands enough of RESP for `GET key` and remembers nothing."""

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started = time.time()
        outcome = "200"
        try:
            while await _read_command(reader):
                await self._linger()
                if self.rng.random() < self.behaviour.reset_rate:
                    outcome = "reset"
                    writer.transport.abort()
                    break
                writer.write(MISS)
                await writer.drain()
        except CALL_ERRORS as error:
            outcome = type(error).__name__
        finally:
            writer.close()
            self._record("served", started, self.name, "", outcome, protocol="tcp")


async def _read_command(reader: asyncio.StreamReader) -> list[bytes]:
    head = await reader.readline()
    if not head:
        return []
    words = []
    for _ in range(int(head[1:])):
        length = int((await reader.readline())[1:])
        words.append(await reader.readexactly(length))
        await reader.readexactly(2)
    return words


def _request_id(request: Message) -> str:
    return request.headers.get("x-request-id", "")


_KINDS: dict[str, type[HttpApplication | GrpcApplication | KeyValueApplication]] = {
    "http": HttpApplication,
    "grpc": GrpcApplication,
    "tcp": KeyValueApplication,
}


def build_applications(mesh: Mesh, placement: Placement, recorder: Recorder, seed: int) -> list[Application]:
    """One application per pod that has one, and one per external host."""
    found: list[Application] = []
    for index, pod in enumerate(placement.pods):
        workload = pod.workload
        if workload.gateway:
            continue
        kind = _KINDS[pod.protocol]
        application = kind(
            workload.name,
            pod.name,
            (pod.app_ip, pod.port),
            workload.behaviour,
            recorder,
            seeded_random(seed * 1000 + index),
        )
        if isinstance(application, HttpApplication):
            application.endpoints = workload.endpoints
            if workload.sidecar:
                application.caller = Caller(pod, mesh, placement, Client(pod.pod_ip))
        found.append(application)
    for index, external in enumerate(mesh.externals):
        address = (placement.external_ip(external), external.port)
        behaviour = Behaviour(latency_ms=25, jitter_ms=8)
        rng = seeded_random(seed * 2000 + index)
        found.append(HttpApplication(external.host, external.host, address, behaviour, recorder, rng))
    return found
