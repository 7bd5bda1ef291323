"""Run benchmarks by name, or all of them: one JSON object a line, or a table for people.

A benchmark is a module of this package with a function `benchmarks() -> Iterable[Result]`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.result import Result

MODULES = ("parsers", "text_logs", "json_logs", "metrics", "ingest", "calls", "configuration")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; exit code 1 where a result misses its goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(MODULES)}; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(MODULES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    missed = 0
    for name in options.names or MODULES:
        for result in importlib.import_module(f"benchmarks.{name}").benchmarks():
            print(_line(result, as_json=options.json), flush=True)
            missed += not result.passed
    return 1 if missed else 0


def _line(result: Result, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(result) | {"pass": result.passed})
    medians = ", ".join(f"{name} {value:.3g}" for name, value in result.medians.items())
    verdict = "ok" if result.passed else "MISSED"
    return f"{verdict:6} {result.name}: {result.compared}: {result.ratio:.2f} (goal {result.goal:.2f}; {medians})"


if __name__ == "__main__":
    sys.exit(main())
