"""`expected_findings.json` of a run: what a diagnosis has to say of each window, as the shared corpora write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.diagnosis.causes import BY_NAME

if TYPE_CHECKING:
    from tests.lab.model import JsonObject, Scenario
    from tests.lab.truth import GroundTruth


def expected_findings(scenario: Scenario, truth: GroundTruth) -> JsonObject:
    """The closed vocabulary, and of each fault that was made and has an expectation its window in epoch seconds."""
    faults = {fault.name: fault for fault in scenario.faults}
    windows: list[JsonObject] = []
    for made in truth.document["faults"]:
        expected = faults[made["name"]].expected
        if expected is None:
            continue
        windows.append(
            {
                "window": made["name"],
                "start": made["start"],
                "end": made["end"],
                "target": made["target"],
                "causes": expected.causes,
                "object": expected.object,
                "seen_in": expected.seen_in,
                "edges": [{"caller": caller, "callee": callee} for caller, callee in expected.edges],
            }
        )
    return {"vocabulary": sorted(BY_NAME), "windows": windows}
