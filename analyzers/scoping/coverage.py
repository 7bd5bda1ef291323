"""How well a workload was observed, and what that allows a recommendation to say.

The window runs from the first to the last line of the workload's proxies, inbound lines included: they prove that
the log was collected. Nothing observed is never read as nothing called.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from analyzers.scoping.model import Coverage, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from analyzers.scoping.access_logging import AccessLogging
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.observation import Observed
    from analyzers.scoping.workloads import Workload

#: A share of calls above this that only the other side saw means that the caller's log is incomplete.
MISSED_SHARE: Final = 0.01
#: Metrics that count this much more than the log (and by more than a handful) mean that the log is a sample.
METRIC_EXCESS: Final = 1.2
METRIC_EXCESS_CALLS: Final = 20


def coverage_of(workload: Workload, observed: Observed, logging: AccessLogging, mesh: Mesh, mirrored: int) -> Coverage:
    """The figures. `mirrored` requests, which no caller logs, are not counted as missing from its log."""
    return Coverage(
        window_start=observed.start,
        window_end=observed.end,
        pods=len(workload.living),
        pods_logged=observed.lines.pods,
        lines=observed.lines.lines,
        calls=observed.count("caller_log"),
        calls_to_meshed=sum(
            call.calls for call in observed.calls if call.evidence == "caller_log" and call.callee in mesh.meshed_hosts
        ),
        calls_seen_by_both=observed.seen_by_both,
        calls_seen_by_callee_only=observed.count("callee_log") - mirrored,
        metric_calls=observed.metric_calls,
        logging=logging.state,
        sampled_share=_sampled_share(observed, logging),
    )


def judge(
    workload: Workload,
    observed: Observed,
    logging: AccessLogging,
    minimum_window: timedelta,
    end: datetime | None,
    mirrored: int,
) -> Iterator[Reason]:
    """Everything about the observation that lowers the verdict. `end` is the end of all telemetry."""
    if not workload.living:
        if not workload.reasons:
            yield Reason("ABSTAIN", "none of its pods exists any more", "NO_OBSERVATION")
        return
    if all(pod.is_crashing for pod in workload.living):
        yield Reason("ABSTAIN", "every pod crashes in a loop (CrashLoopBackOff)", "NO_OBSERVATION")
    if observed.lines.lines == 0 and observed.metric_calls is None:
        yield Reason(
            "ABSTAIN",
            "its proxies wrote no access-log line and no metric names it as a caller; not logged is not not called",
            "NO_OBSERVATION",
        )
        return
    yield from _window(workload, observed, minimum_window, end)
    yield from _logging(observed, logging)
    yield from _both_sides(workload, observed, mirrored)


def _window(workload: Workload, observed: Observed, minimum: timedelta, end: datetime | None) -> Iterator[Reason]:
    if observed.start is None or observed.end is None:
        return
    length = observed.end - observed.start
    if length < minimum:
        yield Reason("ABSTAIN", f"observed for {duration(length)}, {duration(minimum)} are asked for (--min-window)")
        return
    created = [pod.created_at for pod in workload.living]
    born = [time for time in created if time is not None]
    if end is not None and born and len(born) == len(created) and end - min(born) < minimum:
        age = duration(max(end - min(born), timedelta()))
        yield Reason("ABSTAIN", f"its oldest pod is {age} old, {duration(minimum)} are asked for (--min-window)")
    lines = observed.lines
    if lines.first is not None and lines.last is not None and lines.last - lines.first < minimum:
        message = f"its log spans {duration(lines.last - lines.first)} only; the rest of the window rests on metrics"
        yield Reason("EMIT_REVIEW", message, "LOW_COVERAGE")


def _logging(observed: Observed, logging: AccessLogging) -> Iterator[Reason]:
    measured = observed.metric_calls is not None
    if logging.state in {"filtered", "disabled"} and not measured:
        message = f"{logging.because}, and no metric names it as a caller: what it calls is unknown"
        yield Reason("ABSTAIN", message, "NO_OBSERVATION")
    elif logging.state in {"filtered", "disabled"}:
        yield Reason("EMIT_REVIEW", f"{logging.because}; the hosts come from metrics", "LOW_COVERAGE")
    elif logging.state == "sampled" and logging.share is not None:
        yield Reason("EMIT_REVIEW", f"{logging.because} samples: {missed(logging.share)}", "LOW_COVERAGE")
    elif observed.lines.lines == 0:
        yield Reason("EMIT_REVIEW", "no access-log line; the hosts come from metrics alone", "LOW_COVERAGE")
    else:
        share = _sampled_share(observed, logging)
        if share is not None:
            counted = f"metrics count {observed.metric_calls} calls and the log {observed.count('caller_log')}"
            yield Reason("EMIT_REVIEW", f"{counted}: {missed(share)}", "LOW_COVERAGE")


def _both_sides(workload: Workload, observed: Observed, mirrored: int) -> Iterator[Reason]:
    silent = len(workload.living) - observed.lines.pods
    if observed.lines.pods and silent > 0:
        message = f"{silent} of its {len(workload.living)} pods wrote no access-log line"
        yield Reason("EMIT_REVIEW", message, "LOW_COVERAGE")
    alone = observed.count("callee_log") - mirrored
    known = alone + observed.seen_by_both
    if alone and alone / known > MISSED_SHARE:
        message = f"{alone} of {known} calls that the callees logged are missing from the caller's own log"
        yield Reason("EMIT_REVIEW", message, "LOW_COVERAGE")


def missed(share: float) -> str:
    """What a sample of `share` of all calls may miss: a dependency called n times goes unseen with (1 - share)^n."""
    chances = ", ".join(f"{(1 - share) ** calls:.0%} of those called {calls} times" for calls in (10, 100, 1000))
    return f"with {share:.2%} of calls logged, a log misses {chances} in the window"


def duration(length: timedelta) -> str:
    """A length of time in its two largest units."""
    seconds = round(length.total_seconds())
    parts = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count) or "0s"


def utc(time: datetime) -> str:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sampled_share(observed: Observed, logging: AccessLogging) -> float | None:
    """The share of calls in the log: what the configuration says, else what metrics say where they count far more."""
    if logging.share is not None:
        return logging.share
    logged = observed.count("caller_log")
    counted = observed.metric_calls
    if not counted or logging.state != "full" or observed.lines.lines == 0:
        return None
    excess = counted > logged * METRIC_EXCESS and counted - logged > METRIC_EXCESS_CALLS
    return logged / counted if excess else None
