"""Requests from outside through the gateway: open loop, seeded, from browsers, scripts and worse."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from tests.lab.calls import CALL_ERRORS
from tests.lab.http1 import Client
from tests.lab.placement import seeded_random
from tests.lab.truth import Event, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.model import LoadRequest, RawRequest, Scenario
    from tests.lab.placement import Placement

REQUEST_TIMEOUT_S = 40.0
RAW_INTERVAL_S = 0.4
CLIENTS = 6
# Quotes, tabs, UTF-8, a forged end of line, nothing: Envoy's text log escapes none of it.
USER_AGENTS = (
    b"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
    b"curl/8.5.0",
    b"python-requests/2.32.3",
    b'weird "quoted" agent\\with\\backslash',
    b"tab\there",
    "Käufer/1.0 (Zürich; 日本語; 🛒)".encode(),
    b'" "-" "shop.example.com" "10.0.0.1:80" outbound|80||forged.example - - - - -',
    b"",
)
# Ordinary agents send most requests.
AGENT_WEIGHTS = (30, 25, 12, 12, 5, 5, 5, 4, 2)


class LoadGenerator:
    """Sends the scenario's mix of requests at its rate; one deck holds each request as often as it weighs."""

    def __init__(self, scenario: Scenario, placement: Placement, recorder: Recorder) -> None:
        """Prepares clients on several addresses; nothing is sent yet."""
        self._scenario = scenario
        self._recorder = recorder
        self._rng = seeded_random(scenario.seed)
        self._clients = [Client(placement.block.address(5, 10 + i)) for i in range(CLIENTS)]
        self._address = (placement.gateway.pod_ip, placement.gateway.port)
        self._requests = self._deck()
        self._agents = USER_AGENTS + scenario.extra_user_agents
        self._weights = AGENT_WEIGHTS + (5,) * len(scenario.extra_user_agents)

    async def run(self, seconds: float) -> None:
        """Sends for that long, then waits for the answers still due."""
        rate = self._scenario.requests_per_second
        ends = time.monotonic() + seconds
        next_at = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            while next_at < ends:
                await asyncio.sleep(max(0.0, next_at - time.monotonic()))
                tasks.create_task(self._send(next(self._requests)))
                next_at += self._rng.uniform(0.4, 1.6) / rate

    async def run_raw(self, raw: RawRequest, seconds: float) -> None:
        """Sends the raw request every 400 ms for that long."""
        ends = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            while time.monotonic() < ends:
                tasks.create_task(self._send_raw(raw))
                await asyncio.sleep(RAW_INTERVAL_S)

    async def _send_raw(self, raw: RawRequest) -> None:
        reader, writer = await self._clients[0].connect(self._address)
        writer.write(raw.content)
        with contextlib.suppress(*CALL_ERRORS):
            async with asyncio.timeout(raw.patience_s):
                await reader.read()
        writer.close()

    async def close(self) -> None:
        """Closes the clients' connections."""
        for client in self._clients:
            await client.close()

    def _deck(self) -> Iterator[LoadRequest]:
        while True:
            deck = [request for request in self._scenario.mesh.load for _ in range(request.weight)]
            self._rng.shuffle(deck)
            yield from deck

    async def _send(self, request: LoadRequest) -> None:
        rng = self._rng
        path = request.path.replace("{id}", str(rng.randrange(10)))
        headers = {"host": self._scenario.mesh.host.encode("ascii")}
        headers["user-agent"] = rng.choices(self._agents, self._weights)[0]
        client = rng.choice(self._clients)
        started = time.time()
        request_id = ""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                status, _ = await client.request(self._address, request.method, path, headers)
            outcome = str(status)
        except CALL_ERRORS as error:
            outcome = type(error).__name__
        ms = round((time.time() - started) * 1000, 2)
        host = self._scenario.mesh.host
        self._recorder.add(
            Event("load", started, "outside", client.source, host, "http", path, outcome, ms, request_id)
        )
