"""What the applications and the load generator counted, apart from anything a proxy says."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.lab.model import JsonObject

EdgeKey = tuple[str, str, str]
"""(caller workload, callee host, protocol)"""


@dataclass(frozen=True, slots=True)
class Event:
    """A call made, a request served, or a request sent from outside; `outcome` is a status or an exception's name."""

    kind: Literal["call", "served", "load"]
    t: float
    workload: str
    pod: str
    to: str
    protocol: str
    path: str
    outcome: str
    ms: float
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class EdgeTruth:
    """How often one workload called one host and what came of it."""

    caller: str
    callee: str
    protocol: str
    count: int
    outcomes: dict[str, int]
    ms_total: float

    @property
    def key(self) -> EdgeKey:
        """The edge's identity."""
        return (self.caller, self.callee, self.protocol)

    def as_json(self) -> JsonObject:
        """As in `ground_truth.json`."""
        return {
            "from": self.caller,
            "to": self.callee,
            "protocol": self.protocol,
            "count": self.count,
            "outcomes": self.outcomes,
            "ms_total": self.ms_total,
        }


@dataclass(slots=True)
class Recorder:
    """Collects events while a lab runs."""

    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Remembers an event."""
        self.events.append(event)

    def write(self, path: Path) -> None:
        """All events in order of their start, one JSON object a line, compressed."""
        with gzip.open(path, "wt", encoding="utf-8") as file:
            for event in sorted(self.events, key=lambda each: each.t):
                file.write(json.dumps(asdict(event)) + "\n")


def edges(events: Iterable[Event]) -> list[EdgeTruth]:
    """The calls of applications by edge, sorted. The gateway's are not among them: see `load` for those."""
    grouped: dict[EdgeKey, list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "call":
            grouped[event.workload, event.to, event.protocol].append(event)
    return [
        EdgeTruth(
            *key,
            count=len(calls),
            outcomes=dict(sorted(Counter(call.outcome for call in calls).items())),
            ms_total=round(sum(call.ms for call in calls), 1),
        )
        for key, calls in sorted(grouped.items())
    ]


def served(events: Iterable[Event]) -> dict[str, JsonObject]:
    """Requests answered per workload or external host, by status."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.kind == "served":
            counts[event.workload][event.outcome] += 1
    return {
        name: {"count": sum(by_status.values()), "statuses": dict(sorted(by_status.items()))}
        for name, by_status in sorted(counts.items())
    }


def load_summary(events: Iterable[Event]) -> JsonObject:
    """Requests sent from outside, by outcome: what the gateway must have logged."""
    outcomes = Counter(event.outcome for event in events if event.kind == "load")
    return {"requests": sum(outcomes.values()), "statuses": dict(sorted(outcomes.items()))}


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """A finished run: its folder, the parsed `ground_truth.json`, and the edges of it by key."""

    out_dir: Path
    document: dict[str, Any]
    edges: dict[EdgeKey, EdgeTruth]

    @property
    def input(self) -> Path:
        """The folder a user would have."""
        return self.out_dir / "input"

    @classmethod
    def read(cls, out_dir: Path) -> GroundTruth:
        """Reads a run's folder. Raises OSError, ValueError and KeyError for anything else."""
        document = json.loads((out_dir / "ground_truth.json").read_text(encoding="utf-8"))
        found = [
            EdgeTruth(e["from"], e["to"], e["protocol"], e["count"], e["outcomes"], e["ms_total"])
            for e in document["edges"]
        ]
        return cls(out_dir, document, {edge.key: edge for edge in found})
