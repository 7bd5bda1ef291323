"""From one entry of Envoy's access log service to access-log columns.

Columns are those of the text log's operators: `duration` is `%DURATION%`, `request_body_bytes` is `%BYTES_RECEIVED%`,
`original_path` goes before `path` as in Istio's format. What no column holds is kept among the attributes under the
field's own name: texts and numbers as they are, times as nanoseconds (`time_to_last_rx_byte_ns`), maps by key
(`request_headers.KEY`, `filter_state.KEY`, `metadata.KEY`), custom tags under their keys. What is unset, zero or empty
is left out, and so is what another field says already. Response flags are in the order of their field numbers; the text
log has them in the order in which they were raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.parsers.als_messages import CLASSES
from pipelines.parsers.als_values import address_of, flags_of, names_of, packed_text, struct_text
from pipelines.parsers.log_layout import COLUMNS, Record
from pipelines.parsers.log_operators import known_key
from pipelines.parsers.log_values import InvalidRecordError, read_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.als_messages import Made

METHODS: Final = (None, "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
PROTOCOLS: Final = (None, "HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3")
TLS_VERSIONS: Final = (None, "TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
#: `AccessLogType`; an entry of another type than these is of a request or connection that goes on, or of one attempt.
FINAL_TYPES: Final = {0: None, 3: None, 6: None, 13: "UdpSessionEnd"}
NANOSECONDS_PER_SECOND: Final = 1_000_000_000
#: The largest number of seconds of a protobuf Duration: about 10,000 years; and the last second of the year 9999.
MAX_DURATION_S: Final = 315_576_000_000
MAX_TIME_S: Final = 253_402_300_799
#: The largest count, as of the other formats.
FIRST_TOO_BIG: Final = 10**18

TEXTS: Final = (
    "route_name",
    "connection_termination_details",
)
#: Texts whose operators print underscores for blanks.
REASONS: Final = ("upstream_transport_failure_reason", "downstream_transport_failure_reason")
ADDRESSES: Final = {
    "downstream_remote_address": "downstream_remote_address",
    "downstream_local_address": "downstream_local_address",
    "upstream_host": "upstream_remote_address",
    "upstream_local_address": "upstream_local_address",
}
INTERVALS: Final = tuple(
    field.name for field in CLASSES["AccessLogCommon"].DESCRIPTOR.fields if field.name.startswith("time_to_")
)
COUNTS: Final = tuple(
    field.name for field in CLASSES["AccessLogCommon"].DESCRIPTOR.fields if "_wire_bytes_" in field.name
)
REQUEST_COUNTS: Final = ("request_headers_bytes", "upstream_header_bytes_sent", "downstream_header_bytes_received")
RESPONSE_COUNTS: Final = ("response_headers_bytes", "upstream_header_bytes_received", "downstream_header_bytes_sent")
#: Columns that only tags and headers fill here.
_FROM_TAGS: Final = frozenset(
    {"reporter_pod", "reporter_namespace", "trace_id", "span_id", "grpc_status", "connection_id"}
    | {"upstream_peer_uri_san", "upstream_service_time_ms"}
)
_FROM_HEADERS: Final = {
    "x-b3-traceid": "trace_id",
    "x-b3-spanid": "span_id",
    "x-envoy-upstream-service-time": "upstream_service_time_ms",
    "grpc-status": "grpc_status",
}
_PLACES: Final = {name: place for place, name in enumerate(COLUMNS)}


class EntryRecord:
    """A record that is being filled."""

    __slots__ = ("record",)

    def __init__(self) -> None:
        self.record = Record([None] * len(COLUMNS), {})

    def put(self, column: str, value: int | str | None) -> None:
        """Fill a column; an empty text is nothing."""
        self.record.values[_PLACES[column]] = None if value == "" else value

    def count(self, column: str, value: int) -> None:
        """Fill a column with a count. Raises ValueError where it is too large to be one."""
        if value >= FIRST_TOO_BIG:
            raise ValueError(f"{column} is {value}, more than 18 digits")
        self.put(column, value)

    def keep(self, key: str, value: int | str | None) -> None:
        """Keep a value among the attributes; nothing, zero and empty texts are left out."""
        if value:
            self.record.attributes[key] = str(value)

    def offer(self, column: str | None, key: str, text: str) -> None:
        """Fill a column that is empty, where the text can be its value; keep it among the attributes otherwise."""
        if column is not None and self.record.values[_PLACES[column]] is None:
            try:
                value = read_value(column, text)
            except InvalidRecordError:
                value = None
            if value is not None:
                self.put(column, value)
                return
        self.keep(key, text)


def http_record(entry: Made) -> Record:
    """The record of an `HTTPAccessLogEntry`. Raises ValueError where it is none."""
    found = EntryRecord()
    request, response = entry.request, entry.response
    found.put("protocol", _of(PROTOCOLS, entry.protocol_version))
    found.put("method", _of(METHODS, request.request_method))
    found.put("path", request.original_path or request.path)
    found.put("authority", request.authority)
    found.put("user_agent", request.user_agent)
    found.put("x_forwarded_for", request.forwarded_for)
    found.put("request_id", request.request_id)
    found.count("bytes_received", request.request_body_bytes)
    found.count("bytes_sent", response.response_body_bytes)
    found.put("response_code", _code(response.response_code.value))
    found.put("response_code_details", response.response_code_details)
    if request.original_path:
        found.keep("path", request.path)
    found.keep("scheme", request.scheme)
    found.keep("referer", request.referer)
    found.keep("port", request.port.value)
    for message, names in ((request, REQUEST_COUNTS), (response, RESPONSE_COUNTS)):
        for name in names:
            found.keep(name, getattr(message, name))
    _headers(found, "request_headers", request.request_headers)
    _headers(found, "response_headers", response.response_headers)
    _headers(found, "response_trailers", response.response_trailers)
    _common(found, entry.common_properties)
    return found.record


def tcp_record(entry: Made) -> Record:
    """The record of a `TCPAccessLogEntry`. Raises ValueError where it is none."""
    found = EntryRecord()
    found.put("response_code", 0)
    found.count("bytes_received", entry.connection_properties.received_bytes)
    found.count("bytes_sent", entry.connection_properties.sent_bytes)
    _common(found, entry.common_properties)
    return found.record


def is_final(common: Made) -> bool:
    """Whether an entry says how a request or connection ended, and is the one that does."""
    return not common.intermediate_log_entry and common.access_log_type in FINAL_TYPES


def _common(found: EntryRecord, common: Made) -> None:
    found.put("start_time", _time_us(common))
    has_duration = common.HasField("duration")
    # Envoy has written `duration` since 1.26; before, the last byte to the client was the end of what it logged.
    spent = common.duration if has_duration else common.time_to_last_downstream_tx_byte
    if has_duration or common.HasField("time_to_last_downstream_tx_byte"):
        found.put("duration_ms", _nanoseconds("duration", spent) // 1_000_000)
    for name in TEXTS:
        found.put(name, getattr(common, name))
    for name in REASONS:
        found.put(name, getattr(common, name).replace(" ", "_"))
    found.put("upstream_cluster", common.upstream_cluster.rstrip(";"))
    for column, name in ADDRESSES.items():
        found.put(column, address_of(getattr(common, name)))
    found.put("upstream_request_attempt_count", _small(common.upstream_request_attempt_count))
    found.put("response_flags", flags_of(common.response_flags))
    _tls(found, common.tls_properties)
    _extras(found, common)
    _maps(found, common)


def _extras(found: EntryRecord, common: Made) -> None:
    remote = address_of(common.downstream_remote_address)
    direct = address_of(common.downstream_direct_remote_address)
    found.keep("downstream_direct_remote_address", None if direct == remote else direct)
    request_id = found.record.values[_PLACES["request_id"]]
    found.keep("stream_id", None if common.stream_id == request_id else common.stream_id)
    found.keep("access_log_type", FINAL_TYPES[common.access_log_type])
    if common.sample_rate:
        found.keep("sample_rate", repr(common.sample_rate))
    for name in INTERVALS:
        found.keep(f"{name}_ns", _nanoseconds(name, getattr(common, name)))
    for name in COUNTS:
        found.keep(name, getattr(common, name))


def _maps(found: EntryRecord, common: Made) -> None:
    for key in common.custom_tags:
        known = known_key(key)
        column = known[0] if known and known[0] in _FROM_TAGS else None
        found.offer(column, key, common.custom_tags[key])
    for key in common.filter_state_objects:
        found.keep(f"filter_state.{key}", packed_text(common.filter_state_objects[key]))
    for key in common.metadata.filter_metadata:
        found.keep(f"metadata.{key}", struct_text(common.metadata.filter_metadata[key]))
    for key in common.metadata.typed_filter_metadata:
        found.keep(f"metadata.{key}", packed_text(common.metadata.typed_filter_metadata[key]))


def _tls(found: EntryRecord, tls: Made) -> None:
    found.put("requested_server_name", tls.tls_sni_hostname)
    peer, local = tls.peer_certificate_properties, tls.local_certificate_properties
    found.put("downstream_peer_uri_san", names_of(peer.subject_alt_name, "uri"))
    found.keep("peer_certificate.dns_san", names_of(peer.subject_alt_name, "dns"))
    found.keep("local_certificate.uri_san", names_of(local.subject_alt_name, "uri"))
    found.keep("local_certificate.dns_san", names_of(local.subject_alt_name, "dns"))
    for side, certificate in (("peer", peer), ("local", local)):
        found.keep(f"{side}_certificate.subject", certificate.subject)
        found.keep(f"{side}_certificate.issuer", certificate.issuer)
    found.keep("tls_version", _of(TLS_VERSIONS, tls.tls_version))
    found.keep("tls_cipher_suite", tls.tls_cipher_suite.value)
    found.keep("tls_session_id", tls.tls_session_id)
    found.keep("ja3_fingerprint", tls.ja3_fingerprint)


def _headers(found: EntryRecord, kind: str, headers: Mapping[str, str]) -> None:
    for key in headers:
        found.offer(_FROM_HEADERS.get(key.lower()), f"{kind}.{key}", headers[key])


def _of(names: tuple[str | None, ...], number: int) -> str | None:
    """An enum's name; null for a number that is not known."""
    return names[number] if 0 <= number < len(names) else None


def _code(code: int) -> int:
    if code and not 100 <= code <= 999:
        raise ValueError(f"response_code is {code}, not 0 or a number from 100 to 999")
    return code


def _small(count: int) -> int | None:
    if count >= 2**31:
        raise ValueError(f"upstream_request_attempt_count is {count}, not below 2147483648")
    return count or None


def _time_us(common: Made) -> int:
    if not common.HasField("start_time"):
        raise ValueError("no start_time")
    seconds, nanos = common.start_time.seconds, common.start_time.nanos
    if not (0 <= seconds <= MAX_TIME_S and 0 <= nanos < NANOSECONDS_PER_SECOND):
        raise ValueError(f"start_time is {seconds} s and {nanos} ns, no time since 1970")
    return int(seconds) * 1_000_000 + int(nanos) // 1_000


def _nanoseconds(name: str, duration: Made) -> int:
    seconds, nanos = duration.seconds, duration.nanos
    if not (0 <= seconds <= MAX_DURATION_S and 0 <= nanos < NANOSECONDS_PER_SECOND):
        raise ValueError(f"{name} is {seconds} s and {nanos} ns, no length of time")
    # Beyond what 64 bits hold, and far beyond any request.
    return min(int(seconds) * NANOSECONDS_PER_SECOND + int(nanos), FIRST_TOO_BIG * 9)
