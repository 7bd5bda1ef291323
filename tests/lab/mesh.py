"""A running lab: proxies, applications, receivers, load and faults, and the truth about them at the end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import shutil
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from tests.lab.apps import Application, build_applications
from tests.lab.control import ControlPlane
from tests.lab.fleet import Fleet
from tests.lab.kubernetes import Cluster
from tests.lab.load import LoadGenerator
from tests.lab.placement import Placement, place, reserved_block
from tests.lab.prometheus import Prometheus, prometheus_binary
from tests.lab.proxy.certificates import write_certificates
from tests.lab.proxy.files import LabFiles
from tests.lab.proxy.logs import COLLECTOR_PORT
from tests.lab.report import ground_truth
from tests.lab.sink import TraceSink
from tests.lab.truth import GroundTruth, Recorder

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from tests.lab.model import Behaviour, Fault, JsonObject, Scenario

# Longer than Envoy's flush intervals for logs and spans together.
SETTLE_S = 1.0


class LabMesh:
    """`async with LabMesh(scenario, out_dir) as mesh: truth = await mesh.run()`.

    Everything starts on entry and is stopped on exit, whatever happens in between. Files grow in `out_dir/input` while
    it runs; `out_dir` must be empty or absent.
    """

    placement: Placement
    prometheus: Prometheus | None

    def __init__(self, scenario: Scenario, out_dir: Path) -> None:
        """Nothing is started or written yet."""
        self.scenario = scenario
        self.files = LabFiles(out_dir.resolve())
        self.recorder = Recorder()
        self.faults: list[dict[str, JsonObject | str | float]] = []
        self._applications: list[Application] = []
        self._stack = contextlib.AsyncExitStack()
        self._started = 0.0
        self._rotations = 0

    async def __aenter__(self) -> Self:
        """Starts everything. Raises LabError where something does not come up, FileExistsError if `out_dir` is used."""
        if self.files.out_dir.exists() and any(self.files.out_dir.iterdir()):
            message = f"{self.files.out_dir} is not empty: the lab writes to a folder of its own"
            raise FileExistsError(message)
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops everything."""
        await self._stack.aclose()

    async def _start(self) -> None:
        scenario, files, stack = self.scenario, self.files, self._stack
        block = stack.enter_context(reserved_block())
        # Runs last: connections that were reset tell the loop once more that they are gone.
        stack.push_async_callback(asyncio.sleep, 0.05)
        self.placement = place(scenario.mesh, block, scenario.seed)
        write_certificates(scenario.mesh.workloads, files)
        self._started = time.time()
        self._cluster = Cluster(scenario.mesh, self.placement, datetime.now(UTC))
        self._cluster.write(files.kubernetes, [fault for fault in scenario.faults if fault.settings_change])
        sink = TraceSink((block.control, COLLECTOR_PORT), files.traces)
        await sink.start()
        stack.push_async_callback(sink.stop)
        self._applications = build_applications(scenario.mesh, self.placement, self.recorder, scenario.seed)
        for application in self._applications:
            await application.start()
            stack.push_async_callback(application.close)
        if scenario.is_dynamic:
            self._control = ControlPlane(scenario.mesh, self.placement, files)
            await self._control.start()
            stack.push_async_callback(self._control.stop)
        self.fleet = Fleet(scenario.mesh, self.placement, files, is_dynamic=scenario.is_dynamic)
        self.fleet.write_configurations()
        stack.push_async_callback(self.fleet.stop)
        await self.fleet.start()
        self.load = LoadGenerator(scenario, self.placement, self.recorder)
        stack.push_async_callback(self.load.close)
        self.prometheus = await self._start_prometheus()

    async def _start_prometheus(self) -> Prometheus | None:
        binary = prometheus_binary()
        if binary is None:
            return None
        prometheus = Prometheus(self.scenario, self.placement, self.files, binary)
        self._stack.push_async_callback(prometheus.stop)
        await prometheus.start()
        return prometheus

    async def run(self, seconds: float | None = None) -> GroundTruth:
        """The whole scenario: load, faults at their times, end. Faults that do not fit in `seconds` are left out."""
        length = self.scenario.seconds if seconds is None else seconds
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.load.run(length))
            for fault in self.scenario.faults:
                if fault.start_s + fault.seconds <= length:
                    tasks.create_task(self._inject_later(fault))
        return await self.finish()

    async def _inject_later(self, fault: Fault) -> None:
        await asyncio.sleep(fault.start_s)
        sys.stderr.write(f"lab: {fault.name} for {fault.seconds:g} s\n")
        await self.inject(fault)

    async def inject(self, fault: Fault) -> None:
        """Applies a fault now, for its `seconds`, and then takes it back."""
        targets = [each for each in self._applications if each.name == fault.target]
        if not targets and fault.behaviour is not None:
            message = f"no application {fault.target!r} to inject {fault.name!r} into"
            raise ValueError(message)
        before = [target.behaviour for target in targets]
        window: dict[str, JsonObject | str | float] = {"name": fault.name, "start": time.time()}
        self.faults.append(window)
        try:
            self._configure(fault, changed=True)
            await self._behave(fault, targets, [fault.behaviour or old for old in before], changed=True)
            if fault.raw is not None:
                await self.load.run_raw(fault.raw, fault.seconds)
            else:
                await asyncio.sleep(fault.seconds)
        finally:
            self._configure(fault, changed=False)
            await self._behave(fault, targets, before, changed=False)
            behaviour: JsonObject = {} if fault.behaviour is None else {"behaviour": asdict(fault.behaviour)}
            window |= {"end": time.time(), "expect": fault.expect, "target": fault.target, "action": behaviour}

    def _configure(self, fault: Fault, *, changed: bool) -> None:
        if fault.change is None:
            return
        mesh = fault.change(self.scenario.mesh) if changed else self.scenario.mesh
        self._control.publish(mesh)
        self._cluster.watch_mesh(self.files.kubernetes, mesh)

    async def _behave(
        self, fault: Fault, targets: list[Application], behaviours: list[Behaviour], *, changed: bool
    ) -> None:
        for target, behaviour in zip(targets, behaviours, strict=True):
            await target.behave(behaviour)
        if fault.settings_change is None or fault not in self.scenario.faults:
            return
        ends_with_run = fault.start_s + fault.seconds >= self.scenario.seconds
        # A fault that lasts until the end is taken back by the end of the lab, not by a change of configuration.
        if changed or not ends_with_run:
            self._cluster.watch_settings(self.files.kubernetes, fault, changed=changed)

    async def rotate_logs(self) -> None:
        """Renames every text log to `access.log.N` and has the proxies open new ones, as a container runtime does."""
        self._rotations += 1
        for pod in self.placement.proxied:
            path = self.files.text_log(pod)
            path.rename(path.with_name(f"{path.name}.{self._rotations}"))
        await self.fleet.reopen_logs()

    async def finish(self) -> GroundTruth:
        """Lets everything settle, writes truth and metrics, stops, compresses. Call it once, without load."""
        self.fleet.check_alive()
        await asyncio.sleep(SETTLE_S)
        await self.fleet.dump()
        if self.prometheus is not None:
            await self.prometheus.dump(self._started)
        await self._stack.aclose()
        files = self.files
        for log in (*(files.json_log(pod) for pod in self.placement.proxied), files.traces):
            _compress(log)
        document = ground_truth(self.scenario, self.placement, self.recorder, self.faults, self._started)
        target = files.out_dir / "ground_truth.json"
        target.write_text(json.dumps(document, indent=1), encoding="utf-8")
        self.recorder.write(files.out_dir / "ground_truth_events.jsonl.gz")
        shutil.rmtree(files.work)
        return GroundTruth.read(files.out_dir)


def _compress(path: Path) -> None:
    with path.open("rb") as source, gzip.GzipFile(f"{path}.gz", "wb", mtime=0) as target:
        shutil.copyfileobj(source, target)
    path.unlink()


def run_lab(scenario: Scenario, out_dir: Path, seconds: float | None = None) -> GroundTruth:
    """Runs a scenario from start to end; for callers without an event loop."""

    async def run() -> GroundTruth:
        async with LabMesh(scenario, out_dir) as mesh:
            return await mesh.run(seconds)

    return asyncio.run(run())
