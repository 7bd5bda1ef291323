"""Real Envoys on one machine, with Istio's names, around small services that count what they do.

`run_lab(scenario, out_dir)` runs a scenario from start to end, `LabMesh` does so in an event loop, `BackgroundLab`
beside a test that does other things; `verify(truth)` compares the proxies' logs with what the applications counted.
"""

from tests.lab.background import BackgroundLab
from tests.lab.fleet import LabError
from tests.lab.mesh import LabMesh, run_lab
from tests.lab.model import Behaviour, Fault, Scenario
from tests.lab.scenarios import SCENARIOS, SHOP_SCENARIO, SMOKE
from tests.lab.truth import EdgeTruth, GroundTruth
from tests.lab.verify import verify

__all__ = [
    "SCENARIOS",
    "SHOP_SCENARIO",
    "SMOKE",
    "BackgroundLab",
    "Behaviour",
    "EdgeTruth",
    "Fault",
    "GroundTruth",
    "LabError",
    "LabMesh",
    "Scenario",
    "run_lab",
    "verify",
]
