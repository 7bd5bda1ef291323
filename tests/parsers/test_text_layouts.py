"""Text access logs of any format string."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipelines.parsers.context import Context
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.mesh_layouts import ISTIO_TEXT
from pipelines.parsers.text_program import program_of
from tests.parsers.access_logs import PLAIN, Request
from tests.support.log_lines import text_log

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed

ESCAPING = Path(__file__).parents[2].parent / "shared" / "reference" / "envoy-log-escaping.txt"
TIME = "2026-11-22T22:05:06.086Z"
MOMENT = datetime(2026, 11, 22, 22, 5, 6, 86_000, tzinfo=UTC)
UUID = "efcc30aa-f0a3-90cf-9402-f3e35e4a8ef5"
TEXT_FORMAT = min(ISTIO_TEXT)


def parsed(layout: str, *lines: bytes) -> Parsed:
    return parse_istio_text(b"".join(line + b"\n" for line in lines), 0, Context(layout=layout))


def row(layout: str, line: str | bytes) -> dict[str, object]:
    """What the one record says: columns that are not null, and attributes under their names."""
    found = parsed(layout, line if isinstance(line, bytes) else line.encode())
    assert found.rejected.to_pylist() == []
    values = found.accepted.to_pylist()[0]
    attributes = dict(values.pop("attributes") or ())
    return {name: value for name, value in values.items() if value is not None and name != "source_offset"} | attributes


def reason(layout: str, line: bytes) -> str:
    (reject,) = parsed(layout, line).rejected.to_pylist()
    assert reject["raw"] == line
    return str(reject["reason"])


#: Operator, what Envoy prints for it, and what is kept, under which name.
OPERATORS = [
    ("REQUEST_HEADERS_BYTES", "230", "REQUEST_HEADERS_BYTES", "230"),
    ("BYTES_RECEIVED", "12", "bytes_received", 12),
    ("BYTES_RETRANSMITTED", "0", "BYTES_RETRANSMITTED", "0"),
    ("PACKETS_RETRANSMITTED", "0", "PACKETS_RETRANSMITTED", "0"),
    ("PROTOCOL", "HTTP/2", "protocol", "HTTP/2"),
    ("UPSTREAM_PROTOCOL", "HTTP/1.1", "UPSTREAM_PROTOCOL", "HTTP/1.1"),
    ("RESPONSE_CODE_DETAILS", "via_upstream", "response_code_details", "via_upstream"),
    ("RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)", "ext authz denied", "response_code_details", "ext authz denied"),
    ("CONNECTION_TERMINATION_DETAILS", "x", "connection_termination_details", "x"),
    ("RESPONSE_HEADERS_BYTES", "99", "RESPONSE_HEADERS_BYTES", "99"),
    ("RESPONSE_TRAILERS_BYTES", "0", "RESPONSE_TRAILERS_BYTES", "0"),
    ("BYTES_SENT", "13", "bytes_sent", 13),
    ("UPSTREAM_REQUEST_ATTEMPT_COUNT", "2", "upstream_request_attempt_count", 2),
    ("UPSTREAM_WIRE_BYTES_SENT", "500", "UPSTREAM_WIRE_BYTES_SENT", "500"),
    ("UPSTREAM_HEADER_BYTES_RECEIVED", "100", "UPSTREAM_HEADER_BYTES_RECEIVED", "100"),
    ("DOWNSTREAM_WIRE_BYTES_SENT", "501", "DOWNSTREAM_WIRE_BYTES_SENT", "501"),
    ("DURATION", "14", "duration_ms", 14),
    ("COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)", "15", "duration_ms", 15),
    ("COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)", "15900", "duration_ms", 15),
    ("COMMON_DURATION(DS_RX_BEG:DS_TX_END:ns)", "15900000", "duration_ms", 15),
    ("COMMON_DURATION(DS_RX_BEG:DS_TX_END)", "-3", "COMMON_DURATION(DS_RX_BEG:DS_TX_END)", "-3"),
    ("COMMON_DURATION(US_TX_END:US_RX_BEG:us)", "900", "COMMON_DURATION(US_TX_END:US_RX_BEG:us)", "900"),
    ("REQUEST_DURATION", "1", "REQUEST_DURATION", "1"),
    ("REQUEST_TX_DURATION", "2", "REQUEST_TX_DURATION", "2"),
    ("RESPONSE_DURATION", "3", "RESPONSE_DURATION", "3"),
    ("RESPONSE_TX_DURATION", "4", "RESPONSE_TX_DURATION", "4"),
    ("DOWNSTREAM_HANDSHAKE_DURATION", "5", "DOWNSTREAM_HANDSHAKE_DURATION", "5"),
    ("RESPONSE_FLAGS", "UF,URX", "response_flags", "UF,URX"),
    ("RESPONSE_FLAGS_LONG", "UpstreamConnectionFailure,UpstreamRetryLimitExceeded", "response_flags", "UF,URX"),
    ("ROUTE_NAME", "default", "route_name", "default"),
    ("VIRTUAL_CLUSTER_NAME", "other", "VIRTUAL_CLUSTER_NAME", "other"),
    ("UPSTREAM_HOST", "10.1.0.10:8000", "upstream_host", "10.1.0.10:8000"),
    ("UPSTREAM_HOST_NAME", "stock.example:443", "upstream_host", "stock.example:443"),
    ("UPSTREAM_HOSTS_ATTEMPTED", "10.0.0.1:80,10.0.0.2:80", "UPSTREAM_HOSTS_ATTEMPTED", "10.0.0.1:80,10.0.0.2:80"),
    (
        "UPSTREAM_CLUSTER",
        "outbound|80||a.b.svc.cluster.local;",
        "upstream_cluster",
        "outbound|80||a.b.svc.cluster.local",
    ),
    ("UPSTREAM_CLUSTER_RAW", "inbound|80||", "upstream_cluster", "inbound|80||"),
    ("UPSTREAM_LOCAL_ADDRESS", "10.1.0.5:39806", "upstream_local_address", "10.1.0.5:39806"),
    ("UPSTREAM_REMOTE_ADDRESS", "10.1.0.6:80", "upstream_host", "10.1.0.6:80"),
    ("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "10.1.0.6", "upstream_host", "10.1.0.6:0"),
    ("UPSTREAM_LOCAL_PORT", "39806", "UPSTREAM_LOCAL_PORT", "39806"),
    ("UPSTREAM_TRANSPORT_FAILURE_REASON", "TLS error: x y", "upstream_transport_failure_reason", "TLS error: x y"),
    ("UPSTREAM_DETECTED_CLOSE_TYPE", "RemoteReset", "UPSTREAM_DETECTED_CLOSE_TYPE", "RemoteReset"),
    ("DOWNSTREAM_TRANSPORT_FAILURE_REASON", "TLS error", "downstream_transport_failure_reason", "TLS error"),
    ("DOWNSTREAM_LOCAL_CLOSE_REASON", "idle timeout", "DOWNSTREAM_LOCAL_CLOSE_REASON", "idle timeout"),
    ("DOWNSTREAM_REMOTE_ADDRESS", "[2001:db8::1]:443", "downstream_remote_address", "[2001:db8::1]:443"),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "2001:db8::1", "downstream_remote_address", "[2001:db8::1]:0"),
    (
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)",
        "10.1.0.0/16",
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)",
        "10.1.0.0/16",
    ),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "10.1.0.9:1", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "10.1.0.9:1"),
    ("DOWNSTREAM_LOCAL_ADDRESS", "10.96.0.5:8000", "downstream_local_address", "10.96.0.5:8000"),
    ("DOWNSTREAM_LOCAL_PORT", "8000", "DOWNSTREAM_LOCAL_PORT", "8000"),
    ("CONNECTION_ID", "77", "connection_id", 77),
    ("UPSTREAM_CONNECTION_ID", "78", "UPSTREAM_CONNECTION_ID", "78"),
    ("STREAM_ID", UUID, "request_id", UUID),
    ("GRPC_STATUS", "InvalidArgument", "grpc_status", 3),
    ("GRPC_STATUS(SNAKE_STRING)", "INVALID_ARGUMENT", "grpc_status", 3),
    ("GRPC_STATUS(NUMBER)", "14", "grpc_status", 14),
    ("GRPC_STATUS_NUMBER", "0", "grpc_status", 0),
    ("REQ(:METHOD)", "POST", "method", "POST"),
    ("REQUEST_HEADER(:METHOD)", "POST", "method", "POST"),
    ("REQ(X-ENVOY-ORIGINAL-PATH?:PATH)", "/a b", "path", "/a b"),
    ("PATH(NQ:ORIG_OR_PATH)", "/a", "path", "/a"),
    ("REQ_WITHOUT_QUERY(:PATH)", "/a", "path", "/a"),
    ("REQ(:path):4", "/abc", "path", "/abc"),
    ("REQ(USER-AGENT):3", "cur", "user_agent", "cur"),
    ("REQ(X-CUSTOM?X-OTHER):9", "a b", "REQ(X-CUSTOM?X-OTHER)", "a b"),
    ("RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)", "9", "upstream_service_time_ms", 9),
    ("RESPONSE_HEADER(GRPC-STATUS)", "5", "grpc_status", 5),
    ("TRAILER(GRPC-STATUS)", "7", "grpc_status", 7),
    ("RESPONSE_TRAILER(GRPC-MESSAGE)", "no such item", "RESPONSE_TRAILER(GRPC-MESSAGE)", "no such item"),
    ("DYNAMIC_METADATA(a.b:c:d):20", '{"k": "v w"}', "DYNAMIC_METADATA(a.b:c:d)", '{"k": "v w"}'),
    ("METADATA(ROUTE:istio:config)", "x", "METADATA(ROUTE:istio:config)", "x"),
    ("CLUSTER_METADATA(istio:services)", "[]", "CLUSTER_METADATA(istio:services)", "[]"),
    ("UPSTREAM_METADATA(istio:workload)", "w;n;s", "UPSTREAM_METADATA(istio:workload)", "w;n;s"),
    ("FILTER_STATE(wasm.upstream_peer:TYPED):9", '{"a":1}', "FILTER_STATE(wasm.upstream_peer:TYPED)", '{"a":1}'),
    ("REQUESTED_SERVER_NAME", "outbound_.80_._.a.b.svc", "requested_server_name", "outbound_.80_._.a.b.svc"),
    ("REQUESTED_SERVER_NAME(SNI_FIRST:HOST)", "a.b", "requested_server_name", "a.b"),
    ("DOWNSTREAM_PEER_URI_SAN", "spiffe://x/ns/a/sa/b", "downstream_peer_uri_san", "spiffe://x/ns/a/sa/b"),
    ("UPSTREAM_PEER_URI_SAN", "spiffe://x/ns/a/sa/b", "upstream_peer_uri_san", "spiffe://x/ns/a/sa/b"),
    ("DOWNSTREAM_PEER_SUBJECT", "CN=a, O=b c", "DOWNSTREAM_PEER_SUBJECT", "CN=a, O=b c"),
    ("DOWNSTREAM_TLS_VERSION", "TLSv1.3", "DOWNSTREAM_TLS_VERSION", "TLSv1.3"),
    ("DOWNSTREAM_PEER_CERT_V_START(%b %e)", "Jan  1", "DOWNSTREAM_PEER_CERT_V_START(%b %e)", "Jan  1"),
    ("HOSTNAME", "cart-7d", "HOSTNAME", "cart-7d"),
    ("ENVIRONMENT(POD_NAME)", "cart-7d", "reporter_pod", "cart-7d"),
    ("ENVIRONMENT(POD_NAMESPACE):5", "shop", "reporter_namespace", "shop"),
    ("FILTER_CHAIN_NAME", "0.0.0.0_80", "FILTER_CHAIN_NAME", "0.0.0.0_80"),
    ("ACCESS_LOG_TYPE", "DownstreamEnd", "ACCESS_LOG_TYPE", "DownstreamEnd"),
    ("LOCAL_REPLY_BODY", "no healthy upstream", "LOCAL_REPLY_BODY", "no healthy upstream"),
    ("UNIQUE_ID", UUID, "UNIQUE_ID", UUID),
    ("TRACE_ID", "0af7651916cd43dd8448eb211c80319c", "trace_id", "0af7651916cd43dd8448eb211c80319c"),
    ("SPAN_ID", "b7ad6b7169203331", "span_id", "b7ad6b7169203331"),
    ("QUERY_PARAM(q):3", "a+b", "QUERY_PARAM(q)", "a+b"),
    ("CUSTOM_FLAGS", "A,B", "CUSTOM_FLAGS", "A,B"),
    ("CEL(request.headers['a'] || f(b)):9", "true", "CEL(request.headers['a'] || f(b))", "true"),
    ('COALESCE({"operators": ["REQUESTED_SERVER_NAME", {"command": "REQ"}]}):5', "a.b", "requested_server_name", "a.b"),
    ('COALESCE({"operators": [{"command": "REQ", "param": ":authority"}]})', "a.b", "authority", "a.b"),
    ("EMIT_TIME", TIME, "EMIT_TIME", TIME),
]


@pytest.mark.parametrize(("operator", "printed", "name", "kept"), OPERATORS, ids=[entry[0] for entry in OPERATORS])
@pytest.mark.parametrize("quote", ["", '"'])
def test_every_operator_is_kept(operator: str, printed: str, name: str, kept: object, quote: str) -> None:
    layout = f"%START_TIME% {quote}%{operator}%{quote} %RESPONSE_CODE%"
    found = row(layout, f"{TIME} {quote}{printed}{quote} 200")
    assert found.pop("start_time") == MOMENT
    assert found.pop("response_code") == 200
    assert found.pop(name) == kept
    assert list(found.values()) in ([], [printed])  # of a duration in other units as it was printed
    assert set(row(layout, f"{TIME} {quote}-{quote} 200")) == {"start_time", "response_code"}


TIMES = [
    ("", "2026-11-22T22:05:06.086Z"),
    ("", "2026-11-22T22:05:06.086000999Z"),
    ("%Y/%m/%dT%H:%M:%S%z %s", "2026/11/22T22:05:06+0000 1795385106"),
    ("%s", "1795385106"),
    ("%s.%3f", "1795385106.086"),
    ("%s.%6f", "1795385106.086000"),
    ("%s%3f", "1795385106086"),
    ("%s.%f", "1795385106.086000000"),
    ("%s.%1f", "1795385106.0"),
    ("%d/%b/%Y:%H:%M:%S %z", "23/Nov/2026:06:05:06 +0800"),
    ("%d/%B/%Y %I:%M:%S.%3f %p", "22/November/2026 10:05:06.086 PM"),
    ("%F %T.%9f", "2026-11-22 22:05:06.086000000"),
    ("%FT%T%Ez", "2026-11-22T17:05:06-05:00"),
    ("%Y-%m-%dT%H:%M:%E3SZ", "2026-11-22T22:05:06.086Z"),
    ("%Y-%m-%d %H:%M:%E*S", "2026-11-22 22:05:06.086"),
    ("%D %R", "11/22/26 22:05"),
    ("%c", "Sun Nov 22 22:05:06 2026"),
    ("%Y %j %H:%M:%S", "2026 326 22:05:06"),
    ("%a, %e %b %y %T %Z 100%%", "Sun, 22 Nov 26 22:05:06 UTC 100%"),
]


@pytest.mark.parametrize(("spec", "printed"), TIMES)
def test_start_times_are_read_as_they_are_printed(spec: str, printed: str) -> None:
    operator = f"%START_TIME({spec})%" if spec else "%START_TIME%"
    for layout, line in (
        (f"[{operator}] %RESPONSE_CODE%", f"[{printed}] 200"),
        (f"%REQ(USER-AGENT)% {operator} %RESPONSE_CODE%", f"a 200 b {printed} 200"),
    ):
        moment = row(layout, line)["start_time"]
        assert isinstance(moment, datetime)
        assert 0 <= (MOMENT - moment).total_seconds() < 61
        assert moment.minute == 5


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("%RESPONSE_CODE%", "no %START_TIME%"),
        ("hello", "no operator"),
        ("%START_TIME%\n%RESPONSE_CODE%", "several lines"),
        ("%START_TIME(%H:%M)% %RESPONSE_CODE%", "which day"),
        ("%START_TIME(%Y-%m-%d %Q)%", "%Q is no specifier"),
    ],
)
def test_formats_that_no_record_can_have_say_why(layout: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        program_of(layout)


def test_istios_own_format_is_read_as_its_own_parser_reads_it() -> None:
    lines = text_log(200) + b"garbage\n" + Request({"user_agent": b'x "y" \\z', "path": b"/a b"}).text() + b"\n"
    ours, theirs = parse_istio_text(lines, 7, Context(layout=TEXT_FORMAT)), parse_istio_text(lines, 7)
    assert ours.accepted.equals(theirs.accepted)
    assert ours.rejected["raw"].equals(theirs.rejected["raw"])


@pytest.mark.parametrize(
    "agent", [b'"', b'a"b', b'x "y" \\z\\"', b"a\tb", "Ünï 🚀".encode(), b"", b'" 200 "', b"%s %%"]
)
def test_hostile_user_agents_come_back_whole(agent: bytes) -> None:
    layout = '[%START_TIME%] "%REQ(USER-AGENT)%" %RESPONSE_CODE% %DURATION% "%REQ(X-REQUEST-ID)%"'
    found = row(layout, b'[%s] "%s" 200 5 "%s"' % (TIME.encode(), agent, UUID.encode()))
    assert found["user_agent"] == agent.decode()
    assert (found["response_code"], found["duration_ms"], found["request_id"]) == (200, 5, UUID)


def test_bytes_that_are_no_utf8_are_read_as_envoy_prints_them_in_json() -> None:
    line = b'%s "caf\xe9 \xff" 200' % TIME.encode()
    assert row('%START_TIME% "%REQ(USER-AGENT)%" %RESPONSE_CODE%', line)["user_agent"] == "café ÿ"


@given(
    some.lists(
        some.text(some.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=12),
        min_size=2,
        max_size=2,
    )
)
def test_a_line_comes_back_whole_or_is_rejected(values: list[str]) -> None:
    layout = '[%START_TIME%] "%REQ(USER-AGENT)%" %RESPONSE_CODE% "%REQ(:AUTHORITY)%" %UPSTREAM_CLUSTER% %BYTES_SENT%'
    agent, authority = values
    line = f'[{TIME}] "{agent}" 200 "{authority}" outbound|80||a 5'.encode()
    found = parsed(layout, line)
    assert found.accepted.num_rows + found.rejected.num_rows == 1
    if found.accepted.num_rows:
        (read,) = found.accepted.to_pylist()
        both = ["-" if text is None else text for text in (read["user_agent"], read["authority"])]
        joined = '" 200 "'.join(both)
        assert joined == f'{agent}" 200 "{authority}'


def test_what_could_be_read_in_two_ways_is_rejected() -> None:
    layout = '%START_TIME% "%REQ(USER-AGENT)%" %RESPONSE_CODE% "%REQ(X-A)%" %RESPONSE_CODE_DETAILS%'
    line = b'%s "a" 200 "b" 503 "c" via_upstream' % TIME.encode()
    assert "more than one way" in reason(layout, line)


def test_records_that_ran_together_are_rejected() -> None:
    layout = '[%START_TIME%] "%REQ(USER-AGENT)%" %RESPONSE_CODE% "%REQ(X-REQUEST-ID)%"'
    line = b'[%s] "a" 200 "b"' % TIME.encode()
    assert reason(layout, line + line) == "two records run together in one line"
    assert reason(layout, line[:-9] + line) == "two records run together in one line"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"nothing of it", "no '[' at the beginning"),
        (b"[2026-11-22T22:05:06.086Z] GET|", "no ' ' after %REQ(:METHOD)%"),
        (b"[2026-11-22T22:05:06.086Z] GET 200 x", "no '|' after %REQ(X-A)%"),
        (b"[2026-11-22T22:05:06.086Z] GET 2000 x|", "response_code is not 0 or a number"),
        (b"[yesterday] GET 200 x|", "start_time is not"),
        (b"[2026-11-22T22:05:06.086Z] GET 200 \x01|", "control bytes"),
        (b"[-] GET 200 x|", "no start_time"),
        (b"[2026-11-22T22:05:06.086Z] GET - x|", "neither response_code nor response_flags"),
    ],
)
def test_a_reject_says_what_is_wrong(line: bytes, message: str) -> None:
    assert message in reason("[%START_TIME%] %REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-A)%|", line)


def test_values_without_anything_between_them_are_told_apart_by_what_they_are() -> None:
    found = row("%START_TIME(%s)%%PROTOCOL%%RESPONSE_CODE% %REQ(X-A)%", "1795385106HTTP/2200 x")
    assert (found["protocol"], found["response_code"], found["REQ(X-A)"]) == ("HTTP/2", 200, "x")


@pytest.mark.skipif(not ESCAPING.is_file(), reason=f"{ESCAPING} is not there")
@pytest.mark.corpus
def test_what_a_real_envoy_wrote_comes_back_whole() -> None:
    blocks = re.findall(r"^   text +(b['\"].*['\"])$", ESCAPING.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [raw for block in blocks if (raw := ast.literal_eval(block)).endswith(b"\n")]
    assert len(lines) >= 15
    ours, theirs = (parse_istio_text(b"".join(lines), 0, Context(layout=layout)) for layout in (TEXT_FORMAT, None))
    assert ours.rejected.num_rows == 0
    assert ours.accepted.equals(theirs.accepted)


def test_plain_values_are_all_there() -> None:
    found = row(TEXT_FORMAT, Request().text())
    expected = {name: value for name, value in PLAIN.items() if value is not None} | {"start_time": MOMENT}
    assert found == expected
