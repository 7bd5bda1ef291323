"""Messages of Envoy's access log service for the tests of their parser."""

from __future__ import annotations

from typing import Final

from pipelines.parsers.als_messages import CLASSES, Made
from tests.parsers.trace_requests import delimited

START_S: Final = 1_795_385_106
NODE: Final = "sidecar~10.1.0.5~reviews-v1-abc.shop~shop.svc.cluster.local"


def address(host: str, port: int) -> Made:
    return CLASSES["Address"](socket_address=CLASSES["SocketAddress"](address=host, port_value=port))


def common(**fields: object) -> Made:
    given = CLASSES["AccessLogCommon"](
        downstream_remote_address=address("10.1.0.4", 40_000),
        downstream_local_address=address("10.96.0.7", 9080),
        upstream_remote_address=address("10.1.0.7", 9080),
        upstream_local_address=address("10.1.0.5", 50_000),
        upstream_cluster="outbound|9080||ratings.shop.svc.cluster.local",
        route_name="default",
        upstream_request_attempt_count=1,
        access_log_type=6,
    )
    given.start_time.seconds, given.start_time.nanos = START_S, 250_999_999
    given.duration.nanos = 43_384_218
    given.MergeFrom(CLASSES["AccessLogCommon"](**fields))
    return given


def http_entry(properties: Made | None = None, **request: object) -> Made:
    said = {"request_method": 1, "authority": "ratings:9080", "path": "/ratings/5", "request_id": "r-1"} | request
    entry = CLASSES["HTTPAccessLogEntry"](
        common_properties=properties or common(),
        protocol_version=2,
        request=CLASSES["HTTPRequestProperties"](**said),
        response=CLASSES["HTTPResponseProperties"](response_body_bytes=202, response_code_details="via_upstream"),
    )
    entry.response.response_code.value = 200
    return entry


def tcp_entry(properties: Made | None = None) -> Made:
    return CLASSES["TCPAccessLogEntry"](
        common_properties=properties or common(access_log_type=3),
        connection_properties=CLASSES["ConnectionProperties"](received_bytes=110, sent_bytes=712),
    )


def message(*entries: Made, node: str | None = None) -> Made:
    found = CLASSES["StreamAccessLogsMessage"]()
    if node is not None:
        found.identifier.node.id = node
    for entry in entries:
        is_http = entry.DESCRIPTOR.name == "HTTPAccessLogEntry"
        (found.http_logs if is_http else found.tcp_logs).log_entry.append(entry)
    return found


def stream(*messages: Made) -> bytes:
    return delimited(*(given.SerializeToString() for given in messages))
