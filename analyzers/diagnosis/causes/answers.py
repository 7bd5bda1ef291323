"""Causes where time ran out, no endpoint was left, a client gave up, or an application answered with an error."""

from __future__ import annotations

from typing import Final

from analyzers.diagnosis.causes.model import Cause

ANSWERS: Final[tuple[Cause, ...]] = (
    Cause(
        "route_timeout",
        "ML0251",
        "Route timeout",
        "error",
        "the whole answer was not there within the route's timeout, retries included.",
        "Is {service} slower than it was, or the timeout too short? Compare its durations with the timeout in force.",
    ),
    Cause(
        "per_try_timeout",
        "ML0252",
        "Per-try timeout",
        "error",
        "the last try was not answered within retries.perTryTimeout, nor were those before it.",
        "Is perTryTimeout above what {service} usually takes? Every try is load that the callee serves in vain.",
    ),
    Cause(
        "request_timeout",
        "ML0253",
        "Request not complete in time",
        "warning",
        "the caller did not send its request, or its headers, in time.",
        "Why is {caller} slow to send? Compare with connection settings of the proxy or gateway.",
    ),
    Cause(
        "stream_idle_timeout",
        "ML0254",
        "Idle stream closed",
        "error",
        "nothing moved on the stream for the idle timeout in force.",
        "Should {service} answer sooner or send keep-alives, or is the idle timeout too short for it?",
    ),
    Cause(
        "max_duration",
        "ML0255",
        "Maximum duration reached",
        "error",
        "the stream or connection lived as long as it may.",
        "Which limit is it (maximum stream duration, grpc-timeout, maxConnectionDuration)? Does {service} need more?",
    ),
    Cause(
        "no_endpoints",
        "ML0261",
        "Service without endpoints",
        "error",
        "the Service had no ready endpoint: its EndpointSlices were empty.",
        "Why is no pod ready, or does the selector match none? kubectl -n {namespace} get endpointslices -l "
        "kubernetes.io/service-name={service}",
    ),
    Cause(
        "no_healthy_endpoint",
        "ML0262",
        "No healthy endpoint",
        "error",
        "the proxy had no host that it would send to, and what is known does not say why.",
        "istioctl proxy-config endpoints deployment/{caller} -n {caller_namespace} shows hosts and health. Ingest "
        "EndpointSlices and DestinationRules with their changes to tell causes apart.",
    ),
    Cause(
        "empty_subset",
        "ML0263",
        "Subset without pods",
        "error",
        "the subset's labels match no pod of the host.",
        "Compare spec.subsets[].labels of the DestinationRule with the pods' labels: kubectl -n {namespace} get pods "
        "--show-labels",
    ),
    Cause(
        "outlier_ejection",
        "ML0264",
        "All endpoints ejected",
        "error",
        "outlier detection had taken out every host after errors.",
        "Repair the errors that came first; then keep some hosts in: maxEjectionPercent, minHealthPercent.",
    ),
    Cause(
        "client_cancel",
        "ML0271",
        "Given up by the caller",
        "warning",
        "the caller closed the connection or reset the stream before the answer was complete.",
        "Which time limit does {caller} have for {service}? Durations that cluster at one value name it.",
    ),
    Cause(
        "downstream_protocol_error",
        "ML0272",
        "Request not understood",
        "warning",
        "the caller broke the protocol: TLS on a plain port or the reverse, malformed headers, HTTP/1.0.",
        "What does {caller} send to port {port}? Scanners on a gateway do this too.",
    ),
    Cause(
        "overload",
        "ML0273",
        "Proxy overloaded or shedding load",
        "error",
        "the proxy dropped the request to protect itself, or was told to drop a share.",
        "Is the proxy at its memory or connection limit? kubectl -n {workload_namespace} top pods --containers",
    ),
    Cause(
        "health_check_failed",
        "ML0274",
        "Failing its health check",
        "error",
        "the callee's proxy marks its own application as failing its health check.",
        "kubectl -n {workload_namespace} describe pods shows the probes of {workload}.",
    ),
    Cause(
        "retries_exhausted",
        "ML0281",
        "Retries exhausted",
        "error",
        "the application answered every try with an error that is retried.",
        "Does retrying help at all here? The log of {workload} says why it fails: kubectl -n {workload_namespace} logs "
        "deployment/{workload}",
    ),
    Cause(
        "application_error",
        "ML0282",
        "Application error",
        "error",
        "the application answered with a 5xx; no call that it made for these requests is known to have failed.",
        "kubectl -n {workload_namespace} logs deployment/{workload} at the times and request ids below.",
    ),
    Cause(
        "hidden_retries",
        "ML0283",
        "Failures hidden by retries",
        "info",
        "tries failed and were retried with success; only metrics show it.",
        "Which pods failed meanwhile? Compare retries with restarts.",
        from_logs=False,
    ),
    Cause(
        "latency_shift",
        "ML0284",
        "Slower than before",
        "warning",
        "calls take longer than they did.",
        "Which hop of the chain takes the time? Look at a trace of the same minutes.",
        from_logs=False,
    ),
)

UNEXPLAINED: Final = Cause(
    "unexplained",
    "ML0299",
    "Failure without an explanation",
    "warning",
    "calls failed and neither flags nor details say why.",
    "Log RESPONSE_FLAGS and RESPONSE_CODE_DETAILS on both sides, and ingest the callee's access log.",
)
