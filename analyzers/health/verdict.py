"""From counts to a word: when something is healthy, degraded or failing, and when nothing can be said.

Shares are judged by Wilson's bounds, so that one failure of three calls is not an outage and three hundred of nine
hundred are one. What always was so is compared with the day before, and told apart from what is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from analyzers.framework.statistics import wilson_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Status = Literal["healthy", "unknown", "degraded", "failing"]

#: From the best to the worst. What is unknown is worse than what is known to be well.
STATUSES: Final[tuple[Status, ...]] = ("healthy", "unknown", "degraded", "failing")

#: Shares of failed calls from which on, for sure, something is degraded or failing.
DEGRADED: Final = 0.01
FAILING: Final = 0.10
#: A rise over the day before counts from one percentage point on; of 4xx answers, which are mostly the callers' doing,
#: from five.
RISE: Final = 0.01
CLIENT_ERROR_RISE: Final = 0.05
#: Share of calls that needed more than one attempt.
RETRIED: Final = 0.10
#: Latency of the 95th percentile over that of the day before, and the difference that it takes at least.
SLOWER: Final = 1.5
SLOWER_MS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was judged: what it says of the status, and why, in one phrase."""

    status: Status
    text: str


def judge(row: Mapping[str, Any], minimum_samples: int) -> tuple[Status, tuple[Reason, ...]]:
    """The status that the counts of one row (`sql/queries/health.sql`) give, with every reason, the worst first."""
    if row["calls"] < minimum_samples:
        few = f"{row['calls']} calls; it takes {minimum_samples} to judge"
        return "unknown", (Reason("unknown", few),)
    reasons = sorted(_reasons(row, minimum_samples), key=lambda reason: -STATUSES.index(reason.status))
    return (reasons[0].status if reasons else "healthy"), tuple(reasons)


def judge_replicas(desired: int, available: int) -> Reason | None:
    """What a workload's replicas say: none of some is failing, fewer than asked for degraded; null: all are there."""
    if available >= desired:
        return None
    text = f"{available} of {desired} replicas available"
    return Reason("failing" if available == 0 else "degraded", text)


def _reasons(row: Mapping[str, Any], minimum_samples: int) -> Iterator[Reason]:
    calls, failures = row["calls"], row["failures"]
    has_baseline = row["baseline_calls"] >= minimum_samples
    lower, _ = wilson_bounds(failures, calls)
    if failures and lower >= DEGRADED:
        status: Status = "failing" if lower >= FAILING else "degraded"
        yield Reason(status, _failed(row, has_baseline=has_baseline))
    elif has_baseline and _rose(failures, calls, row["baseline_failures"], row["baseline_calls"], RISE):
        yield Reason("degraded", _failed(row, has_baseline=True))
    if has_baseline and _rose(
        row["client_errors"], calls, row["baseline_client_errors"], row["baseline_calls"], CLIENT_ERROR_RISE
    ):
        was = _percent(row["baseline_client_errors"], row["baseline_calls"])
        yield Reason("degraded", f"{_percent(row['client_errors'], calls)} answered with 4xx, {was} the day before")
    retried_lower, _ = wilson_bounds(row["retried"], calls)
    if retried_lower >= RETRIED:
        yield Reason("degraded", f"{_percent(row['retried'], calls)} of the calls took more than one attempt")
    now, before = row["p95_ms"], row["baseline_p95_ms"]
    if has_baseline and now is not None and before is not None and now >= SLOWER * before and now - before >= SLOWER_MS:
        yield Reason("degraded", f"95th percentile {now:.0f} ms, {before:.0f} ms the day before")


def _failed(row: Mapping[str, Any], *, has_baseline: bool) -> str:
    text = f"{row['failures']} of {row['calls']} calls failed ({_percent(row['failures'], row['calls'])})"
    if row["proxy_made"]:
        text += f", {row['proxy_made']} of them by a proxy's decision"
    flags = ", ".join(f"{flag} {count}" for flag, count in _pairs(row["flags"])[:4])
    text += f" ({flags})" if flags else ""
    if has_baseline:
        text += f"; {_percent(row['baseline_failures'], row['baseline_calls'])} the day before"
    return text


def _rose(hits: int, trials: int, before_hits: int, before_trials: int, least: float) -> bool:
    """Whether a share rose by more than chance explains, and by `least` at least."""
    lower, _ = wilson_bounds(hits, trials)
    _, upper = wilson_bounds(before_hits, before_trials)
    return lower > upper and hits / trials - before_hits / before_trials >= least


def _pairs(flags: object) -> list[tuple[str, int]]:
    """Flags with their counts, the most frequent first; DuckDB gives a map as pairs."""
    given = flags.items() if isinstance(flags, dict) else flags or ()
    return sorted(given, key=lambda pair: (-pair[1], pair[0]))  # type: ignore[call-overload, no-any-return]  # as above


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
