from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsers import als
from pipelines.parsers.als import parse_als_delimited
from pipelines.parsers.als_messages import CLASSES, Made
from pipelines.parsers.als_values import FLAGS
from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.log_values import LONG_FLAGS
from tests.parsers.als_streams import NODE, address, common, http_entry, message, stream, tcp_entry
from tests.support.corpora import Corpus, each_corpus


def rows(chunk: bytes) -> list[dict[str, Any]]:
    parsed = parse_als_delimited(chunk, 0)
    assert parsed.rejected.num_rows == 0, parsed.rejected.to_pylist()
    return list(parsed.accepted.to_pylist())


def row(entry: Made) -> dict[str, Any]:
    (found,) = rows(stream(message(entry)))
    return found


def reason(entry: Made) -> str:
    parsed = parse_als_delimited(stream(message(entry)), 0)
    assert (parsed.read, parsed.accepted.num_rows) == (1, 0)
    return str(parsed.rejected["reason"][0].as_py())


def test_an_http_entry_is_what_the_text_log_says() -> None:
    said = {name: value for name, value in row(http_entry()).items() if value is not None}
    offset = said.pop("source_offset")
    chunk = stream(message(http_entry()))
    assert chunk[offset:] == http_entry().SerializeToString()
    assert said == {
        "start_time": datetime.fromtimestamp(1_795_385_106, UTC).replace(microsecond=250_999),
        "method": "GET",
        "path": "/ratings/5",
        "protocol": "HTTP/1.1",
        "response_code": 200,
        "response_code_details": "via_upstream",
        "bytes_received": 0,
        "bytes_sent": 202,
        "duration_ms": 43,
        "request_id": "r-1",
        "authority": "ratings:9080",
        "upstream_host": "10.1.0.7:9080",
        "upstream_cluster": "outbound|9080||ratings.shop.svc.cluster.local",
        "upstream_local_address": "10.1.0.5:50000",
        "downstream_local_address": "10.96.0.7:9080",
        "downstream_remote_address": "10.1.0.4:40000",
        "route_name": "default",
        "upstream_request_attempt_count": 1,
    }


def test_a_tcp_entry_has_no_request() -> None:
    said = row(tcp_entry())
    assert (said["bytes_received"], said["bytes_sent"], said["response_code"]) == (110, 712, 0)
    assert (said["method"], said["protocol"], said["duration_ms"]) == (None, None, 43)


def test_only_the_first_message_of_a_stream_names_the_proxy() -> None:
    first, second = rows(stream(message(http_entry(), node=NODE), message(http_entry())))
    assert (first["reporter_namespace"], first["reporter_pod"]) == ("shop", "reviews-v1-abc")
    assert (second["reporter_namespace"], second["reporter_pod"]) == (None, None)


def test_a_node_of_another_name_is_known_by_its_metadata() -> None:
    named = message(http_entry(), node="edge-7")
    named.identifier.node.metadata.update({"NAME": "edge-0", "NAMESPACE": "front"})
    (found,) = rows(stream(named))
    assert (found["reporter_namespace"], found["reporter_pod"]) == ("front", "edge-0")


def test_response_flags_are_envoys_short_names() -> None:
    assert set(FLAGS) <= set(LONG_FLAGS.values())
    flags = CLASSES["ResponseFlags"](URX=True, UF=True, UAEX=CLASSES["Unauthorized"](reason=1))
    assert row(http_entry(common(response_flags=flags)))["response_flags"] == "UF,UAEX,URX"


@pytest.mark.parametrize(
    ("given_address", "text"),
    [
        (address("fd00::1", 80), "[fd00::1]:80"),
        (address("10.0.0.1", 0), "10.0.0.1:0"),
        (CLASSES["Address"](pipe=CLASSES["Pipe"](path="/run/a.sock")), "/run/a.sock"),
        (
            CLASSES["Address"](
                envoy_internal_address=CLASSES["EnvoyInternalAddress"](server_listener_name="l", endpoint_id="e")
            ),
            "envoy://l/e",
        ),
        (CLASSES["Address"](), None),
    ],
)
def test_addresses_are_printed_as_envoy_does(given_address: Made, text: str | None) -> None:
    properties = common()
    properties.upstream_remote_address.CopyFrom(given_address)
    assert row(http_entry(properties))["upstream_host"] == text


def test_what_has_no_column_is_kept() -> None:
    properties = common(stream_id="s-1", custom_tags={"zone": "a", "POD_NAME": "cart-0", "grpc_status": "nonsense"})
    properties.time_to_last_rx_byte.nanos = 40_536
    properties.filter_state_objects["peer"].Pack(wrappers_pb2.StringValue(value="iptables"))
    odd = properties.filter_state_objects["odd"]
    odd.type_url, odd.value = "x/y.Z", b"\x01"
    properties.metadata.filter_metadata["istio"].update({"k": 1})
    properties.metadata.filter_metadata["odd"].update({"k": float("nan")})
    entry = http_entry(properties, original_path="/asked", request_headers={"x-b3-traceid": "abc", "x-team": "blue"})
    entry.response.response_trailers["grpc-status"] = "14"
    said = row(entry)
    odd_number = '{"@type":"type.googleapis.com/google.protobuf.Struct","value":"0a0e0a016b120911000000000000f87f"}'
    assert (said["path"], said["trace_id"], said["grpc_status"]) == ("/asked", "abc", 14)
    assert said["reporter_pod"] == "cart-0"
    assert dict(said["attributes"]) == {
        "path": "/ratings/5",
        "stream_id": "s-1",
        "zone": "a",
        "grpc_status": "nonsense",
        "time_to_last_rx_byte_ns": "40536",
        "filter_state.peer": "iptables",
        "filter_state.odd": '{"@type":"x/y.Z","value":"01"}',
        "metadata.istio": '{"k":1.0}',
        "metadata.odd": odd_number,
        "request_headers.x-team": "blue",
    }


@pytest.mark.parametrize("fields", [{"intermediate_log_entry": True}, {"access_log_type": 2}, {"access_log_type": 9}])
def test_what_goes_on_is_no_record_and_is_counted_apart(fields: dict[str, object]) -> None:
    parsed = parse_als_delimited(stream(message(http_entry(common(**fields)), http_entry())), 0)
    assert (parsed.read, parsed.accepted.num_rows, parsed.others) == (1, 1, 1)


def test_an_envoy_without_duration_logs_until_the_last_byte() -> None:
    properties = common()
    properties.ClearField("duration")
    assert row(http_entry(properties))["duration_ms"] is None
    properties.time_to_last_downstream_tx_byte.nanos = 5_999_999
    assert row(http_entry(properties))["duration_ms"] == 5


def test_what_cannot_be_is_rejected_with_its_own_bytes() -> None:
    late, early = common(), common()
    late.start_time.seconds = 2**60
    early.ClearField("start_time")
    bad_code = http_entry()
    bad_code.response.response_code.value = 99
    bad_flight = common()
    bad_flight.duration.nanos = -1
    assert "no time since 1970" in reason(http_entry(late))
    assert "no start_time" in reason(http_entry(early))
    assert "response_code is 99" in reason(bad_code)
    assert "duration" in reason(http_entry(bad_flight))
    assert "18 digits" in reason(http_entry(request_body_bytes=10**18))
    chunk = stream(message(http_entry(), bad_code, http_entry()))
    parsed = parse_als_delimited(chunk, 5)
    assert (parsed.read, parsed.accepted.num_rows) == (3, 2)
    (reject,) = parsed.rejected.to_pylist()
    assert reject["raw"] == bad_code.SerializeToString()
    assert chunk[reject["source_offset"] - 5 :].startswith(reject["raw"])


def test_an_entry_that_is_no_utf8_costs_no_other() -> None:
    raw = message(http_entry(path="/bad!!"), http_entry()).SerializeToString().replace(b"bad!!", b"bad\xff\xfe")
    parsed = parse_als_delimited(bytes([*_length(raw), *raw]), 0)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 1)


def _length(raw: bytes) -> bytes:
    size = len(raw)
    digits = []
    while size > 0x7F:
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*digits, size])


def test_entries_of_a_message_full_of_bad_ones_are_given_up_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(als, "MAX_REJECTS_PER_MESSAGE", 2)
    bad = http_entry()
    bad.response.response_code.value = 1
    parsed = parse_als_delimited(stream(message(*[bad] * 5, http_entry())), 0)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 3)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_every_record_is_accounted_for(data: st.DataObject) -> None:
    chunk = bytearray(stream(message(http_entry(), tcp_entry(), node=NODE), message(http_entry())))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(chunk)))
        chunk[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parsed = parse_als_delimited(bytes(chunk), 0)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows


#: What ALS does not say: nothing of these headers, and no cluster where no host was chosen.
_UNSAID = {"source_offset", "attributes", "upstream_service_time_ms", "reporter_namespace", "reporter_pod"}


@pytest.mark.corpus
@each_corpus()
def test_a_corpus_says_the_same_in_als_as_in_json(corpus: Corpus) -> None:
    if not corpus.inputs("als"):
        pytest.skip("no ALS messages in this corpus")
    found = rows(gzip.decompress((corpus.path / "input" / "als" / "als.binpb.gz").read_bytes()))
    named = [
        line
        for path in sorted((corpus.path / "input" / "logs-json").glob("*/access.json.log.gz"))
        for line in parse_istio_json(gzip.decompress(path.read_bytes()), 0).accepted.to_pylist()
    ]
    said = Counter(_essence(line) for line in found)
    assert not Counter(map(_essence, named)) - said


def _essence(line: dict[str, Any]) -> tuple[object, ...]:
    """What both say of a request, start to the millisecond, flags in no order."""
    without = _UNSAID | {"downstream_peer_uri_san", "upstream_request_attempt_count", "start_time", "response_flags"}
    if line["upstream_host"] is None:
        without = without | {"upstream_cluster"}
    flags = ",".join(sorted((line["response_flags"] or "").split(",")))
    values = tuple(value for name, value in sorted(line.items()) if name not in without)
    return (int(line["start_time"].timestamp() * 1000 + 1e-6), flags, *values)
