"""Every parser on damaged input: no crash, no hang, and every record accounted for.

    python -m benchmarks.fuzz [TARGET ...] [--inputs N] [--seed N]

A target is a format, a text or JSON log of another layout, a wrapper, or what comes before any parser: recognition,
containers, log formats. Each runs in a process of its own, which is given 60 seconds for one round of inputs. A round
is made again from the seed, the target and its number, so that a failure names all that is needed to repeat it. Of
formats of lines, each of the damaged lines of a round counts as one input.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.fuzz_seeds import container_seeds, format_seeds, some_of, text_lines
from benchmarks.mutations import mutated
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.compression import Limits
from pipelines.inputs.errors import InputError
from pipelines.inputs.formats import FORMATS, PROMETHEUS_LIVE, Framing, framing_of, parse
from pipelines.inputs.layouts import layout_problem, with_known_layout
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_inputs
from pipelines.inputs.ranges import read_range
from pipelines.inputs.recognise import recognise
from pipelines.inputs.records import Chunk
from pipelines.parsers.context import Context
from pipelines.parsers.mesh_layouts import layouts_of
from tests.support.wrapped_logs import WRAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SECONDS: Final = 60
_LINES: Final = 64
_DELIMITED: Final = 4
_LAYOUTS: Final = {
    "text_layout": (
        "istio_text",
        '[%START_TIME%] "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% "%REQ(A)%" %REQ(B)%',
    ),
    "text_layout_spaces": ("istio_text", "[%START_TIME%] %REQ(X-A)% %REQ(X-B)% %RESPONSE_CODE% %REQ(X-C)%"),
    "json_layout": ("istio_json", '{"start_time":"%START_TIME(%s.%3f)%","duration":"%RESPONSE_CODE%"}'),
}
_OBJECTS: Final = b"""apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |-
    accessLogFormat: "[%START_TIME%] %REQ(A?B):9% %START_TIME(%Y-%m-%dT%H:%M:%E3S %z %s.%3f)% %COALESCE({})% 100%%"
    extensionProviders:
    - envoyFileAccessLog: {logFormat: {labels: {a: "%START_TIME%", b: {c: "%RESPONSE_CODE%"}}}}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed: seeds, how many are damaged in one round, and what has to hold."""

    seeds: list[bytes]
    inputs: int
    check: Callable[[bytes], None]


def targets() -> dict[str, Target]:
    """Every target by name; formats are taken from the registry, whatever it holds."""
    seeds = format_seeds()
    # A format that has no seeds yet is given what looks most like it.
    nearest = {Framing.LINES: "istio_json", Framing.DELIMITED: "otlp_traces", Framing.DOCUMENT: "kubernetes_json"}
    found = {
        name: _parser(name, seeds.get(name) or seeds[nearest[format_.framing]], Context())
        for name, format_ in FORMATS.items()
        if name != PROMETHEUS_LIVE
    }
    for name, (format_name, layout) in _LAYOUTS.items():
        found[name] = _parser(format_name, seeds[format_name], Context(layout=layout))
    lines = text_lines()
    for name, (wrap, _, _) in WRAPPED.items():
        context = Context(wrapper=name)
        wrapped = [wrap(lines[at : at + 3]) for at in range(0, 60, 3)]
        found[f"wrapper:{name}"] = _parser("istio_text", wrapped, context)
    several = [seed for entries in seeds.values() for seed in some_of(entries, 4)]
    found["recognise"] = Target(several, 1, _check_recognition)
    found["log_formats"] = Target([_OBJECTS], 1, _check_log_formats)
    found["containers"] = Target(container_seeds(), 1, _check_container)
    return found


def _parser(format_name: str, seeds: list[bytes], context: Context) -> Target:
    framing = framing_of(format_name, context.wrapper)
    inputs = {Framing.LINES: _LINES, Framing.DELIMITED: _DELIMITED, Framing.DOCUMENT: 1}[framing]

    def check(data: bytes) -> None:
        for parsed in parse(format_name, data, 7, context):
            if parsed.read != parsed.accepted.num_rows + parsed.rejected.num_rows:
                raise AssertionError(f"{parsed.read} read, {parsed.accepted.num_rows} + {parsed.rejected.num_rows}")
            for table in (parsed.accepted, parsed.rejected):
                table.validate(full=True)
                offsets = table["source_offset"].to_pylist()
                if not all(7 <= offset <= len(data) + 7 for offset in offsets):
                    raise AssertionError(f"offsets {min(offsets)} to {max(offsets)} of {len(data)} bytes")

    return Target(seeds, inputs, check)


def _check_recognition(data: bytes) -> None:
    found = with_known_layout(data, recognise(data, "/f", is_whole=True))
    if found.format is not None and found.format not in FORMATS:
        raise AssertionError(f"recognised as {found.format}, which there is not")


def _check_log_formats(data: bytes) -> None:
    for layout in layouts_of(data):
        if layout_problem(layout):
            raise AssertionError(f"{layout!r} is given, and cannot be used")


def _check_container(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        file.write(data)
        file.flush()
        plan = plan_inputs([file.name], Checkpoints(), InputOptions(quiet_seconds=0))
        for work in plan.ranges:
            try:
                size = sum(len(piece.data) for piece in read_range(work) if isinstance(piece, Chunk))
            except InputError:
                continue
            if size > Limits().free_bytes + Limits().ratio * len(data):
                raise AssertionError(f"{size} bytes of {len(data)}")


def damaged_round(target: Target, name: str, seed: int, number: int) -> bytes:
    """The input of a round: always the same for one name, seed and number."""
    random = Random(f"{name} {seed} {number}")
    pieces = [mutated(random.choice(target.seeds), target.seeds, random) for _ in range(target.inputs)]
    end = b"\n" if target.inputs == _LINES else b""
    return b"".join(piece + end if end and not piece.endswith(end) else piece for piece in pieces)


def _run(name: str, seed: int, first: int, rounds: int, progress: mmap.mmap) -> None:
    """The child: rounds of one target, the number of the one under way told through `progress`."""
    target = targets()[name]
    for number in range(first, first + rounds):
        progress[:8] = number.to_bytes(8, "little")
        signal.alarm(_SECONDS)
        target.check(damaged_round(target, name, seed, number))
    signal.alarm(0)


def _fuzz(name: str, inputs: int, seed: int) -> dict[str, object]:
    """All rounds of a target, a process at a time; rounds that fail are left behind and listed."""
    rounds = max(1, inputs // targets()[name].inputs)
    failures: list[dict[str, object]] = []
    begun, number = time.monotonic(), 0
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(8))
        file.flush()
        while number < rounds and len(failures) < 5:
            command = [sys.executable, "-m", "benchmarks.fuzz", name, "--seed", str(seed), "--child", file.name]
            done = subprocess.run([*command, str(number), str(rounds - number)], capture_output=True, check=False)  # noqa: S603 - itself
            if done.returncode == 0:
                break
            number = int.from_bytes(Path(file.name).read_bytes()[:8], "little")
            why = "hangs" if done.returncode == -signal.SIGALRM else done.stderr.decode("utf-8", "replace")[-600:]
            failures.append({"round": number, "exit": done.returncode, "why": why})
            number += 1
    tried = rounds * targets()[name].inputs
    return {
        "target": name,
        "seed": seed,
        "inputs": tried,
        "seconds": round(time.monotonic() - begun),
        "failures": failures,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz and print one JSON object a target; exit code 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TARGET", help="default: all")
    parser.add_argument("--inputs", type=int, default=10_000, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, metavar="ROUND", help="write the input of that round to stdout")
    parser.add_argument("--child", nargs=3, metavar=("PROGRESS", "FIRST", "ROUNDS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    known = targets()
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if options.show is not None:
        (name,) = options.names
        sys.stdout.buffer.write(damaged_round(known[name], name, options.seed, options.show))
        return 0
    if options.child:
        with _shared(options.child[0]) as progress:
            _run(options.names[0], options.seed, int(options.child[1]), int(options.child[2]), progress)
        return 0
    failed = 0
    for result in _results(options.names or list(known), options):
        print(json.dumps(result), flush=True)
        failed += bool(result["failures"])
    return 1 if failed else 0


def _results(names: list[str], options: argparse.Namespace) -> Iterator[dict[str, object]]:
    for name in names:
        yield _fuzz(name, options.inputs, options.seed)


def _shared(path: str) -> mmap.mmap:
    handle = os.open(path, os.O_RDWR)
    try:
        return mmap.mmap(handle, 8)
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main())
