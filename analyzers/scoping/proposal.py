"""What is recommended beyond single workloads: Sidecars of namespaces and the mesh, exportTo, discoverySelectors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from analyzers.scoping.model import Benefit, Reason, Replay, Verdict

ProposalKind = Literal["NamespaceSidecar", "RootSidecar", "ExportTo", "DiscoverySelectors"]

#: How a consumer is known: calls of its own log, of the callee's, metrics, configuration that will need it, or not at
#: all (`unobserved`: too little is known of it to leave it out).
Knowledge = Literal["caller_log", "callee_log", "metrics", "configuration", "unobserved"]


@dataclass(frozen=True, slots=True)
class Consumer:
    """Somebody who needs what a proposal is about: a workload or gateway of a namespace."""

    namespace: str
    name: str
    knowledge: Knowledge
    calls: int = 0
    calls_before: int = 0
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """How many of the workloads that decide a proposal are known well enough, and from when to when."""

    workloads: int
    workloads_known: int
    window_start: datetime | None = None
    window_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One of them.

    `target` is the object it is for (`Service/shop/web`, `Namespace/shop`, `Mesh/east`); `values` are hosts, entries
    of exportTo, or the namespaces that selectors leave out (or, where some block, add). `consumers` decide it; `needs`
    must exist before it is applied.
    `manifest` is a resource for Sidecars, else a merge patch or a part of the mesh's settings; null with ABSTAIN.
    `is_preferred`: this level is the better one (a Sidecar of a namespace instead of its workloads').
    """

    kind: ProposalKind
    namespace: str
    name: str
    target: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    values: tuple[str, ...]
    observed: Observed
    consumers: tuple[Consumer, ...] = ()
    needs: tuple[str, ...] = ()
    replay: Replay | None = None
    benefit: Benefit | None = None
    manifest: Mapping[str, object] | None = None
    rollback: Mapping[str, object] | None = None
    is_preferred: bool = False

    @property
    def proposal_id(self) -> str:
        """16 hexadecimal digits of what is proposed, without times and counts."""
        content = json.dumps([self.kind, self.target, list(self.values)])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warning codes, sorted, without doubles."""
        return tuple(sorted({reason.code for reason in self.reasons if reason.code}))
