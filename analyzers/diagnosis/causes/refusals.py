"""Causes where a proxy refused or redirected a request because configuration told it to."""

from __future__ import annotations

from typing import Final

from analyzers.diagnosis.causes.model import Cause

REFUSALS: Final[tuple[Cause, ...]] = (
    Cause(
        "blocked_egress",
        "ML0201",
        "Egress blocked",
        "error",
        "the caller's proxy knows no such destination and its outbound policy is REGISTRY_ONLY, so it refused the "
        "request (route block_all or BlackHoleCluster).",
        "Is {callee} meant to be reachable? Then declare it: a ServiceEntry, exported to {caller_namespace}.",
    ),
    Cause(
        "out_of_scope",
        "ML0202",
        "Destination outside the Sidecar's scope",
        "error",
        "the destination is declared, but the Sidecar that applies to the caller does not let its proxy see it.",
        "Add {namespace}/{callee} to spec.egress[].hosts of the Sidecar: kubectl -n {caller_namespace} get sidecars "
        "-o yaml",
    ),
    Cause(
        "route_not_found",
        "ML0203",
        "No route",
        "error",
        "no route of the proxy matched the request's host, path or port, or the route table had not arrived.",
        "Compare the request's authority and path with the hosts and matches in force: istioctl proxy-config routes "
        "deployment/{caller} -n {caller_namespace}",
    ),
    Cause(
        "cluster_not_found",
        "ML0204",
        "Route to a destination that is not defined",
        "error",
        "the route names a subset or host that the proxy has no cluster for: no DestinationRule defines it, or it is "
        "not visible to the caller.",
        "Does a DestinationRule for {callee} define the subset that the VirtualService names, and is it exported to "
        "{caller_namespace}?",
    ),
    Cause(
        "direct_response",
        "ML0205",
        "Configured answer",
        "warning",
        "a route answers by itself (directResponse) with an error code.",
        "Is the directResponse of the VirtualService for {callee} still wanted?",
    ),
    Cause(
        "rbac_denied",
        "ML0206",
        "Denied by an AuthorizationPolicy",
        "warning",
        "a DENY rule, which the log line names, matched the request.",
        "Should {caller} be allowed? Then narrow that rule: kubectl -n {namespace} get authorizationpolicies -o yaml",
    ),
    Cause(
        "rbac_no_allow_match",
        "ML0207",
        "Allowed by no AuthorizationPolicy",
        "warning",
        "ALLOW policies select the callee and none of their rules matched the request.",
        "Which ALLOW rule should cover {caller}? Compare its source, method, path and port: "
        "kubectl -n {namespace} get authorizationpolicies -o yaml",
    ),
    Cause(
        "jwt_rejected",
        "ML0208",
        "Token refused",
        "warning",
        "the RequestAuthentication refused the request's token: expired, of another issuer or audience, or its keys "
        "could not be fetched; the details name which.",
        "Read the reason in the details and compare it with spec.jwtRules: kubectl -n {namespace} get "
        "requestauthentications -o yaml",
    ),
    Cause(
        "ext_authz_denied",
        "ML0209",
        "Denied by external authorization",
        "warning",
        "the external authorization service said no.",
        "Ask the authorization service's log for the request ids below.",
    ),
    Cause(
        "ext_authz_unreachable",
        "ML0210",
        "External authorization unreachable",
        "error",
        "the external authorization service could not be asked and the filter fails closed.",
        "Is the provider named in MeshConfig.extensionProviders up, and is its address reachable from {workload}?",
    ),
    Cause(
        "rate_limited",
        "ML0211",
        "Rate limited",
        "warning",
        "a local or global rate limit refused the request.",
        "Is the limit meant for this much traffic? Compare the bucket in the EnvoyFilter with the calls of {caller}.",
    ),
    Cause(
        "rate_limit_unreachable",
        "ML0212",
        "Rate limit service unreachable",
        "error",
        "the rate limit service could not be asked and the filter fails closed.",
        "Is the rate limit service up? Look for failures on the edge to it at the same time.",
    ),
    Cause(
        "fault_abort",
        "ML0213",
        "Fault injected",
        "error",
        "a fault rule aborted the request; it never reached the callee.",
        "Remove spec.http[].fault.abort from the VirtualService for {callee} if the experiment is over.",
    ),
    Cause(
        "fault_delay",
        "ML0214",
        "Delay injected",
        "warning",
        "a fault rule delayed the request.",
        "Remove spec.http[].fault.delay from the VirtualService for {callee} if the experiment is over.",
    ),
    Cause(
        "circuit_breaker",
        "ML0215",
        "Circuit breaker open",
        "error",
        "a connection pool limit refused the request before it left the caller's proxy; limits count per proxy.",
        "Raise connectionPool above the concurrency measured, or make {service} faster: kubectl -n {namespace} get "
        "destinationrules -o yaml",
    ),
    Cause(
        "payload_too_large",
        "ML0216",
        "Payload over a buffer limit",
        "error",
        "the request or the response was larger than a proxy's buffer limit.",
        "Which EnvoyFilter sets the buffer limit, and how large are the payloads of {callee}?",
    ),
    Cause(
        "filter_config_missing",
        "ML0217",
        "Filter configuration missing",
        "error",
        "a filter's configuration (a WasmPlugin's module, say) had not arrived when the request did.",
        "Could the proxy fetch the module? kubectl -n {workload_namespace} get wasmplugins -o yaml",
    ),
)
