"""`python -m tests.lab --out DIR --scenario smoke|shop|faults [--seconds N] [--bundle DIR]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.lab.fleet import LabError
from tests.lab.mesh import run_lab
from tests.lab.recording import write_fault_recording, write_recording
from tests.lab.scenarios import SCENARIOS
from tests.lab.verify import verify


def main() -> int:
    """Runs one scenario and checks it; 0 where logs and applications agree, 1 where not, 3 where it could not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="an empty or absent folder")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="smoke")
    parser.add_argument("--seconds", type=float, help="load for this long; later faults are left out")
    parser.add_argument("--bundle", type=Path, help="replace this folder with a recording made of the run")
    arguments = parser.parse_args()
    scenario = SCENARIOS[arguments.scenario]
    try:
        truth = run_lab(scenario, arguments.out, arguments.seconds)
    except (LabError, FileExistsError) as error:
        sys.stderr.write(f"lab: {error}\n")
        return 3
    if scenario.is_dynamic:
        # Connections that faults break are counted by one side alone: the expectations are what such a run is for.
        if arguments.bundle is not None:
            size = write_fault_recording(truth, scenario, arguments.bundle)
            sys.stdout.write(f"{arguments.bundle}: {size} bytes\n")
        return 0
    result = verify(truth)
    sys.stdout.write(result.table())
    if arguments.bundle is not None and result.agrees:
        command = f"python -m tests.lab --scenario {arguments.scenario} --out DIR --bundle {arguments.bundle}"
        size = write_recording(truth, arguments.bundle, command)
        sys.stdout.write(f"{arguments.bundle}: {size} bytes\n")
    return 0 if result.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
