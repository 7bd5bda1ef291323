"""Child processes that never outlive the lab."""

from __future__ import annotations

import asyncio
import ctypes
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PR_SET_PDEATHSIG = 1
GRACE_S = 5.0
_libc = ctypes.CDLL(None)

Process = asyncio.subprocess.Process


def _end_with_parent() -> None:
    # SIGTERM and not SIGKILL: an Envoy that is asked to stop still writes its buffered log lines.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def spawn(arguments: Sequence[str], log: Path) -> Process:
    """Starts a program in a session of its own (Ctrl-C reaches the lab alone), its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )


async def terminate(processes: Sequence[Process]) -> None:
    """Ends the processes: SIGTERM, and SIGKILL to those that take longer than a few seconds."""
    for process in processes:
        if process.returncode is None:
            process.terminate()
    await asyncio.gather(*(_wait(process) for process in processes))


async def _wait(process: Process) -> None:
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
