"""Policy: which AuthorizationPolicy rule decides on a call to a workload, and what a denied call lacks.

Order: CUSTOM, DENY, ALLOW; AUDIT decides nothing. Without any ALLOW policy what is not denied is allowed. What DENY or
ALLOW surely refuse is denied whatever an external authoriser says. Policies
with `istio.io/dry-run: "true"` only tell what they would do. A ztunnel takes no account of HTTP: there a rule that
asks for HTTP allows nothing and denies all that its other fields match.
Source: istio/istio `pilot/pkg/model/authorization.go`, `pilot/pkg/security/authz/builder` and
https://istio.io/latest/docs/concepts/security/#implicit-enablement.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from analyzers.mesh.objects import mapping, mappings, strings, text
from analyzers.mesh.policy_matches import Call, Failure, Match, rule_match
from analyzers.mesh.selectors import carries
from analyzers.mesh.services import age_order, is_selected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.workloads import Workload

Outcome = Literal["allowed", "denied", "custom", "unknown"]

DRY_RUN: Final = "istio.io/dry-run"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy: `spec/rules[0]` of `item`. `match` says how a call meets it."""

    item: MeshObject
    action: str
    path: str
    match: Match

    @property
    def is_dry_run(self) -> bool:
        """Whether the policy only tells what it would do."""
        return self.item.annotations.get(DRY_RUN) == "true"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a call.

    `rule` decided; null where none did (`allowed`: no ALLOW policy; `denied`: no rule of the ALLOW policies matches).
    `nearest` is, for such a denial, the ALLOW rule of which the call fails the fewest fields, `failure` the first of
    those. `custom`: an external authoriser decides. `shadow` are the rules of dry runs that match. `unknown`: a rule
    that might match needs what is not known of the call.
    """

    outcome: Outcome
    reason: str
    rule: Rule | None = None
    nearest: Rule | None = None
    failure: Failure | None = None
    shadow: tuple[Rule, ...] = ()


class AuthorizationPolicies:
    """All AuthorizationPolicies of a cluster. Get it with `authorization_policies_of`."""

    def __init__(self, mesh: Mesh, cluster: str) -> None:
        self.root = mesh.settings(cluster).root_namespace
        self.trust_domains = (
            mesh.settings(cluster).trust_domain,
            *mesh.settings(cluster).trust_domain_aliases,
        )
        grouped: defaultdict[str, list[MeshObject]] = defaultdict(list)
        for item in sorted(mesh.of_kind("AuthorizationPolicy", cluster=cluster), key=age_order):
            if is_selected(mesh, item.namespace, cluster):
                grouped[item.namespace].append(item)
        self.by_namespace: Mapping[str, Sequence[MeshObject]] = dict(grouped)

    def of(self, server: Workload) -> tuple[MeshObject, ...]:
        """The policies that a workload's own proxy, or its ztunnel, enforces: the root namespace's first."""
        return tuple(
            item
            for namespace in dict.fromkeys((self.root, server.namespace))
            for item in self.by_namespace.get(namespace, ())
            if not has_targets(item) and carries(server.labels, selector_of(item))
        )

    def attached(self, kind: str, namespace: str, name: str) -> tuple[MeshObject, ...]:
        """The policies that name a Gateway, Service or ServiceEntry of their own namespace as their target."""
        return tuple(
            item
            for item in self.by_namespace.get(namespace, ())
            if any(text(target.get("kind")) == kind and text(target.get("name")) == name for target in targets(item))
        )


def authorization_policies_of(mesh: Mesh, cluster: str = "") -> AuthorizationPolicies:
    """The policies of a cluster, read once."""
    return mesh.cached(f"authorization policies {cluster}", lambda known: AuthorizationPolicies(known, cluster))


def decide(mesh: Mesh, server: Workload, call: Call) -> Decision:
    """What a workload's own proxy (or its ztunnel) does with a call."""
    policies = authorization_policies_of(mesh, server.cluster)
    seen = replace(call, is_http=False) if server.data_plane == "ambient" else call
    return decision(policies.of(server), seen, policies.trust_domains)


def decision(
    policies: Sequence[MeshObject], call: Call, trust_domains: tuple[str, ...] = ("cluster.local",)
) -> Decision:
    """What these policies, all of which apply, do with a call; trust domains' other names count as the first."""
    rules = [rule for item in policies for rule in _rules(item, _canonical(call, trust_domains), trust_domains)]
    shadow = tuple(rule for rule in rules if rule.is_dry_run and rule.match.answer)
    live = [rule for rule in rules if not rule.is_dry_run]
    by_action = {action: [rule for rule in live if rule.action == action] for action in ("CUSTOM", "DENY")}
    denied = next((rule for rule in by_action["DENY"] if rule.match.answer), None)
    if denied is not None:
        return Decision("denied", f"{_named(denied)} matches", denied, shadow=shadow)
    decided = replace(_allowed(policies, live), shadow=shadow)
    if decided.outcome == "denied":
        return decided
    custom = next((rule for rule in by_action["CUSTOM"] if rule.match.answer), None)
    if any(rule.match.answer is None for near in by_action.values() for rule in near):
        return Decision("unknown", "a CUSTOM or DENY rule might match", shadow=shadow)
    if custom is None or decided.outcome == "unknown":
        return decided
    return Decision("custom", f"{_named(custom)} matches", custom, shadow=shadow)


def action_of(item: MeshObject) -> str:
    """`ALLOW` (the default), `DENY`, `CUSTOM` or `AUDIT`."""
    return text(item.spec.get("action")) or "ALLOW"


def selector_of(item: MeshObject) -> Mapping[str, str]:
    """The labels that a policy selects workloads by; empty: all."""
    return strings(mapping(item.spec.get("selector")).get("matchLabels"))


def targets(item: MeshObject) -> tuple[Mapping[str, object], ...]:
    """What a policy is attached to by `targetRef` or `targetRefs`."""
    single = mapping(item.spec.get("targetRef"))
    return (*((single,) if single else ()), *(target for _, target in mappings(item.spec.get("targetRefs"))))


def has_targets(item: MeshObject) -> bool:
    """Whether a policy is attached to objects rather than to workloads."""
    return bool(targets(item))


def _allowed(policies: Sequence[MeshObject], live: Sequence[Rule]) -> Decision:
    allowing = [item for item in policies if action_of(item) == "ALLOW" and item.annotations.get(DRY_RUN) != "true"]
    if not allowing:
        return Decision("allowed", "no ALLOW policy applies")
    near = [rule for rule in live if rule.action == "ALLOW"]
    found = next((rule for rule in near if rule.match.answer), None)
    if found is not None:
        return Decision("allowed", f"{_named(found)} matches", found)
    if any(rule.match.answer is None for rule in near):
        return Decision("unknown", "an ALLOW rule might match")
    nearest = min(near, key=lambda rule: len(rule.match.failures), default=None)
    failure = nearest.match.failures[0] if nearest is not None and nearest.match.failures else None
    reason = "no rule of the ALLOW policies matches" if near else "the ALLOW policies have no rules: they allow nothing"
    return Decision("denied", reason, nearest=nearest, failure=failure)


def _rules(item: MeshObject, call: Call, trust_domains: tuple[str, ...]) -> Iterator[Rule]:
    action = action_of(item)
    for number, rule in mappings(item.spec.get("rules")):
        path = f"spec/rules[{number}]"
        # An identity matches under every name of its trust domain.
        tried = [
            rule_match(rule, path, one, is_deny=action in {"DENY", "CUSTOM"}) for one in _aliases(call, trust_domains)
        ]
        best = next((match for match in tried if match.answer), tried[0])
        yield Rule(item, action, path, best)


def _canonical(call: Call, trust_domains: tuple[str, ...]) -> Call:
    if not call.principal:
        return call
    domain, slash, rest = call.principal.partition("/")
    return replace(call, principal=f"{trust_domains[0]}{slash}{rest}") if domain in trust_domains else call


def _aliases(call: Call, trust_domains: tuple[str, ...]) -> Iterator[Call]:
    yield call
    if call.principal and call.principal.startswith(f"{trust_domains[0]}/"):
        rest = call.principal.partition("/")[2]
        for domain in trust_domains[1:]:
            yield replace(call, principal=f"{domain}/{rest}")


def _named(rule: Rule) -> str:
    return f"{rule.path} of {rule.item.kind} {rule.item.namespace}/{rule.item.name}"
