"""The objects that stand for a mesh's policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.model import TRUST_DOMAIN
from tests.lab.objects import IstioObject

if TYPE_CHECKING:
    from tests.lab.model import JsonObject, Mesh
    from tests.lab.policies import AccessPolicy

_SECURITY = "security.istio.io"


def policy_objects(mesh: Mesh) -> list[IstioObject]:
    """PeerAuthentications, AuthorizationPolicies, Sidecars and EnvoyFilters."""
    policies = mesh.policies
    found = [
        IstioObject(
            "PeerAuthentication",
            peer.app,
            _namespace(mesh, peer.app),
            {"selector": _labels(peer.app), "mtls": {"mode": peer.mode}},
            _SECURITY,
        )
        for peer in policies.peers
    ]
    found += [_access(mesh, policy) for policy in policies.access]
    for scope in policies.scopes:
        hosts = [f"{mesh.service(name).namespace}/{mesh.service(name).host}" for name in scope.services]
        spec: JsonObject = {
            "workloadSelector": {"labels": {"app": scope.app}},
            "egress": [{"hosts": [*hosts, "istio-system/*"]}],
        }
        found.append(IstioObject("Sidecar", scope.app, _namespace(mesh, scope.app), spec))
    for limit in policies.rate_limits:
        bucket: JsonObject = {"max_tokens": limit.tokens, "fill_interval": f"{limit.fill_seconds}s"}
        value: JsonObject = {
            "name": "envoy.filters.http.local_ratelimit",
            "typed_config": {"stat_prefix": "http_local_rate_limiter", "token_bucket": bucket},
        }
        spec = {"workloadSelector": {"labels": {"app": limit.app}}, **_patch("SIDECAR_INBOUND", value)}
        found.append(_filter(f"{limit.app}-rate-limit", _namespace(mesh, limit.app), spec))
    if policies.request_timeout is not None:
        value = {"typed_config": {"request_timeout": f"{policies.request_timeout.milliseconds / 1000}s"}}
        spec = {"workloadSelector": {"labels": {"istio": "ingressgateway"}}, **_patch("GATEWAY", value)}
        found.append(_filter("gateway-request-timeout", "istio-system", spec))
    return found


def _access(mesh: Mesh, policy: AccessPolicy) -> IstioObject:
    namespace = _namespace(mesh, policy.app)
    rule: JsonObject = {}
    if policy.source_app:
        principal = f"{TRUST_DOMAIN}/ns/{namespace}/sa/{policy.source_app}-sa"
        rule = {"from": [{"source": {"principals": [principal]}}]}
    provider: JsonObject = {"provider": {"name": policy.authorizer}} if policy.action == "CUSTOM" else {}
    spec: JsonObject = {"selector": _labels(policy.app), "action": policy.action, **provider, "rules": [rule]}
    return IstioObject("AuthorizationPolicy", policy.name, namespace, spec, _SECURITY)


def _patch(context: str, value: JsonObject) -> JsonObject:
    match: JsonObject = {"context": context}
    return {
        "configPatches": [{"applyTo": "HTTP_FILTER", "match": match, "patch": {"operation": "MERGE", "value": value}}]
    }


def _filter(name: str, namespace: str, spec: JsonObject) -> IstioObject:
    return IstioObject("EnvoyFilter", name, namespace, spec, version="v1alpha3")


def _labels(app: str) -> JsonObject:
    return {"matchLabels": {"app": app}}


def _namespace(mesh: Mesh, app: str) -> str:
    return mesh.service(app).namespace
