"""Which column an Envoy command operator fills, and which operator a well-known key of a JSON log stands for.

Operators are those of Envoy's "Access logging" reference. Header operators are `%REQ(A?B):N%` or
`%REQUEST_HEADER(A?B):N%`, and alike for responses and trailers; of two headers the first decides.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"%%|%([A-Z0-9_]+)(?:\(((?:(?!\)(?::\d+)?%).)*)\))?(?::\d+)?%", re.DOTALL)
#: Operators that print when a request began.
TIMES: Final = frozenset({"START_TIME", "START_TIME_LOCAL"})

#: Operators that fill a column of their own name.
_SAME_NAME: Final = frozenset(
    {
        "PROTOCOL",
        "RESPONSE_CODE",
        "RESPONSE_FLAGS",
        "RESPONSE_CODE_DETAILS",
        "CONNECTION_TERMINATION_DETAILS",
        "UPSTREAM_TRANSPORT_FAILURE_REASON",
        "BYTES_RECEIVED",
        "BYTES_SENT",
        "UPSTREAM_HOST",
        "UPSTREAM_CLUSTER",
        "UPSTREAM_LOCAL_ADDRESS",
        "DOWNSTREAM_LOCAL_ADDRESS",
        "DOWNSTREAM_REMOTE_ADDRESS",
        "REQUESTED_SERVER_NAME",
        "ROUTE_NAME",
        "TRACE_ID",
        "SPAN_ID",
        "GRPC_STATUS",
        "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
        "DOWNSTREAM_PEER_URI_SAN",
        "UPSTREAM_PEER_URI_SAN",
        "UPSTREAM_REQUEST_ATTEMPT_COUNT",
        "CONNECTION_ID",
    }
)
_OTHER_NAMES: Final = {
    "DURATION": "duration_ms",
    "PATH": "path",
    "STREAM_ID": "request_id",
    "RESPONSE_FLAGS_LONG": "response_flags",
    "UPSTREAM_CLUSTER_RAW": "upstream_cluster",
    "UPSTREAM_HOST_NAME": "upstream_host",
    "UPSTREAM_REMOTE_ADDRESS": "upstream_host",
    "GRPC_STATUS_NUMBER": "grpc_status",
}
_LACKS_PORT: Final = "_WITHOUT_PORT"
_HEADER_OPERATORS: Final = {
    "REQ": "request",
    "REQUEST_HEADER": "request",
    "REQ_WITHOUT_QUERY": "request",
    "RESP": "response",
    "RESPONSE_HEADER": "response",
    "TRAILER": "response",
    "RESPONSE_TRAILER": "response",
}
_HEADERS: Final = {
    ("request", ":METHOD"): "method",
    ("request", ":PATH"): "path",
    ("request", "X-ENVOY-ORIGINAL-PATH"): "path",
    ("request", ":AUTHORITY"): "authority",
    ("request", "HOST"): "authority",
    ("request", "USER-AGENT"): "user_agent",
    ("request", "X-FORWARDED-FOR"): "x_forwarded_for",
    ("request", "X-REQUEST-ID"): "request_id",
    ("request", "X-B3-TRACEID"): "trace_id",
    ("request", "X-B3-SPANID"): "span_id",
    ("response", "X-ENVOY-UPSTREAM-SERVICE-TIME"): "upstream_service_time_ms",
    ("response", "GRPC-STATUS"): "grpc_status",
}
_ENVIRONMENT: Final = {"POD_NAME": "reporter_pod", "POD_NAMESPACE": "reporter_namespace"}
#: From the first byte of the request to the last byte of the response is what `%DURATION%` measures.
_WHOLE_REQUEST: Final = ("DS_RX_BEG", "DS_TX_END")
_UNITS_PER_MILLISECOND: Final = {"ms": 1, "us": 1_000, "ns": 1_000_000}


@dataclass(frozen=True, slots=True)
class Target:
    """A column, and where the operator does not print the column's own values, what it prints.

    `divisor` is how many of a count's units make one of the column's, `time_format` how a time is printed,
    `lacks_port` says that an address has none, `certain` that there can be no value but the column's own.
    """

    column: str
    divisor: int = 1
    certain: bool = True
    time_format: str | None = None
    lacks_port: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """A command operator: `%NAME(argument):length%`; `argument` is empty where there is none, `length` not kept."""

    name: str
    argument: str

    @property
    def text(self) -> str:
        """The operator without percent signs and length: what its value is called among the attributes."""
        return f"{self.name}({self.argument})" if self.argument else self.name

    @property
    def target(self) -> Target | None:
        """The column that its value fills; None where there is none."""
        return _target(self)


def split_format(text: str) -> tuple[list[str], list[Operator]]:
    """A format string's literals and the operators between them, one literal more. `%%` is a percent sign."""
    literals: list[str] = [""]
    operators: list[Operator] = []
    position = 0
    for matched in _TOKEN.finditer(text):
        literals[-1] += text[position : matched.start()]
        position = matched.end()
        if matched.group() == "%%":
            literals[-1] += "%"
        else:
            operators.append(Operator(matched.group(1), (matched.group(2) or "").strip()))
            literals.append("")
    literals[-1] += text[position:]
    return literals, operators


def target_of(format_string: str) -> Target | None:
    """The column that a format string of exactly one operator fills; None for others, literals and several."""
    literals, operators = split_format(format_string.strip())
    return operators[0].target if len(operators) == 1 and not any(literals) else None


def _target(operator: Operator) -> Target | None:
    name, argument = operator.name, operator.argument
    if name in _HEADER_OPERATORS:
        column = _HEADERS.get((_HEADER_OPERATORS[name], argument.split("?")[0].strip().upper()))
    elif name == "ENVIRONMENT":
        column = _ENVIRONMENT.get(argument)
    elif name == "COMMON_DURATION":
        return _duration(argument)
    elif name in TIMES:
        return Target("start_time", time_format=argument or None)
    elif name == "COALESCE":
        return _coalesced(argument)
    elif name.endswith(_LACKS_PORT):
        # With an argument it is a network, no address.
        found = None if argument else _target(Operator(name.removesuffix(_LACKS_PORT), ""))
        return Target(found.column, lacks_port=True) if found else None
    else:
        column = name.lower() if name in _SAME_NAME else _OTHER_NAMES.get(name)
    return Target(column) if column else None


def _coalesced(argument: str) -> Target | None:
    """What the first of several operators fills: the others stand in for it."""
    try:
        first = json.loads(argument)["operators"][0]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if isinstance(first, str):
        first = {"command": first}
    if not isinstance(first, dict) or first.get("command") == "COALESCE":
        return None
    return _target(Operator(str(first.get("command")), str(first.get("param", ""))))


def _duration(argument: str) -> Target | None:
    start, _, rest = argument.partition(":")
    end, _, unit = rest.partition(":")
    if (start, end) != _WHOLE_REQUEST or (unit or "ms") not in _UNITS_PER_MILLISECOND:
        return None
    # It can be negative, and says nothing then.
    return Target("duration_ms", _UNITS_PER_MILLISECOND[unit or "ms"], certain=False)


#: Keys by column: Istio's own first, then those in wide use, in the order in which they are believed where a record
#: has several. They are compared without case and punctuation; nested keys are joined with dots.
_KEYS: Final = {
    "start_time": "start_time request_start_time @timestamp timestamp time ts datetime date",
    "method": "method http_method request_method http.request.method request.method req_method verb",
    "path": (
        "path x_envoy_original_path request_path http.path request.path url.path uri request_uri request.uri url"
        " x-envoy-origin-path original_path"
    ),
    "protocol": "protocol http_protocol request_protocol request.protocol http.protocol",
    "response_code": (
        "response_code status_code http_status_code http.status_code response_status status http_status response.code"
        " response.status http.response.status_code code"
    ),
    "response_flags": "response_flags response_flag flags response.flags response_flags_long envoy.response_flags",
    "response_code_details": "response_code_details response_details response.code_details details",
    "connection_termination_details": "connection_termination_details connection_termination",
    "upstream_transport_failure_reason": "upstream_transport_failure_reason upstream_failure_reason",
    "bytes_received": (
        "bytes_received request_bytes request_size bytes_in rx_bytes request.bytes request.size received_bytes"
        " http.request.body.size"
    ),
    "bytes_sent": (
        "bytes_sent response_bytes response_size bytes_out tx_bytes response.bytes response.size sent_bytes"
        " http.response.body.size"
    ),
    "duration_ms": "duration duration_ms total_duration request_duration_ms total_time elapsed_ms latency_ms",
    "upstream_service_time_ms": (
        "upstream_service_time upstream_service_time_ms x_envoy_upstream_service_time upstream_response_time"
        " upstream_duration_ms upstream.service_time"
    ),
    "x_forwarded_for": "x_forwarded_for xff forwarded_for http.x_forwarded_for",
    "user_agent": "user_agent http_user_agent useragent http.user_agent user_agent.original request.user_agent agent",
    "request_id": "request_id x_request_id requestid http.request_id request.id req_id guid:x-request-id",
    "authority": "authority host http_host request_host http.host request.host request.authority server.address",
    "upstream_host": "upstream_host upstream_address upstream_remote_address upstream_host_address upstream.host",
    "upstream_cluster": "upstream_cluster upstream_cluster_raw upstream_cluster_name upstream.cluster",
    "upstream_local_address": "upstream_local_address upstream.local_address",
    "downstream_local_address": "downstream_local_address destination_address downstream.local_address",
    "downstream_remote_address": (
        "downstream_remote_address downstream.remote_address source.address remote_address client_address peer_address"
    ),
    "requested_server_name": "requested_server_name server_name sni tls_sni tls.server_name",
    "route_name": "route_name route http.route_name envoy.route_name",
    "trace_id": "trace_id traceid x_b3_traceid trace.id",
    "span_id": "span_id spanid x_b3_spanid span.id",
    "downstream_transport_failure_reason": "downstream_transport_failure_reason",
    "downstream_peer_uri_san": "downstream_peer_uri_san source.principal source_principal",
    "upstream_peer_uri_san": "upstream_peer_uri_san destination.principal destination_principal",
    "grpc_status": "grpc_status grpc_status_number grpc_status_code rpc.grpc.status_code grpc.status",
    "upstream_request_attempt_count": "upstream_request_attempt_count request_attempt_count attempt_count",
    "connection_id": "connection_id conn_id",
    "reporter_namespace": "pod_namespace kubernetes.namespace_name kubernetes.namespace k8s.namespace.name",
    "reporter_pod": "pod_name kubernetes.pod_name kubernetes.pod.name k8s.pod.name",
}


def _squeezed(key: str) -> str:
    return "".join(character for character in key.lower() if character.isalnum())


_RANKS: Final = {
    _squeezed(key): (column, rank)
    for column, keys in reversed(_KEYS.items())
    for rank, key in reversed(list(enumerate(keys.split())))
}
#: Istio's own keys say what they say wherever they are nested.
_TELLING: Final = {_squeezed(keys.split()[0]) for keys in _KEYS.values() if "_" in keys.split()[0]}


@lru_cache(maxsize=4096)
def known_key(path: str) -> tuple[str, int] | None:
    """The column that a key (nested keys joined with dots) is known to fill, and its rank, 0 the most believed."""
    found = _RANKS.get(_squeezed(path))
    if found is None:
        last = _squeezed(path.rpartition(".")[2])
        found = _RANKS[last] if last in _TELLING else None
    return found
