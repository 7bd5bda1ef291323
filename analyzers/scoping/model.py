"""What a scoping recommendation says: verdict, reasons, hosts, coverage, replay and benefit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from analyzers.scoping.proposal import Proposal

Verdict = Literal["EMIT", "EMIT_REVIEW", "ABSTAIN"]

#: From the best to the worst.
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

#: Why a host is in the manifest. `inferred` hosts need no entry: an imported VirtualService brings them.
Role = Literal[
    "called",
    "virtual_service",
    "alias",
    "own_service",
    "listener_carrier",
    "version_gate",
    "applied",
    "base",
    "inferred",
]

#: What would happen to a call that leaves scope (`outcomes.py` says when).
Outcome = Literal[
    "passthrough_plain_text",
    "refused_plain_text",
    "blocked_502",
    "connection_closed",
    "dns_failure",
    "lost_virtual_service",
]

#: Which telemetry showed a call: the caller's own line, only the callee's line, or metrics.
Evidence = Literal["caller_log", "callee_log", "metrics"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that decides a verdict: `verdict` is the best that it still allows, `code` the warning it raises."""

    verdict: Verdict
    message: str
    code: str | None = None


def worst(reasons: Iterable[Reason]) -> Verdict:
    """The verdict that a list of reasons allows."""
    verdict: Verdict = "EMIT"
    for reason in reasons:
        if VERDICTS.index(reason.verdict) > VERDICTS.index(verdict):
            verdict = reason.verdict
    return verdict


@dataclass(frozen=True, slots=True)
class Observation:
    """Calls of one workload to one destination, as one kind of telemetry shows them.

    `callee` is the routed host (or, without a route, the name or address that was dialled), `requested` the name in
    the authority where it is a name of the mesh. `calls_before` counts those before the replay's split; `slices` are
    the parts of the window, of 64 equal ones, that had calls (none where that is not known). A `long_lived` one is a
    TCP connection that only its bytes show. Where the address of a pod was dialled, `pod` (namespace, name) is who had
    it then, null where nobody is known to, and `owners` how many pods ever had it.
    `by_minute`: from the rollup, which does not keep the requested name.
    """

    callee: str
    route: str
    evidence: Evidence
    calls: int
    calls_before: int
    port: int | None = None
    protocol: str = "http"
    requested: str | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    slices: tuple[int, ...] = ()
    long_lived: bool = False
    pod: tuple[str, str] | None = None
    owners: int = 0
    by_minute: bool = False


@dataclass(frozen=True, slots=True)
class HostDecision:
    """A host that was kept, and why. `calls` is 0 where no call but configuration asks for it.

    `slices`: see `Observation`; `frequency` says what follows from them.
    """

    host: str
    role: Role
    because: str
    calls: int = 0
    evidence: tuple[Evidence, ...] = ()
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    slices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A destination that was called and gets no host, and why."""

    name: str
    because: str
    calls: int
    port: int | None = None
    protocol: str = "http"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How well a workload was observed.

    `calls` are those of its own log, `calls_to_meshed` those of them to hosts whose pods have sidecars and so should
    log them too; `logging` says what its proxies were told to write of outbound calls.
    """

    window_start: datetime | None
    window_end: datetime | None
    pods: int
    pods_logged: int
    lines: int
    calls: int
    calls_to_meshed: int
    calls_seen_by_both: int
    calls_seen_by_callee_only: int
    metric_calls: int | None
    logging: Literal["full", "filtered", "disabled", "sampled"]
    sampled_share: float | None = None

    @property
    def observed_s(self) -> float:
        """Seconds from the first to the last observation."""
        if self.window_start is None or self.window_end is None:
            return 0.0
        return (self.window_end - self.window_start).total_seconds()


@dataclass(frozen=True, slots=True)
class Replay:
    """Hosts checked on calls: those of a recommendation made before `split_at` on the calls after it, or (without a
    split) those of a Sidecar in force on all calls. `outcomes` counts calls by what would have happened to them.
    """

    split_at: datetime | None
    calls_before: int
    calls_after: int
    calls_out_of_scope: int
    out_of_scope: tuple[str, ...] = ()
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProxyLoad:
    """What one proxy is configured with: clusters, endpoints over all of them, and the memory that takes."""

    services: int
    clusters: int
    endpoints: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Benefit:
    """One proxy before and after, how many proxies there are, and the formula with its inputs."""

    before: ProxyLoad
    after: ProxyLoad
    proxies: int
    formula: str
    inputs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One Sidecar (or a patch of one that exists) for the pods that share `selector`.

    `in_force` is what the Sidecar in force, somebody's or ours, does to the calls observed.
    `hosts` is what the manifest imports and contains `base`, the hosts that the proxy itself needs. `manifest` is
    null where the verdict is ABSTAIN. `service_entries` are optional drafts for hosts outside the registry.
    `rollback` is the Sidecar in force, where this would change it; `widen` an emergency Sidecar that takes in whole
    namespaces, where calls are known to leave scope now.
    """

    kind: Literal["Sidecar", "SidecarPatch"]
    namespace: str
    name: str
    workload: str
    controllers: tuple[str, ...]
    selector: Mapping[str, str]
    verdict: Verdict
    reasons: tuple[Reason, ...]
    hosts: tuple[str, ...]
    base: tuple[str, ...]
    decisions: tuple[HostDecision, ...]
    refusals: tuple[Refusal, ...]
    coverage: Coverage
    recommendation_id: str
    replay: Replay | None = None
    in_force: Replay | None = None
    benefit: Benefit | None = None
    manifest: Mapping[str, object] | None = None
    service_entries: tuple[Mapping[str, object], ...] = field(default=())
    rollback: Mapping[str, object] | None = None
    widen: Mapping[str, object] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warning codes, sorted, without doubles."""
        return tuple(sorted({reason.code for reason in self.reasons if reason.code}))


@dataclass(frozen=True, slots=True)
class Excluded:
    """A workload that never gets a Sidecar, and why. `ignored` are Sidecars that select it, without effect."""

    namespace: str
    workload: str
    pods: int
    because: str
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    label_sets: tuple[Mapping[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ScopingResult:
    """Every recommendation, sorted by namespace and name, what was left out, and remarks on the whole.

    `proposals` are what is recommended beyond single workloads.
    """

    recommendations: tuple[Recommendation, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
