"""Every analyzer, by name. Modules are imported when asked for, so that listing a command costs nothing.

To add one: write `analyzers/FAMILY/SYMPTOM.py` with a module constant `ANALYZER` and add its line here, in order.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Analyzer

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Code, Family

#: Analyzer name -> the module that defines it as `ANALYZER`. Sorted.
MODULES: Final[dict[str, str]] = {
    "abandoned_work": "analyzers.telemetry.abandoned_work",
    "address_required": "analyzers.configuration.address_required",
    "alpha_annotation": "analyzers.configuration.alpha_annotation",
    "ambient_and_sidecar": "analyzers.configuration.ambient_and_sidecar",
    "amplified_edges": "analyzers.telemetry.amplified_edges",
    "application_uid": "analyzers.configuration.application_uid",
    "bypassed_waypoints": "analyzers.telemetry.bypassed_waypoints",
    "change_effects": "analyzers.telemetry.change_effects",
    "claim_route": "analyzers.configuration.claim_route",
    "client_tls_mismatch": "analyzers.configuration.client_tls_mismatch",
    "cluster_drift": "analyzers.configuration.cluster_drift",
    "conflicting_gateways": "analyzers.configuration.conflicting_gateways",
    "conflicting_peer_authentication": "analyzers.configuration.conflicting_peer_authentication",
    "conflicting_route_hosts": "analyzers.configuration.conflicting_route_hosts",
    "conflicting_service_entries": "analyzers.configuration.conflicting_service_entries",
    "conflicting_services": "analyzers.configuration.conflicting_services",
    "cross_zone_calls": "analyzers.telemetry.cross_zone_calls",
    "dangling_host": "analyzers.diagnosis.dangling_host",
    "deprecated_field": "analyzers.configuration.deprecated_field",
    "destination_port": "analyzers.configuration.destination_port",
    "differing_reports": "analyzers.telemetry.differing_reports",
    "edge_shift": "analyzers.alerts.edge_shift",
    "endpoint_outcomes": "analyzers.telemetry.endpoint_outcomes",
    "endpoint_shares": "analyzers.telemetry.endpoint_shares",
    "envoy_filter_order": "analyzers.configuration.envoy_filter_order",
    "explained_failures": "analyzers.diagnosis.explained_failures",
    "external_control_plane": "analyzers.configuration.external_control_plane",
    "futile_retries": "analyzers.telemetry.futile_retries",
    "gateway_api_references": "analyzers.configuration.gateway_api_references",
    "gateway_credential": "analyzers.configuration.gateway_credential",
    "gateway_listeners": "analyzers.configuration.gateway_listeners",
    "gateway_port": "analyzers.configuration.gateway_port",
    "half_seen_edges": "analyzers.telemetry.half_seen_edges",
    "hidden_retries": "analyzers.diagnosis.hidden_retries",
    "hidden_virtual_service": "analyzers.configuration.hidden_virtual_service",
    "idle_envoy_filter": "analyzers.configuration.idle_envoy_filter",
    "image_auto": "analyzers.configuration.image_auto",
    "inconsistent_service": "analyzers.configuration.inconsistent_service",
    "ineffective_selector": "analyzers.configuration.ineffective_selector",
    "invalid_object": "analyzers.configuration.invalid_object",
    "keep_alive_races": "analyzers.telemetry.keep_alive_races",
    "lost_client_tls": "analyzers.configuration.lost_client_tls",
    "lost_subset_weight": "analyzers.configuration.lost_subset_weight",
    "missing_waypoint": "analyzers.configuration.missing_waypoint",
    "mtls_conflict": "analyzers.configuration.mtls_conflict",
    "negative_condition": "analyzers.configuration.negative_condition",
    "old_gateway_name": "analyzers.configuration.old_gateway_name",
    "outdated_gateway_api": "analyzers.configuration.outdated_gateway_api",
    "overlapping_destination_rules": "analyzers.configuration.overlapping_destination_rules",
    "overlapping_service_entries": "analyzers.configuration.overlapping_service_entries",
    "overlapping_webhooks": "analyzers.configuration.overlapping_webhooks",
    "policy_identity_without_mtls": "analyzers.configuration.policy_identity_without_mtls",
    "policy_never_matches": "analyzers.configuration.policy_never_matches",
    "policy_unknown_host": "analyzers.configuration.policy_unknown_host",
    "policy_unknown_method": "analyzers.configuration.policy_unknown_method",
    "policy_unknown_principal": "analyzers.configuration.policy_unknown_principal",
    "policy_without_waypoint": "analyzers.configuration.policy_without_waypoint",
    "policy_without_workload": "analyzers.configuration.policy_without_workload",
    "port_name": "analyzers.configuration.port_name",
    "protocol_mismatches": "analyzers.telemetry.protocol_mismatches",
    "proxy_image": "analyzers.configuration.proxy_image",
    "rate_limited_callers": "analyzers.telemetry.rate_limited_callers",
    "repeated_writes": "analyzers.telemetry.repeated_writes",
    "retries_over_timeout": "analyzers.configuration.retries_over_timeout",
    "retry_product": "analyzers.diagnosis.retry_product",
    "reused_connections": "analyzers.telemetry.reused_connections",
    "rollout_failures": "analyzers.telemetry.rollout_failures",
    "route_gateway": "analyzers.configuration.route_gateway",
    "route_weights": "analyzers.configuration.route_weights",
    "routing_without_waypoint": "analyzers.configuration.routing_without_waypoint",
    "schema_violation": "analyzers.configuration.schema_violation",
    "selector_without_workload": "analyzers.configuration.selector_without_workload",
    "service_graph": "analyzers.topology.service_graph",
    "shadowed_routes": "analyzers.telemetry.shadowed_routes",
    "shared_gateway_certificate": "analyzers.configuration.shared_gateway_certificate",
    "sidecar_defaults": "analyzers.configuration.sidecar_defaults",
    "sidecar_injection": "analyzers.configuration.sidecar_injection",
    "sidecar_scope": "analyzers.scoping.sidecar_scope",
    "sidecar_selector": "analyzers.configuration.sidecar_selector",
    "sidecar_unknown_host": "analyzers.configuration.sidecar_unknown_host",
    "stale_endpoints": "analyzers.telemetry.stale_endpoints",
    "subset_without_labels": "analyzers.configuration.subset_without_labels",
    "subset_without_pods": "analyzers.configuration.subset_without_pods",
    "telemetry_selector": "analyzers.configuration.telemetry_selector",
    "timeout_inversion": "analyzers.diagnosis.timeout_inversion",
    "timeouts_below_latency": "analyzers.telemetry.timeouts_below_latency",
    "undeclared_target_port": "analyzers.configuration.undeclared_target_port",
    "uninjected_traffic": "analyzers.telemetry.uninjected_traffic",
    "unknown_annotation": "analyzers.configuration.unknown_annotation",
    "unknown_application_protocol": "analyzers.configuration.unknown_application_protocol",
    "unknown_export_namespace": "analyzers.configuration.unknown_export_namespace",
    "unknown_gateway_class": "analyzers.configuration.unknown_gateway_class",
    "unknown_grant_namespace": "analyzers.configuration.unknown_grant_namespace",
    "unknown_registry": "analyzers.configuration.unknown_registry",
    "unknown_subset": "analyzers.configuration.unknown_subset",
    "unreadable_object": "analyzers.configuration.unreadable_object",
    "unrestricted_jwks": "analyzers.configuration.unrestricted_jwks",
    "unused_configuration": "analyzers.telemetry.unused_configuration",
    "unused_limits": "analyzers.telemetry.unused_limits",
    "unverified_certificate": "analyzers.configuration.unverified_certificate",
    "weight_drift": "analyzers.telemetry.weight_drift",
    "workload_groups": "analyzers.configuration.workload_groups",
    "workload_without_policy": "analyzers.configuration.workload_without_policy",
}


class UnknownNameError(LookupError):
    """No analyzer, or no code, has this name."""


def load(*names: str) -> tuple[Analyzer, ...]:
    """The named analyzers, or all of them where none is named, sorted by name.

    Raises:
        UnknownNameError: for a name the registry does not have.
    """
    for name in names:
        if name not in MODULES:
            raise UnknownNameError(f"no analyzer is called {name!r}; `meshlens list` names them all")
    return tuple(_load_one(name) for name in sorted(names or MODULES))


def load_family(family: Family) -> tuple[Analyzer, ...]:
    """The analyzers of one family, sorted by name, without those that run on request only."""
    return tuple(analyzer for analyzer in load() if analyzer.family == family and not analyzer.on_request)


def codes() -> dict[str, tuple[Analyzer, Code]]:
    """Every finding code with the analyzer that gives it, sorted by code."""
    found = {code.code: (analyzer, code) for analyzer in load() for code in analyzer.codes}
    return dict(sorted(found.items()))


def _load_one(name: str) -> Analyzer:
    analyzer = importlib.import_module(MODULES[name]).ANALYZER
    if not isinstance(analyzer, Analyzer) or analyzer.name != name:
        raise TypeError(f"{MODULES[name]}.ANALYZER is not the analyzer {name!r}")
    return analyzer
