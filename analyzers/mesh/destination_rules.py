"""Which DestinationRule a client's proxy uses for a host, and what it says for a port and a subset.

Rules of one namespace and host are merged as istiod merges them. Lookup: the client's namespace, the service's, the
root namespace; the most specific host of the first namespace that has any. Sidecar egress hosts play no part.
Source: istio/istio `pilot/pkg/model/push_context.go` (setDestinationRules, destinationRule), `destination_rule.go`
(mergeDestinationRule) and `pilot/pkg/networking/util/util.go` (MergeTrafficPolicy).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analyzers.mesh import hosts
from analyzers.mesh.exports import EVERYWHERE, HERE
from analyzers.mesh.host_index import HostIndex
from analyzers.mesh.objects import Json, at, integer, mapping, mappings, strings, text, texts
from analyzers.mesh.selectors import carries
from analyzers.mesh.services import age_order, is_selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset: its labels, and where it is defined (`spec/subsets[0]` of `item`)."""

    name: str
    labels: Mapping[str, str]
    policy: Mapping[str, Json]
    item: MeshObject
    path: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A part of a traffic policy and where it is written; `value` is null where nothing is said."""

    value: Json = None
    item: MeshObject | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """The merged rules of one namespace for one host. `policy` is the traffic policy of `policy_item`.

    `selector` holds the labels of the client workloads that it is for; null: for all.
    """

    host: str
    namespace: str
    items: tuple[MeshObject, ...]
    policy: Mapping[str, Json]
    policy_item: MeshObject
    subsets: tuple[Subset, ...]
    stated_export_to: frozenset[str]
    selector: Mapping[str, str] | None

    def subset(self, name: str) -> Subset | None:
        """The subset of this name."""
        return next((subset for subset in self.subsets if subset.name == name), None)

    def setting(self, name: str, port: int | None = None, subset: str | None = None) -> Setting:
        """What holds of `tls`, `connectionPool`, `outlierDetection` or `loadBalancer` for a port and a subset.

        A port's settings replace all of the host's, also those that they leave out; a subset's come on top.
        """
        found = _of_policy(Setting(), self.policy, name, port, self.policy_item, "spec/trafficPolicy")
        chosen = self.subset(subset) if subset else None
        if chosen is None:
            return found
        return _of_policy(found, chosen.policy, name, port, chosen.item, f"{chosen.path}/trafficPolicy")


class DestinationRules:
    """All rules of a cluster, merged and indexed. Get it with `destination_rules_of`."""

    def __init__(self, mesh: Mesh, cluster: str) -> None:
        settings = mesh.settings(cluster)
        self._root = settings.root_namespace
        local: defaultdict[str, list[DestinationRule]] = defaultdict(list)
        exported: defaultdict[str, list[DestinationRule]] = defaultdict(list)
        root_private: list[DestinationRule] = []
        items = [
            item
            for item in mesh.of_kind("DestinationRule", cluster=cluster)
            if is_selected(mesh, item.namespace, cluster)
        ]
        for item in sorted(items, key=lambda found: ("workloadSelector" not in found.spec, age_order(found))):
            rule = _rule(item, settings.cluster_domain)
            stated = rule.stated_export_to
            if not stated or stated & {EVERYWHERE, HERE, item.namespace}:
                local[item.namespace].append(rule)
            default_private = not stated and HERE in settings.default_destination_rule_export_to
            if default_private or stated in ({HERE}, {item.namespace}):
                if item.namespace == self._root:
                    root_private.append(rule)
            else:
                exported[item.namespace].append(rule)
        self._local = {name: _merged(rules) for name, rules in local.items()}
        self._exported = {name: _merged(rules) for name, rules in exported.items()}
        self._root_private = _merged(root_private)
        merged = {
            id(rule): rule for index in (*self._local.values(), *self._exported.values()) for rule in index.values()
        }
        self._everywhere: HostIndex[DestinationRule] = HostIndex((rule.host, rule) for rule in merged.values())

    def of(
        self, host: str, service_namespace: str, client_namespace: str, client_labels: Mapping[str, str] | None = None
    ) -> DestinationRule | None:
        """The rule that clients of a namespace (and with these labels) use for a full host name."""
        return _chosen(self._candidates(host, service_namespace, client_namespace), client_namespace, client_labels)

    def everywhere(self, host: str) -> Iterator[DestinationRule]:
        """The rules of all namespaces that take in a host."""
        for _, found in self._everywhere.covering(host):
            yield from found

    def _candidates(self, host: str, service_namespace: str, client_namespace: str) -> tuple[DestinationRule, ...]:
        own = self._root_private if client_namespace == self._root else self._local.get(client_namespace)
        if own is not None and (found := own.best(host)):
            return found
        for namespace in (service_namespace, self._root):
            if namespace in self._exported:
                found = tuple(
                    rule
                    for rule in self._exported[namespace].best(host)
                    if not rule.stated_export_to or rule.stated_export_to & {EVERYWHERE, client_namespace}
                )
                if found:
                    return found
        return ()


def destination_rules_of(mesh: Mesh, cluster: str = "") -> DestinationRules:
    """The rules of a cluster, merged once."""
    return mesh.cached(f"destination rules {cluster}", lambda known: DestinationRules(known, cluster))


def rules_for_host(mesh: Mesh, host: str, cluster: str = "") -> Iterator[DestinationRule]:
    """Every rule of any namespace that takes in a host, each as its own namespace's clients have it."""
    yield from destination_rules_of(mesh, cluster).everywhere(host)


def subsets_of(item: MeshObject) -> tuple[Subset, ...]:
    """The subsets that one DestinationRule defines."""
    return tuple(
        Subset(
            name=text(subset.get("name")) or "",
            labels=strings(subset.get("labels")),
            policy=mapping(subset.get("trafficPolicy")),
            item=item,
            path=f"spec/subsets[{position}]",
        )
        for position, subset in mappings(item.spec.get("subsets"))
    )


def _rule(item: MeshObject, domain: str) -> DestinationRule:
    has_selector = "workloadSelector" in item.spec
    return DestinationRule(
        host=hosts.full_name(text(item.spec.get("host")) or "", item.namespace, domain),
        namespace=item.namespace,
        items=(item,),
        policy=mapping(item.spec.get("trafficPolicy")),
        policy_item=item,
        subsets=subsets_of(item),
        stated_export_to=frozenset({HERE} if has_selector else texts(item.spec.get("exportTo"))),
        selector=strings(at(item.spec, "workloadSelector", "matchLabels")) if has_selector else None,
    )


def _merged(rules: Iterable[DestinationRule]) -> HostIndex[DestinationRule]:
    by_host: dict[str, list[DestinationRule]] = {}
    for rule in rules:
        known = by_host.setdefault(rule.host, [])
        is_apart = True
        for position, older in enumerate(known):
            same = rule.stated_export_to == older.stated_export_to
            wider = bool(older.stated_export_to) and rule.stated_export_to > older.stated_export_to
            if rule.selector == older.selector and (same or wider):
                known[position] = _joined(older, rule)
                is_apart = is_apart and not same
        if is_apart:
            known.append(rule)
    return HostIndex((rule.host, rule) for known in by_host.values() for rule in known)


def _joined(older: DestinationRule, newer: DestinationRule) -> DestinationRule:
    """Both in one: the newer one adds the subsets that are new, and its policy where there is none."""
    names = {subset.name for subset in older.subsets}
    takes_policy = not older.policy and bool(newer.policy)
    return replace(
        older,
        items=(*older.items, *newer.items),
        policy=newer.policy if takes_policy else older.policy,
        policy_item=newer.policy_item if takes_policy else older.policy_item,
        subsets=(*older.subsets, *(subset for subset in newer.subsets if subset.name not in names)),
    )


def _chosen(
    rules: tuple[DestinationRule, ...], client_namespace: str, labels: Mapping[str, str] | None
) -> DestinationRule | None:
    general = None
    for rule in rules:
        if rule.selector is None:
            general = rule
        elif rule.namespace == client_namespace and labels is not None and carries(labels, rule.selector):
            return rule
    return general


def _of_policy(
    before: Setting, policy: Mapping[str, Json], name: str, port: int | None, item: MeshObject, path: str
) -> Setting:
    found = before
    if policy.get(name) is not None:
        found = Setting(policy[name], item, f"{path}/{name}")
    for position, level in mappings(policy.get("portLevelSettings")):
        if port is not None and integer(at(level, "port", "number")) == port:
            value = level.get(name)
            where = f"{path}/portLevelSettings[{position}]"
            return Setting(value, item, f"{where}/{name}" if value is not None else where)
    return found
