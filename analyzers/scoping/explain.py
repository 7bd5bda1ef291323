"""The whole reasoning behind one recommendation, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.scoping.coverage import utc
from analyzers.scoping.frequency import SLICES, frequency
from analyzers.scoping.manifest import coverage_text, to_yaml
from analyzers.scoping.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.scoping.model import Benefit, HostDecision, Reason, Recommendation, Replay
    from analyzers.scoping.proposal import Consumer, Proposal


def explanation(item: Recommendation) -> str:
    """Verdict, reasons, each host kept, inferred or refused with its evidence, coverage, replay, benefit, manifest."""
    # YAML is already escaped by its writer; its line breaks stay.
    return "\n".join("\n".join(map(printable, line.split("\n"))) for line in _lines(item)) + "\n"


def proposal_explanation(item: Proposal) -> str:
    """The same for what goes beyond single workloads, with everybody who decides it."""
    return "\n".join("\n".join(map(printable, line.split("\n"))) for line in _proposal_lines(item)) + "\n"


def _proposal_lines(item: Proposal) -> Iterator[str]:
    yield f"{item.kind} {item.namespace}/{item.name} for {item.target}"
    yield f"verdict: {item.verdict}{', preferred to Sidecars of single workloads' if item.is_preferred else ''}"
    yield from (f"  {reason.verdict:<11} {_reason(reason)}" for reason in item.reasons)
    yield f"coverage: {item.observed.workloads_known} of {item.observed.workloads} workloads known well enough"
    if item.observed.window_start and item.observed.window_end:
        yield f"window: {utc(item.observed.window_start)} to {utc(item.observed.window_end)}"
    yield f"values: {', '.join(item.values)}"
    yield from (f"needed by: {_consumer(one)}" for one in item.consumers)
    yield from (f"first: {need}" for need in item.needs)
    if item.replay is not None:
        yield f"replay: {_in_force(item.replay)}"
    if item.benefit is not None:
        yield from _benefit(item.benefit)
    if item.manifest is not None:
        yield "manifest:"
        yield to_yaml(item.manifest).rstrip()


def _reason(reason: Reason) -> str:
    return f"{f'{reason.code}: ' if reason.code else ''}{reason.message}"


def _consumer(one: Consumer) -> str:
    seen = f", {one.calls} calls" if one.calls else ""
    last = f", last {utc(one.last_seen)}" if one.last_seen else ""
    return f"{one.namespace}/{one.name} ({one.knowledge}{seen}{last})"


def _lines(item: Recommendation) -> Iterator[str]:
    yield f"{item.kind} {item.namespace}/{item.name} for workload {item.workload} ({', '.join(item.controllers)})"
    yield f"selector: {', '.join(f'{key}={value}' for key, value in sorted(item.selector.items())) or 'none'}"
    yield f"verdict: {item.verdict}"
    for reason in item.reasons:
        yield f"  {reason.verdict:<11} {_reason(reason)}"
    yield f"coverage: {coverage_text(item.coverage)}"
    if item.coverage.window_start and item.coverage.window_end:
        yield f"window: {utc(item.coverage.window_start)} to {utc(item.coverage.window_end)}"
    yield "hosts:"
    for decision in item.decisions:
        yield f"  {_kept(item, decision)}"
    yield from (f"  {host} (BASE)" for host in item.base if host not in {kept.host for kept in item.decisions})
    yield from _refused(item)
    if item.replay is not None:
        yield f"replay: {_replay(item.replay)}"
    if item.in_force is not None:
        yield f"the Sidecar in force: {_in_force(item.in_force)}"
    if item.benefit is not None:
        yield from _benefit(item.benefit)
    for draft in item.service_entries:
        yield "optional ServiceEntry:"
        yield to_yaml(draft).rstrip()
    if item.manifest is not None:
        yield "patch:" if item.kind == "SidecarPatch" else "manifest:"
        yield to_yaml(item.manifest).rstrip()


def _kept(item: Recommendation, decision: HostDecision) -> str:
    mark = {"inferred": "comes along"}.get(decision.role, "kept" if decision.host in item.hosts else "covered")
    if item.verdict == "ABSTAIN":
        mark = "seen"
    seen = f", {decision.calls} calls" if decision.calls else ""
    if decision.first_seen and decision.last_seen:
        seen += f" {utc(decision.first_seen)} to {utc(decision.last_seen)}"
    rate = frequency(decision.slices, item.coverage.observed_s)
    if rate is not None:
        seen += f" in {rate.slices} of {SLICES} parts of the window ({rate.pattern})"
    source = f" ({', '.join(decision.evidence)})" if decision.evidence else ""
    return f"{mark}: {decision.host} [{decision.role}] {decision.because}{seen}{source}"


def _refused(item: Recommendation) -> Iterator[str]:
    if item.refusals:
        yield "no host for:"
    for refusal in item.refusals:
        port = f":{refusal.port}" if refusal.port else ""
        yield f"  {refusal.name}{port} ({refusal.calls} calls): {refusal.because}"


def _in_force(found: Replay) -> str:
    lost = f" ({'; '.join(found.out_of_scope)})" if found.out_of_scope else ""
    return f"{found.calls_out_of_scope} of {found.calls_after} calls leave its scope{lost}"


def _replay(replay: Replay) -> str:
    split = f" at {utc(replay.split_at)}" if replay.split_at else ""
    lost = f" ({'; '.join(replay.out_of_scope)})" if replay.out_of_scope else ""
    return (
        f"split{split}: recommended from {replay.calls_before} calls before, "
        f"{replay.calls_out_of_scope} of {replay.calls_after} calls after would have left scope{lost}"
    )


def _benefit(benefit: Benefit) -> Iterator[str]:
    before, after = benefit.before, benefit.after
    yield f"benefit for each of {benefit.proxies} proxies:"
    yield f"  services {before.services} -> {after.services}, clusters {before.clusters} -> {after.clusters},"
    yield f"  endpoints {before.endpoints} -> {after.endpoints},"
    yield f"  memory {before.memory_bytes / 1e6:.1f} MB -> {after.memory_bytes / 1e6:.1f} MB"
    yield f"  formula: {benefit.formula}"
    yield f"  inputs: {', '.join(f'{key}={value:g}' for key, value in benefit.inputs.items())}"
