"""Causes where a connection could not be made, or broke."""

from __future__ import annotations

from typing import Final

from analyzers.diagnosis.causes.model import Cause

CONNECTIONS: Final[tuple[Cause, ...]] = (
    Cause(
        "connection_refused",
        "ML0231",
        "Connection refused",
        "error",
        "nothing listened at the address; where the callee's proxy says so, its application is down or elsewhere.",
        "Is the application up and on the Service's targetPort? kubectl -n {workload_namespace} get pods",
    ),
    Cause(
        "connection_timeout",
        "ML0232",
        "Connection timed out",
        "error",
        "the connection was not answered in time: a firewall or NetworkPolicy that drops, or a node that is gone.",
        "Does a NetworkPolicy cover the pods? kubectl -n {namespace} get networkpolicies",
    ),
    Cause(
        "network_unreachable",
        "ML0233",
        "No network path",
        "error",
        "the network had no path to the address.",
        "Is the address still that of a running pod? kubectl -n {namespace} get endpointslices -o wide",
    ),
    Cause(
        "connection_failed",
        "ML0234",
        "Connection failed",
        "error",
        "a connection could not be made; the log line does not say why.",
        "Add UPSTREAM_TRANSPORT_FAILURE_REASON to the log format, or read the proxy's own log at these times.",
    ),
    Cause(
        "pod_gone",
        "ML0235",
        "Called pods were gone",
        "error",
        "the pods that were called had been deleted and their addresses were still in use.",
        "Why did the pods of {workload} go, and do they drain first (preStop, terminationGracePeriodSeconds)? "
        "kubectl -n {workload_namespace} get events",
    ),
    Cause(
        "dns_failure",
        "ML0236",
        "Name not resolved",
        "error",
        "the proxy could not resolve the destination's name.",
        "Does {callee} resolve where the proxy runs? Check the ServiceEntry's resolution and the cluster's DNS.",
    ),
    Cause(
        "certificate_expired",
        "ML0237",
        "Certificate expired",
        "error",
        "the TLS handshake failed because a certificate had expired.",
        "Whose certificate is it? istioctl proxy-config secret deployment/{caller} -n {caller_namespace}",
    ),
    Cause(
        "certificate_mismatch",
        "ML0238",
        "Certificate not accepted",
        "error",
        "the TLS handshake failed because a certificate was not trusted or not for the name that was expected.",
        "Do caCertificates and subjectAltNames of the DestinationRule for {callee} fit the server's certificate?",
    ),
    Cause(
        "tls_to_plaintext",
        "ML0239",
        "TLS to a plaintext port",
        "error",
        "the caller's proxy sent TLS to a server that speaks plain text.",
        "Set the TLS mode of the DestinationRule for {callee} to what the server speaks, or give its pods a sidecar.",
    ),
    Cause(
        "tls_to_disabled_mtls",
        "ML0240",
        "mTLS to a workload that has it disabled",
        "error",
        "the caller's proxy sent mutual TLS to a workload whose PeerAuthentication disables it.",
        "Align the DestinationRule for {callee} with the PeerAuthentication: kubectl -n {namespace} get "
        "peerauthentications,destinationrules -o yaml",
    ),
    Cause(
        "plaintext_to_strict_mtls",
        "ML0241",
        "Plain text to STRICT mTLS",
        "error",
        "the callee's proxy demands mutual TLS and the caller sent something else, so no filter chain matched.",
        "Has {caller} a sidecar, and does a DestinationRule turn TLS off for {callee}? kubectl -n {namespace} get "
        "peerauthentications,destinationrules -o yaml",
    ),
    Cause(
        "upstream_closed",
        "ML0242",
        "Connection closed before the answer was complete",
        "error",
        "the connection was closed while a request was on it: the application closed or crashed, or closed an idle "
        "connection that was just used again.",
        "Did {workload} restart or close connections? kubectl -n {workload_namespace} get pods; compare its keep-alive "
        "time with connectionPool.http.idleTimeout.",
    ),
    Cause(
        "upstream_reset",
        "ML0243",
        "Stream reset by the callee",
        "error",
        "the callee reset the stream (RST_STREAM): it refused it, was draining, or its handler failed.",
        "Does {workload} limit concurrent streams or log errors at these times? kubectl -n {workload_namespace} logs "
        "deployment/{workload}",
    ),
    Cause(
        "upstream_protocol_error",
        "ML0244",
        "Answer not understood",
        "error",
        "the callee broke the protocol: not HTTP at all, a malformed or cut answer, or headers over the limit.",
        "Does port {port} of {service} speak the protocol its name or appProtocol declares? kubectl -n {namespace} get "
        "service {service} -o yaml",
    ),
    Cause(
        "local_reset",
        "ML0245",
        "Stream reset by the proxy",
        "error",
        "the proxy itself reset the stream: protocol mismatch, flow control, drain or a filter's error.",
        "Read the details and the proxy's own log at these times.",
    ),
    Cause(
        "proxy_drain",
        "ML0246",
        "Proxy draining",
        "warning",
        "the proxy closed the connection while it was draining.",
        "Was {workload} being rolled out? Compare drainDuration with the time its requests take.",
    ),
)
