"""BASE: the hosts that a proxy itself calls. No access log shows them, so they come from configuration.

Extension providers of the mesh configuration, for the workloads whose Telemetry, AuthorizationPolicy or mesh-wide
default uses them, and services that EnvoyFilters name by cluster. Sidecars, unlike gateways, get no cluster for these
by themselves (istio/istio#53701, #38451). The legacy `defaultConfig.tracing` is a bootstrap cluster: no entry.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from analyzers.scoping.configuration import items, mapping, texts
from analyzers.scoping.model import HostDecision, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.workloads import Workload

_CLUSTER: Final = re.compile(r"outbound\|\d+\|[^|]*\|([a-z0-9*][a-z0-9.-]*)")
_TELEMETRY_SECTIONS: Final = ("tracing", "accessLogging", "metrics")


def proxy_hosts(mesh: Mesh, workload: Workload) -> tuple[tuple[HostDecision, ...], tuple[Reason, ...]]:
    """The hosts that the workload's proxies call themselves, sorted, and a warning for each."""
    decisions: dict[str, HostDecision] = {}
    reasons: list[Reason] = []
    for name, because in sorted(set(_called(mesh, workload))):
        found = mesh.registry.resolve(name, workload.namespace)
        if not found:
            message = f"{because} calls {name}, which is not in the registry as {workload.namespace} sees it"
            reasons.append(Reason("EMIT_REVIEW", message, "PROVIDER_IMPLICIT"))
        for service in found:
            decisions.setdefault(service.entry, HostDecision(service.entry, "base", because))
            message = f"{because} makes the proxy call {service.host}"
            reasons.append(Reason("EMIT", message, "PROVIDER_IMPLICIT"))
    return tuple(decisions[host] for host in sorted(decisions)), tuple(reasons)


def _called(mesh: Mesh, workload: Workload) -> Iterator[tuple[str, str]]:
    """Host names with what uses them."""
    providers = dict(_providers(mesh.configuration.mesh))
    for labels in workload.label_sets:
        for provider, because in _used(mesh, workload.namespace, labels):
            if provider in providers:
                yield providers[provider], because
        for rule in mesh.configuration.applying("RequestAuthentication", workload.namespace, labels):
            for host in _key_hosts(rule):
                yield host, f"jwksUri of RequestAuthentication {rule.namespace}/{rule.name}"
        for patch in mesh.configuration.applying("EnvoyFilter", workload.namespace, labels):
            for host in _CLUSTER.findall(json.dumps(patch.spec)):
                yield host, f"EnvoyFilter {patch.namespace}/{patch.name}"


def _key_hosts(rule: MeshObject) -> Iterator[str]:
    """Hosts that proxies may fetch keys from themselves (istiod's PILOT_JWT_ENABLE_REMOTE_JWKS: envoy, hybrid)."""
    for given in map(mapping, items(rule.spec.get("jwtRules"))):
        host = urlsplit(str(given.get("jwksUri") or "")).hostname
        if host:
            yield host


def _used(mesh: Mesh, namespace: str, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names of the providers that a pod with these labels uses."""
    configuration = mesh.configuration
    for section, names in mapping(configuration.mesh.get("defaultProviders")).items():
        for name in texts(names):
            yield name, f"mesh default {section} provider {name}"
    for telemetry in configuration.applying("Telemetry", namespace, labels):
        for section in _TELEMETRY_SECTIONS:
            for rule in map(mapping, items(telemetry.spec.get(section))):
                for provider in map(mapping, items(rule.get("providers"))):
                    name = str(provider.get("name"))
                    yield name, f"{section} provider {name} of Telemetry {telemetry.namespace}/{telemetry.name}"
    for policy in configuration.applying("AuthorizationPolicy", namespace, labels):
        authorizer = mapping(policy.spec.get("provider")).get("name")
        if policy.spec.get("action") == "CUSTOM" and isinstance(authorizer, str):
            yield authorizer, f"provider {authorizer} of AuthorizationPolicy {policy.namespace}/{policy.name}"


def _providers(mesh_settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Provider name -> host of its service, written `host` or `namespace/host`."""
    for provider in map(mapping, items(mesh_settings.get("extensionProviders"))):
        for settings in map(mapping, provider.values()):
            service = settings.get("service")
            if isinstance(service, str):
                yield str(provider.get("name")), service.partition("/")[2] or service
