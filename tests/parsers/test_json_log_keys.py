"""JSON access logs with keys of anyone's choice: named by a layout, or told by what they are called."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.parsers.context import Context
from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.log_operators import Target, target_of
from pipelines.parsers.log_times import time_us
from pipelines.schemas import ACCESS_LOG_FIELDS
from tests.parsers.access_logs import PLAIN, Request

ESCAPING = Path(__file__).parents[2].parent / "shared" / "reference" / "envoy-log-escaping.txt"
START = "2026-11-22T22:05:06.086Z"
STARTED = datetime(2026, 11, 22, 22, 5, 6, 86000, tzinfo=UTC)


def read(value: object, layout: object = None) -> dict[str, object]:
    """The columns of one line that are not null, attributes as a dict."""
    context = Context(layout=None if layout is None else json.dumps(layout))
    chunk = value if isinstance(value, bytes) else json.dumps(value).encode()
    parsed = parse_istio_json(chunk, 0, context)
    assert parsed.rejected.num_rows == 0, parsed.rejected.to_pylist()
    (row,) = parsed.accepted.to_pylist()
    found = {name: given for name, given in row.items() if given is not None and name != "source_offset"}
    return found | ({"attributes": dict(found["attributes"])} if "attributes" in found else {})


def refused(value: object, layout: object = None) -> str:
    context = Context(layout=None if layout is None else json.dumps(layout))
    parsed = parse_istio_json(json.dumps(value).encode(), 0, context)
    assert parsed.accepted.num_rows == 0
    return str(parsed.rejected["reason"][0])


def test_a_layout_names_the_columns() -> None:
    layout = {
        "t": "%START_TIME%",
        "s": "%RESPONSE_CODE%",
        "verb": "%REQ(:METHOD)%",
        "where": {"to": "%UPSTREAM_CLUSTER%", "via": "%UPSTREAM_HOST%"},
        "took": "%DURATION%",
        "team": "payments",
        "tenant": "%REQ(X-TENANT)%",
        "grpc": "%GRPC_STATUS%",
    }
    line = {
        "t": START,
        "s": "503",
        "verb": "GET",
        "where": {"to": "outbound|80||a.b.svc.cluster.local;", "via": None},
        "took": 12,
        "team": "payments",
        "tenant": "-",
        "grpc": "DeadlineExceeded",
        "kubernetes": {"pod_name": "a-1", "namespace_name": "b", "labels": {"app": "a"}},
    }
    assert read(line, layout) == {
        "start_time": STARTED,
        "response_code": 503,
        "method": "GET",
        "upstream_cluster": "outbound|80||a.b.svc.cluster.local",
        "duration_ms": 12,
        "grpc_status": 4,
        "reporter_pod": "a-1",
        "reporter_namespace": "b",
        "attributes": {"team": "payments", "kubernetes.labels.app": "a"},
    }


@pytest.mark.parametrize(
    "line",
    [
        {"timestamp": START, "status": 200, "method": "GET", "uri": "/a", "host": "b"},
        {"@timestamp": START, "responseCode": "200", "requestMethod": "GET", "request_path": "/a", "httpHost": "b"},
        {"time": START, "request": {"method": "GET", "path": "/a", "host": "b"}, "response": {"code": 200}},
        {
            "log": {"start_time": START, "response_code": 200.0},
            "http_method": "GET",
            "url.path": "/a",
            "authority": "b",
        },
    ],
    ids=["plain", "camel", "nested", "dotted"],
)
def test_keys_are_told_by_what_they_are_called(line: dict[str, object]) -> None:
    said = {"start_time": STARTED, "response_code": 200, "method": "GET", "path": "/a", "authority": "b"}
    assert read(line) == said


def test_every_column_has_a_key_of_its_own_name() -> None:
    values: dict[str, object] = {"attributes": None, "start_time": START, "response_code": 200, "grpc_status": 0}
    for field in ACCESS_LOG_FIELDS:
        values.setdefault(field.name, "UF" if field.name == "response_flags" else "7")
    names = {"reporter_pod": "pod_name", "reporter_namespace": "pod_namespace"}
    unkeyed = {"application_protocol", "rpc_service", "rpc_method"}
    line = {names.get(name, name): value for name, value in values.items()}
    assert read(line).keys() == (values.keys() - {"attributes"} - unkeyed) | {"attributes"}
    assert read(line)["attributes"] == dict.fromkeys(unkeyed, "7")


def test_istios_own_key_is_believed_before_a_shippers() -> None:
    row = read({"@timestamp": "2026-11-22T23:00:00Z", "start_time": START, "response_code": 200, "status": "ok"})
    assert row["start_time"] == STARTED
    assert row["attributes"] == {"@timestamp": "2026-11-22T23:00:00Z", "status": "ok"}


def test_values_without_a_column_are_kept_as_text() -> None:
    line = (
        b'{"start_time":"%s","response_code":0,"n":12,"f":1.5,"b":true,"l":[1,"a"],"o":{"x":{"y":"z"}},"e":"","d":"-"}'
    )
    assert read(line % START.encode())["attributes"] == {
        "n": "12",
        "f": "1.5",
        "b": "true",
        "l": '[1,"a"]',
        "o.x.y": "z",
        "e": "",
    }


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert read(b'{"start_time":"%s","response_code":200,"response_code":404}' % START.encode())["response_code"] == 404


def test_bytes_that_are_no_utf_8_come_as_envoy_writes_them() -> None:
    line = Request().json().replace(b"curl/8.5.0", rb"caf\u00e9 \u00ff\u00fe")
    assert read(line)["user_agent"] == "caf\xe9 \xff\xfe"


def test_long_flags_are_the_same_flags() -> None:
    layout = {"at": "%START_TIME%", "flags": "%RESPONSE_FLAGS_LONG%"}
    line = {"at": START, "flags": "UpstreamConnectionFailure,UpstreamRetryLimitExceeded"}
    assert read(line, layout)["response_flags"] == "UF,URX"
    assert "short names" in refused({"at": START, "flags": "AllIsWell"}, layout)


def test_a_duration_in_other_units_is_kept_whole_beside() -> None:
    layout = {"at": "%START_TIME%", "us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%"}
    assert read({"at": START, "us": 12_345}, layout) == {
        "start_time": STARTED,
        "duration_ms": 12,
        "attributes": {"us": "12345"},
    }


def test_without_a_time_or_an_outcome_it_is_no_record() -> None:
    assert "no start_time" in refused({"response_code": 200, "method": "GET"})
    assert "neither response_code nor response_flags" in refused({"time": START, "level": "info", "msg": "ready"})
    # A layout without either may say so.
    layout = {"at": "%START_TIME%", "verb": "%REQ(:METHOD)%"}
    assert read({"at": START, "verb": "GET"}, layout) == {"start_time": STARTED, "method": "GET"}


def test_what_the_layout_names_has_to_hold_the_operators_values() -> None:
    assert "code" in refused({"at": START, "s": "two hundred"}, {"at": "%START_TIME%", "s": "%RESPONSE_CODE%"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T21:58:08.102Z", 1_795_384_688_102_000),
        ("2026-11-22T21:58:08.102341000+0000", 1_795_384_688_102_341),
        ("2026-11-22 22:58:08+01:00", 1_795_384_688_000_000),
        ("[22/Nov/2026:21:58:08 +0000]", 1_795_384_688_000_000),
        ("22/Nov/2026:16:28:08 -0530", 1_795_384_688_000_000),
        ("1795384688.102341", 1_795_384_688_102_341),
        ("1795384688", 1_795_384_688_000_000),
        ("1795384688102", 1_795_384_688_102_000),
        ("1795384688102341", 1_795_384_688_102_341),
        ("1795384688102341999", 1_795_384_688_102_341),
        ("2026-02-29T00:00:00Z", None),
        ("22/Foo/2026:21:58:08 +0000", None),
        ("12", None),
        ("yesterday", None),
        ("\u0661795384688", None),
    ],
)
def test_times(text: str, expected: int | None) -> None:
    assert time_us(text) == expected


@pytest.mark.parametrize(
    ("operator", "target"),
    [
        ("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):40%", Target("path")),
        ("%REQUEST_HEADER(:authority)%", Target("authority")),
        ("%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%", Target("upstream_service_time_ms")),
        ("%TRAILER(GRPC-STATUS)%", Target("grpc_status")),
        ("%UPSTREAM_CLUSTER_RAW%", Target("upstream_cluster")),
        ("%ENVIRONMENT(POD_NAME)%", Target("reporter_pod")),
        ("%COMMON_DURATION(DS_RX_BEG:US_TX_END:ms)%", None),
        ("%DYNAMIC_METADATA(a:b)%", None),
        ("%REQ(:METHOD)% %PROTOCOL%", None),
        ("literal", None),
    ],
)
def test_operators(operator: str, target: Target | None) -> None:
    assert target_of(operator) == target


@pytest.mark.skipif(not ESCAPING.exists(), reason="no development data")
def test_what_a_real_envoy_writes_in_other_layouts() -> None:
    layout = {
        "dur": "%DURATION%",
        "flags_long": "%RESPONSE_FLAGS_LONG%",
        "path_only": "%PATH(NQ)%",
        "t_iso_ns": "%START_TIME(%Y-%m-%dT%H:%M:%S.%9f%z)%",
    }
    lines = [line.partition("{") for line in ESCAPING.read_text(encoding="utf-8").splitlines() if "extra  " in line]
    assert lines
    for _, brace, rest in lines:
        said = json.loads(brace + rest)
        row = read((brace + rest).encode(), layout | {"nested": {"a": "%PROTOCOL%"}})
        assert (row["duration_ms"], row.get("path"), row["protocol"]) == (said["dur"], said["path_only"], "HTTP/1.1")
        assert isinstance(row["start_time"], datetime)


def test_an_unfit_layout_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="JSON object of format strings"):
        parse_istio_json(Request(PLAIN).json(), 0, Context(layout="[%START_TIME%]"))
