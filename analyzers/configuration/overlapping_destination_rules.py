"""DestinationRules of one host of which a part does nothing.

**What.** Rules of one namespace for one host that define a subset twice, or that both have a traffic policy.

**Why it matters.** istiod merges them, the oldest first: a second subset of the same name and a second traffic policy
are dropped without a word.

**Evidence.** The part that is dropped, and the rule that it loses to. Rules for different hosts (one of them a
wildcard) do not merge, and neither do those of different namespaces, of different client workloads, or with different
exportTo: they are not compared.

**Fix.** One rule for a host.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh import hosts
from analyzers.mesh.destination_rules import subsets_of
from analyzers.mesh.objects import at, strings, text, texts
from analyzers.mesh.services import age_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

DROPPED: Final = kiali_code(
    "KIA0201", "Part of a DestinationRule dropped", "warning", "An older rule for the host says the same part."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every part that loses to an older rule."""
    del rules
    for cluster in mesh.clusters:
        domain = mesh.settings(cluster).cluster_domain
        alike: defaultdict[tuple[object, ...], list[MeshObject]] = defaultdict(list)
        for item in sorted(mesh.of_kind("DestinationRule", cluster=cluster), key=age_order):
            alike[_merged_by(item, domain)].append(item)
        for items in alike.values():
            if len(items) > 1:
                yield from _dropped(items)


def _merged_by(item: MeshObject, domain: str) -> tuple[object, ...]:
    host = hosts.full_name(text(item.spec.get("host")) or "", item.namespace, domain)
    selector = frozenset(strings(at(item.spec, "workloadSelector", "matchLabels")).items())
    return item.namespace, host, "workloadSelector" in item.spec, selector, frozenset(texts(item.spec.get("exportTo")))


def _dropped(items: Iterable[MeshObject]) -> Iterator[Finding]:
    owners: dict[str, MeshObject] = {}
    policy_of: MeshObject | None = None
    for item in items:
        if item.spec.get("trafficPolicy"):
            if policy_of is not None:
                message = f"the traffic policy is dropped: {full_name(policy_of)} is older and has one"
                yield finding(DROPPED, item, message, path="spec/trafficPolicy")
            policy_of = policy_of or item
        for subset in subsets_of(item):
            owner = owners.setdefault(subset.name, item)
            if owner is not item:
                message = f"subset {subset.name} is dropped: {full_name(owner)} is older and defines it"
                yield finding(DROPPED, item, message, path=f"{subset.path}/name")


ANALYZER: Final = configuration_analyzer(
    "overlapping_destination_rules",
    kinds=("DestinationRule",),
    codes=(DROPPED,),
    check=check,
    documentation=__doc__ or "",
)
