"""Filters that refuse: RBAC, external authorization, local rate limit, fault injection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.model import TRUST_DOMAIN
from tests.lab.proxy.clusters import outbound_name
from tests.lab.proxy.routes import FAULT_FILTER, FAULT_TYPE

if TYPE_CHECKING:
    from tests.lab.model import JsonObject, Mesh, Pod
    from tests.lab.policies import AccessPolicy, RateLimit

_FILTERS = "type.googleapis.com/envoy.extensions.filters"


def http_filters(mesh: Mesh | None = None, pod: Pod | None = None) -> list[JsonObject]:
    """The HTTP filters of a connection manager: with a pod those of its inbound side, without one the outbound ones."""
    router = _filter("http.router", f"{_FILTERS}.http.router.v3.Router")
    if mesh is None or pod is None:
        return [{"name": FAULT_FILTER, "typed_config": {"@type": FAULT_TYPE}}, router]
    app, policies = pod.workload.app, mesh.policies
    found = [_external_authorization(mesh, policy) for policy in policies.access_of(app, "CUSTOM")]
    found += [_filter("http.rbac", f"{_FILTERS}.http.rbac.v3.RBAC", rules=rules) for rules in _rules(mesh, pod)]
    found += [_rate_limit(limit) for limit in policies.rate_limits if limit.app == app]
    return [*found, router]


def network_filters(mesh: Mesh, pod: Pod) -> list[JsonObject]:
    """The network filters before the TCP proxy of a pod's inbound side."""
    return [
        _filter("network.rbac", f"{_FILTERS}.network.rbac.v3.RBAC", rules=rules, stat_prefix="tcp.")
        for rules in _rules(mesh, pod)
    ]


def _rules(mesh: Mesh, pod: Pod) -> list[JsonObject]:
    """RBAC rules by action, with Istio's names of policies."""
    found: list[JsonObject] = []
    namespace = pod.workload.namespace
    for action in ("DENY", "ALLOW"):
        policies = mesh.policies.access_of(pod.workload.app, action)
        if policies:
            named: JsonObject = {
                f"ns[{namespace}]-policy[{policy.name}]-rule[0]": {
                    "permissions": [{"any": True}],
                    "principals": [_principal(policy, namespace)],
                }
                for policy in policies
            }
            found.append({"action": action, "policies": named})
    return found


def _principal(policy: AccessPolicy, namespace: str) -> JsonObject:
    if not policy.source_app:
        return {"any": True}
    name = f"spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{policy.source_app}-sa"
    return {"authenticated": {"principal_name": {"exact": name}}}


def _external_authorization(mesh: Mesh, policy: AccessPolicy) -> JsonObject:
    service = mesh.service(policy.authorizer)
    uri: JsonObject = {
        "uri": f"http://{service.host}:{service.port}",
        "cluster": outbound_name(service.port, service.host),
        "timeout": "0.5s",
    }
    return _filter("http.ext_authz", f"{_FILTERS}.http.ext_authz.v3.ExtAuthz", http_service={"server_uri": uri})


def _rate_limit(limit: RateLimit) -> JsonObject:
    always: JsonObject = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return _filter(
        "http.local_ratelimit",
        f"{_FILTERS}.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="http_local_rate_limiter",
        token_bucket={"max_tokens": limit.tokens, "fill_interval": f"{limit.fill_seconds}s"},
        filter_enabled={**always, "runtime_key": "local_rate_limit_enabled"},
        filter_enforced={**always, "runtime_key": "local_rate_limit_enforced"},
    )


def _filter(name: str, type_url: str, **config: JsonObject | str) -> JsonObject:
    return {"name": f"envoy.filters.{name}", "typed_config": {"@type": type_url, **config}}
