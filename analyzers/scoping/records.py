"""Recommendations as plain values: JSON documents and rows of the lake's `recommendations` table."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from analyzers.framework.export.json import json_value
from analyzers.framework.finding import fingerprint
from analyzers.scoping.coverage import utc
from analyzers.scoping.frequency import frequency, unseen
from analyzers.scoping.manifest import to_yaml
from analyzers.scoping.recommend import recommend
from analyzers.scoping.resource_definitions import checked, definitions_in
from analyzers.scoping.rollout import CHECKS, WATCH, steps
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from pipelines.schemas import RECOMMENDATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzers.schema.definitions import Definitions
    from analyzers.scoping.assessment import Settings
    from analyzers.scoping.model import HostDecision, Recommendation, ScopingResult
    from analyzers.scoping.proposal import Proposal


def recommend_lake(lake_uri: str, settings: Settings, definitions: Definitions | None = None) -> ScopingResult:
    """Recommend for a lake and append the recommendations to its `recommendations` table as one run.

    Manifests are checked against the lake's CustomResourceDefinitions, and before those against `definitions`.

    Raises:
        LakeError: the lake cannot be read or written.
    """
    with open_session(lake_uri) as session:
        result = recommend(session, settings)
        known = definitions_in(session)
    known = known if definitions is None else known.over(definitions)
    if known.kinds:
        note = f"manifests were checked against {known.count()} versions of CustomResourceDefinitions"
        items = tuple(checked(item, known) for item in result.recommendations)
        result = replace(result, recommendations=items, notes=(*result.notes, note))
    if not result.skipped:
        rows = pa.concat_tables([recommendation_rows(result.recommendations), proposal_rows(result.proposals)])
        Lake.open(lake_uri).append("recommend", {RECOMMENDATIONS.name: rows}, _parameters(settings))
    return result


def recommendation_rows(recommendations: Iterable[Recommendation]) -> pa.Table:
    """Rows of the `recommendations` table without `run_id`, which the lake fills in."""
    produced_at = datetime.now(UTC)
    rows = [
        {
            "produced_at": produced_at,
            "kind": item.kind,
            "namespace": item.namespace,
            "name": item.name,
            "workload": item.workload,
            "verdict": item.verdict,
            "hosts": list(item.hosts),
            "warnings": list(item.warnings),
            "reasons": _text([asdict(reason) for reason in item.reasons]),
            "coverage": _text(evidence(item)),
            "manifest": to_yaml(item.manifest) if item.manifest is not None else None,
            "window_start": item.coverage.window_start,
            "window_end": item.coverage.window_end,
            "fingerprint": identity(item),
        }
        for item in recommendations
    ]
    schema = RECOMMENDATIONS.schema
    return pa.Table.from_pylist(rows, schema=schema.remove(schema.get_field_index("run_id")))


def proposal_rows(proposals: Iterable[Proposal]) -> pa.Table:
    """Rows of the same table for what goes beyond single workloads: `workload` is the target, `hosts` the values."""
    produced_at = datetime.now(UTC)
    rows = [
        {
            "produced_at": produced_at,
            "kind": item.kind,
            "namespace": item.namespace,
            "name": item.name,
            "workload": item.target,
            "verdict": item.verdict,
            "hosts": list(item.values),
            "warnings": list(item.warnings),
            "reasons": _text([asdict(reason) for reason in item.reasons]),
            "coverage": _text(proposal_evidence(item)),
            "manifest": to_yaml(item.manifest) if item.manifest is not None else None,
            "window_start": item.observed.window_start,
            "window_end": item.observed.window_end,
            "fingerprint": fingerprint(item.kind, item.target),
        }
        for item in proposals
    ]
    schema = RECOMMENDATIONS.schema
    return pa.Table.from_pylist(rows, schema=schema.remove(schema.get_field_index("run_id")))


def proposal_evidence(item: Proposal) -> dict[str, object]:
    """What a proposal rests on: who decides it, what must come first, replay and benefit."""
    return {
        **asdict(item.observed),
        "consumers": [asdict(one) for one in item.consumers],
        "needs": list(item.needs),
        "replay": None if item.replay is None else asdict(item.replay),
        "benefit": None if item.benefit is None else asdict(item.benefit),
        "is_preferred": item.is_preferred,
    }


def identity(item: Recommendation) -> str:
    """The same for the same object over re-runs, whatever it says."""
    selector = (f"{key}={value}" for key, value in sorted(item.selector.items()))
    return fingerprint(item.kind, f"{item.namespace}/{item.name}", *selector)


def evidence(item: Recommendation) -> dict[str, object]:
    """What a recommendation rests on: coverage, hosts by role, refused destinations, replay and benefit."""
    return {
        **asdict(item.coverage),
        "observed_s": item.coverage.observed_s,
        "base": list(item.base),
        "decisions": [_decision(decision, item.coverage.observed_s) for decision in item.decisions],
        "unseen_dependencies": unseen(item.decisions),
        "refusals": [asdict(refusal) for refusal in item.refusals],
        "replay": None if item.replay is None else asdict(item.replay),
        "in_force": None if item.in_force is None else asdict(item.in_force),
        "benefit": None if item.benefit is None else asdict(item.benefit),
    }


def _decision(decision: HostDecision, window_s: float) -> dict[str, object]:
    found = frequency(decision.slices, window_s)
    return {**asdict(decision), "frequency": None if found is None else asdict(found)}


def document(result: ScopingResult) -> dict[str, object]:
    """The whole result as one JSON object."""
    return {
        "recommendations": [_entry(item) for item in result.recommendations],
        "proposals": [_proposal_entry(item) for item in result.proposals],
        "excluded": [asdict(item) for item in result.excluded],
        "rollout": {"steps": [asdict(step) for step in steps(result)], "checks": list(CHECKS), "watch": list(WATCH)},
        "notes": list(result.notes),
        "skipped": list(result.skipped),
    }


def _proposal_entry(item: Proposal) -> dict[str, object]:
    return {
        "kind": item.kind,
        "namespace": item.namespace,
        "name": item.name,
        "target": item.target,
        "verdict": item.verdict,
        "warnings": list(item.warnings),
        "reasons": [asdict(reason) for reason in item.reasons],
        "values": list(item.values),
        **proposal_evidence(item),
        "proposal_id": item.proposal_id,
        "manifest": item.manifest,
        "rollback": item.rollback,
    }


def _entry(item: Recommendation) -> dict[str, object]:
    said = evidence(item)
    base, decisions, refusals, replay, in_force, benefit = (
        said.pop(key) for key in ("base", "decisions", "refusals", "replay", "in_force", "benefit")
    )
    return {
        "kind": item.kind,
        "namespace": item.namespace,
        "name": item.name,
        "workload": item.workload,
        "controllers": list(item.controllers),
        "selector": dict(item.selector),
        "verdict": item.verdict,
        "warnings": list(item.warnings),
        "reasons": [asdict(reason) for reason in item.reasons],
        "hosts": list(item.hosts),
        "base": base,
        "decisions": decisions,
        "refusals": refusals,
        "coverage": said,
        "replay": replay,
        "in_force": in_force,
        "benefit": benefit,
        "recommendation_id": item.recommendation_id,
        "fingerprint": identity(item),
        "manifest": item.manifest,
        "service_entries": list(item.service_entries),
        "rollback": item.rollback,
        "widen": item.widen,
    }


def _parameters(settings: Settings) -> dict[str, object]:
    return {**asdict(settings), "minimum_window": f"{settings.minimum_window.total_seconds():g}s"}


def _text(value: object) -> str:
    return json.dumps(value, default=lambda found: utc(found) if isinstance(found, datetime) else json_value(found))
