"""The body of a pull request: what changes, on what evidence, what it saves, in which order, and how to go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.scoping.coverage import utc
from analyzers.scoping.manifest import coverage_text
from analyzers.scoping.names import printable
from analyzers.scoping.rollout import CHECKS, WATCH, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzers.scoping.model import Recommendation, ScopingResult
    from analyzers.scoping.proposal import Proposal

# Names come from telemetry and from users' objects: nothing of them may become markup.
_MARKUP: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]()#+!|<>~"})
_NAMED_CONSUMERS: Final = 10


def markdown(result: ScopingResult) -> str:
    """The whole body; ends with a line break."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: ScopingResult) -> Iterator[str]:
    written = [item for item in result.recommendations if item.manifest is not None]
    refused = [item for item in result.recommendations if item.manifest is None]
    proposed = [item for item in result.proposals if item.manifest is not None]
    yield "# Sidecar scoping from observed traffic"
    yield ""
    yield f"{len(written)} Sidecars, {len(proposed)} changes beyond single workloads; no manifest for {len(refused)}."
    yield from _saved(written)
    yield from _workloads(written)
    for item in written:
        yield from _reasons(f"{item.namespace}/{item.name}", item)
    if proposed:
        yield from ("", "## Beyond single workloads", "")
        yield from (line for item in proposed for line in _proposal(item))
    if refused:
        yield from ("", "## Not recommended", "")
        for item in refused:
            why = "; ".join(_safe(reason.message) for reason in item.reasons if reason.verdict == "ABSTAIN")
            yield f"- **{_safe(f'{item.namespace}/{item.workload}')}**: {why or 'the Sidecar in force will do'}"
    yield from _order(result)


def _saved(written: Iterable[Recommendation]) -> Iterator[str]:
    benefits = [item.benefit for item in written if item.benefit]
    if benefits:
        proxies = sum(one.proxies for one in benefits)
        spared = sum((one.before.memory_bytes - one.after.memory_bytes) * one.proxies for one in benefits)
        clusters = sum((one.before.clusters - one.after.clusters) * one.proxies for one in benefits)
        yield ""
        yield f"Estimated over {proxies} proxies: {spared / 1e6:.1f} MB of memory and {clusters} clusters less."


def _workloads(written: Iterable[Recommendation]) -> Iterator[str]:
    yield from ("", "| object | verdict | hosts | replay | evidence |", "|---|---|---|---|---|")
    for item in written:
        replay = "none"
        if item.replay is not None:
            replay = f"{item.replay.calls_out_of_scope} of {item.replay.calls_after} later calls out of scope"
        window = f"{utc(item.coverage.window_start)} on" if item.coverage.window_start else "no window"
        hosts = ", ".join(map(_safe, item.hosts))
        evidence = _safe(f"{window}, {coverage_text(item.coverage)}")
        name = _safe(f"{item.kind} {item.namespace}/{item.name}")
        yield f"| {name} | {item.verdict} | {hosts} | {replay} | {evidence} |"


def _reasons(name: str, item: Recommendation) -> Iterator[str]:
    told = [reason for reason in item.reasons if reason.code or reason.verdict != "EMIT"]
    if told:
        yield from ("", f"**{_safe(name)}**", "")
    for reason in told:
        yield f"- {_safe(f'{reason.code}: ' if reason.code else '')}{_safe(reason.message)}"


def _proposal(item: Proposal) -> Iterator[str]:
    yield f"- **{_safe(f'{item.kind} {item.target}')}** ({item.verdict}): {', '.join(map(_safe, item.values))}"
    if item.consumers:
        named = [f"{one.namespace}/{one.name} ({one.knowledge})" for one in item.consumers[:_NAMED_CONSUMERS]]
        more = len(item.consumers) - len(named)
        yield f"  - needed by {_safe(', '.join(named))}{f' and {more} more' if more else ''}"
    yield from (f"  - {_safe(reason.message)}" for reason in item.reasons)


def _order(result: ScopingResult) -> Iterator[str]:
    found = steps(result)
    if not found:
        return
    yield from ("", "## Order", "")
    for number, step in enumerate(found, start=1):
        yield f"{number}. {_safe(step.title)} ({step.proxies} proxies): {_safe(', '.join(step.objects))}"
    yield from ("", "Between two steps:", "")
    yield from (f"- [ ] {check}" for check in CHECKS)
    yield from ("", "Watch:", "")
    yield from (f"- {what}" for what in WATCH)
    yield from ("", "To go back: `meshlens rollback REVISION --out DIR`, and the `*.rollback.yaml` files.")


def _safe(text: str) -> str:
    return printable(text).translate(_MARKUP)
