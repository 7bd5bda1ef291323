"""A lab in a process of its own, so that a test can work while load runs and slow nothing down in the lab."""

from __future__ import annotations

import asyncio
import multiprocessing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.lab.fleet import LabError
from tests.lab.mesh import LabMesh
from tests.lab.truth import GroundTruth

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path
    from types import TracebackType

    from tests.lab.model import Fault, Scenario
    from tests.lab.placement import Placement

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True)
class Started:
    """What is known once a lab is up."""

    placement: Placement
    prometheus_url: str | None


class BackgroundLab:
    """The same mesh as LabMesh, for code without an event loop.

    `with BackgroundLab(scenario, out_dir) as lab: lab.load_for(20); ...; truth = lab.stop()`. Everything ends with the
    context, and with the process that made it. Raises LabError when the lab fails; `input` grows while it runs.
    """

    started: Started

    def __init__(self, scenario: Scenario, out_dir: Path) -> None:
        """Nothing is started yet."""
        self._scenario = scenario
        self._out_dir = out_dir.resolve()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection[Any, Any] | None = None

    @property
    def input(self) -> Path:
        """What a user would have: `logs-text/POD/access.log`, `otlp-traces/`, `kubernetes/`."""
        return self._out_dir / "input"

    def __enter__(self) -> Self:
        """Starts it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it, finished or not."""
        self.close()

    def start(self) -> None:
        """Starts the process and waits until the mesh is up, without load."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_worker, args=(theirs, self._scenario, self._out_dir), daemon=True)
        self._process.start()
        theirs.close()
        self.started = self._answer(START_TIMEOUT_S)

    def load_for(self, seconds: float) -> None:
        """Starts load for that long and returns at once."""
        self._ask("load_for", seconds)

    def inject(self, fault: Fault) -> None:
        """Starts a fault, for its `seconds`, and returns at once."""
        self._ask("inject", fault)

    def wait(self, timeout_s: float = 600.0) -> None:
        """Waits until load and faults have ended."""
        self._ask("wait", timeout_s=timeout_s)

    def calls(self) -> int:
        """How many calls applications have completed so far, over HTTP and TCP."""
        return int(self._ask("calls"))

    def rotate_logs(self) -> None:
        """Rotates every text log."""
        self._ask("rotate_logs")

    def stop(self) -> GroundTruth:
        """Waits for load and faults, stops the mesh and reads the truth."""
        self._ask("stop", timeout_s=STOP_TIMEOUT_S + self._scenario.seconds)
        self.close()
        return GroundTruth.read(self._out_dir)

    def close(self) -> None:
        """Ends the process. Harmless after `stop`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            # The worker sees its pipe end and takes its proxies down.
            self._process.join(20)
            if self._process.is_alive():
                self._process.kill()
            self._process = None

    def _ask(self, name: str, *arguments: object, timeout_s: float = 30.0) -> Any:  # noqa: ANN401 - whatever it answers
        if self._connection is None:
            message = "the lab is not running"
            raise LabError(message)
        self._connection.send((name, arguments))
        return self._answer(timeout_s)

    def _answer(self, timeout_s: float) -> Any:  # noqa: ANN401 - the worker's answers are of several types
        if self._connection is None or not self._connection.poll(timeout_s):
            message = f"no answer from the lab within {timeout_s:g} s"
            raise LabError(message)
        try:
            succeeded, value = self._connection.recv()
        except EOFError as error:
            message = "the lab's process ended; its output says why"
            raise LabError(message) from error
        if not succeeded:
            raise LabError(value)
        return value


class _Session:
    """What the worker does when it is asked."""

    def __init__(self, mesh: LabMesh) -> None:
        self._mesh = mesh
        self._tasks: set[asyncio.Task[None]] = set()

    async def load_for(self, seconds: float) -> None:
        self._tasks.add(asyncio.create_task(self._mesh.load.run(seconds)))

    async def inject(self, fault: Fault) -> None:
        self._tasks.add(asyncio.create_task(self._mesh.inject(fault)))

    async def wait(self) -> None:
        tasks, self._tasks = self._tasks, set()
        await asyncio.gather(*tasks)

    async def calls(self) -> int:
        return sum(event.kind == "call" for event in self._mesh.recorder.events)

    async def rotate_logs(self) -> None:
        await self._mesh.rotate_logs()

    async def stop(self) -> None:
        await self.wait()
        await self._mesh.finish()


def _worker(connection: Connection[Any, Any], scenario: Scenario, out_dir: Path) -> None:
    try:
        asyncio.run(_serve(connection, scenario, out_dir))
    except Exception as error:  # noqa: BLE001 - the parent raises it as LabError, with its name
        connection.send((False, f"{type(error).__name__}: {error}"))


async def _serve(connection: Connection[Any, Any], scenario: Scenario, out_dir: Path) -> None:
    async with LabMesh(scenario, out_dir) as mesh:
        session = _Session(mesh)
        url = mesh.prometheus.url if mesh.prometheus else None
        connection.send((True, Started(mesh.placement, url)))
        name = ""
        while name != "stop":
            try:
                name, arguments = await asyncio.to_thread(connection.recv)
            except EOFError:
                return
            try:
                result = await getattr(session, name)(*arguments)
            except Exception as error:  # noqa: BLE001 - the parent raises it as LabError, with its name
                connection.send((False, f"{type(error).__name__}: {error}"))
            else:
                connection.send((True, result))
