"""Envoy's admin pages: config_dump, /clusters in both forms, /server_info; and what a real Envoy answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.parsers.envoy_clusters import parse_clusters
from pipelines.parsers.envoy_config_dump import parse_config_dump
from pipelines.parsers.envoy_server_info import parse_server_info
from tests.parsers.admin_pages import ADMIN, NODE, Json, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed


def dump(*configs: Json, indent: int | None = None) -> bytes:
    return json.dumps({"configs": list(configs)}, indent=indent).encode()


def bootstrap(**more: Json) -> Json:
    return {
        "@type": ADMIN + "BootstrapConfigDump",
        "bootstrap": {"node": NODE, **more},
        "last_updated": "2026-11-22T22:12:28.413Z",
    }


def test_every_named_thing_is_a_row_with_its_state() -> None:
    cluster = {"@type": "x", "name": "outbound|80||a"}
    listener = {"version_info": "7", "listener": {"name": "0.0.0.0_80"}, "last_updated": "2026-11-22T22:12:29Z"}
    document = dump(
        bootstrap(),
        {
            "@type": ADMIN + "ClustersConfigDump",
            "static_clusters": [{"cluster": {"name": "admin"}}],
            "dynamic_active_clusters": [{"version_info": "3", "cluster": cluster}],
            "dynamic_warming_clusters": [{"version_info": "4", "cluster": {"name": "outbound|81||b"}}],
        },
        {
            "@type": ADMIN + "ListenersConfigDump",
            "dynamic_listeners": [
                {
                    "name": "0.0.0.0_80",
                    "active_state": listener,
                    "draining_state": listener,
                    "error_state": {"details": "port in use", "last_update_attempt": "2026-11-22T22:12:30Z"},
                }
            ],
        },
        {"@type": ADMIN + "ScopedRoutesConfigDump"},
        {"@type": ADMIN + "RoutesConfigDump", "dynamic_route_configs": [{"route_config": {"name": "80"}}]},
        {
            "@type": ADMIN + "EndpointsConfigDump",
            "dynamic_endpoint_configs": [{"endpoint_config": {"cluster_name": "outbound|80||a"}}],
        },
        {"@type": ADMIN + "SecretsConfigDump", "dynamic_active_secrets": [{"name": "default", "secret": {}}]},
        {"@type": ADMIN + "EcdsConfigDump", "ecds_filters": [{"ecds_filter": {"@type": "y", "name": "wasm"}}]},
        indent=1,
    )
    rows, rejects = read(parse_config_dump, document)
    assert not rejects
    assert [(row["section"], row["name"], row["state"], row["version_info"]) for row in rows] == [
        ("bootstrap", None, "static", None),
        ("cluster", "admin", "static", None),
        ("cluster", "outbound|80||a", "active", "3"),
        ("cluster", "outbound|81||b", "warming", "4"),
        ("listener", "0.0.0.0_80", "active", "7"),
        ("listener", "0.0.0.0_80", "draining", "7"),
        ("listener", "0.0.0.0_80", "error", None),
        ("route", "80", "active", None),
        ("endpoint", "outbound|80||a", "active", None),
        ("secret", "default", "active", None),
        ("ecds", "wasm", "active", None),
    ]
    assert {(row["reporter_namespace"], row["reporter_pod"]) for row in rows} == {("shop", "web-1")}
    assert {row["observed_at"] for row in rows} == {datetime.fromtimestamp(1_700_000_000, UTC)}
    assert rows[0]["last_updated"] == datetime(2026, 11, 22, 22, 12, 28, 413000, UTC)
    assert rows[6]["last_updated"] == datetime(2026, 11, 22, 22, 12, 30, tzinfo=UTC)
    assert json.loads(rows[2]["state_json"]) == cluster
    assert json.loads(rows[6]["state_json"])["details"] == "port in use"
    for row in rows:
        assert document[row["source_offset"] - 100 :].startswith(b"{")


def test_a_refused_update_of_a_cluster_is_a_row_of_its_own() -> None:
    entry = {"cluster": {"name": "a"}, "error_state": {"failed_configuration": {"name": "a"}, "details": "no"}}
    rows, _ = read(parse_config_dump, dump({"@type": ADMIN + "ClustersConfigDump", "dynamic_active_clusters": [entry]}))
    assert [(row["name"], row["state"]) for row in rows] == [("a", "active"), ("a", "error")]


def test_camel_case_and_bare_entries_are_read_too() -> None:
    camel = {
        "@type": ADMIN + "ClustersConfigDump",
        "dynamicActiveClusters": [
            {"versionInfo": "9", "cluster": {"name": "a"}, "lastUpdated": "2026-01-01T00:00:00Z"}
        ],
    }
    entry = {"@type": ADMIN + "ClustersConfigDump.DynamicCluster", "version_info": "8", "cluster": {"name": "b"}}
    static = {"@type": ADMIN + "ClustersConfigDump.StaticCluster", "cluster": {"name": "c"}}
    rows, rejects = read(parse_config_dump, dump(camel, entry, static))
    assert not rejects
    found = [(row["name"], row["state"], row["version_info"]) for row in rows]
    assert found == [("a", "active", "9"), ("b", None, "8"), ("c", "static", None)]
    assert {row["reporter_pod"] for row in rows} == {None}


@pytest.mark.parametrize(
    "config",
    [
        {"@type": ADMIN + "UnheardOfConfigDump"},
        {"static_clusters": []},
        {"@type": ADMIN + "ClustersConfigDump", "static_clusters": {}},
        {"@type": ADMIN + "ClustersConfigDump", "static_clusters": [{"version_info": "1"}]},
        {"@type": ADMIN + "ClustersConfigDump", "static_clusters": [{"cluster": {"name": 5}}]},
        {"@type": ADMIN + "ClustersConfigDump", "static_clusters": [{"cluster": {}, "last_updated": "yesterday"}]},
        {"@type": ADMIN + "ListenersConfigDump", "dynamic_listeners": [{"name": "a"}]},
        {"@type": ADMIN + "BootstrapConfigDump"},
        {"@type": 5},
        "text",
        7,
        None,
    ],
)
def test_what_cannot_be_read_is_a_reject_and_the_rest_is_kept(config: object) -> None:
    document = json.dumps({"configs": [bootstrap(), config]}).encode()
    rows, rejects = read(parse_config_dump, document)
    assert len(rows) == 1
    [reject] = rejects
    assert reject["raw"] in document
    assert document[reject["source_offset"] - 100 :].startswith(reject["raw"])


SECRET = "c2VjcmV0LWtleS1ieXRlcw"  # noqa: S105 - the test looks for it


def test_no_secret_is_kept_wherever_it_stands() -> None:
    source = {"inline_string": SECRET}
    secrets = [
        {"name": "a", "secret": {"tls_certificate": {"certificate_chain": {"filename": "/c"}, "private_key": source}}},
        {"name": "b", "secret": {"generic_secret": {"secret": source}}},
        {"name": "c", "secret": {"session_ticket_keys": {"keys": [source]}}},
        {"name": "d", "secret": {"tls_certificate": {"password": {"inline_bytes": SECRET}}}},
        {"name": "e", "secret": {"other": f"-----BEGIN PRIVATE KEY-----{SECRET}"}},
        {"name": "f", "secret": {"privateKey": {"inlineBytes": SECRET}}, "last_updated": "never"},
    ]
    headers = {"request_headers_to_add": [{"header": {"key": "Authorization", "value": f"Bearer {SECRET}"}}]}
    document = dump(
        bootstrap(static_resources={"secrets": secrets}, route=headers),
        {"@type": ADMIN + "SecretsConfigDump", "dynamic_active_secrets": secrets},
        {"@type": ADMIN + "UnknownConfigDump", "private_key": SECRET},
    )
    rows, rejects = read(parse_config_dump, document)
    assert (len(rows), len(rejects)) == (6, 2)
    assert SECRET not in str(rows)
    assert SECRET not in str(rejects)
    assert "/c" in rows[1]["state_json"]
    assert '"redacted_bytes":22' in rows[1]["state_json"]
    assert '"key":"Authorization"' in rows[0]["state_json"]


CLUSTERS_TEXT = b"""\
outbound|80||cart::observability_name::outbound|80||cart
outbound|80||cart::outlier::success_rate_average::-1
outbound|80||cart::outlier::success_rate_ejection_threshold::93.5
outbound|80||cart::default_priority::max_connections::1024
outbound|80||cart::high_priority::max_retries::3
outbound|80||cart::added_via_api::true
outbound|80||cart::10.0.0.1:80::cx_active::2
outbound|80||cart::10.0.0.1:80::rq_total::41
outbound|80||cart::10.0.0.1:80::hostname::h
outbound|80||cart::10.0.0.1:80::health_flags::/failed_outlier_check/eds_status_draining
outbound|80||cart::10.0.0.1:80::weight::1
outbound|80||cart::10.0.0.1:80::zone::z
outbound|80||cart::10.0.0.1:80::canary::false
outbound|80||cart::10.0.0.1:80::success_rate::-1
outbound|80||cart::[fe80::1]:8080::cx_active::0
inbound|80||::/run/web.sock::rq_active::1
empty::added_via_api::false
"""


def test_clusters_as_text_have_the_fields_of_the_json_form() -> None:
    rows, rejects = read(parse_clusters, CLUSTERS_TEXT)
    assert not rejects
    assert [(row["section"], row["name"]) for row in rows] == [
        ("upstream_cluster", "outbound|80||cart"),
        ("upstream_endpoint", "outbound|80||cart"),
        ("upstream_endpoint", "outbound|80||cart"),
        ("upstream_cluster", "inbound|80||"),
        ("upstream_endpoint", "inbound|80||"),
        ("upstream_cluster", "empty"),
    ]
    states = [json.loads(row["state_json"]) for row in rows]
    assert states[0] == {
        "name": "outbound|80||cart",
        "observability_name": "outbound|80||cart",
        "success_rate_ejection_threshold": {"value": 93.5},
        "circuit_breakers": {"thresholds": [{"max_connections": 1024}, {"priority": "HIGH", "max_retries": 3}]},
        "added_via_api": True,
    }
    assert states[1] == {
        "address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}},
        "stats": [{"type": "GAUGE", "name": "cx_active", "value": "2"}, {"name": "rq_total", "value": "41"}],
        "hostname": "h",
        "health_status": {"eds_health_status": "DRAINING", "failed_outlier_check": True},
        "weight": 1,
        "locality": {"zone": "z"},
    }
    assert states[2]["address"] == {"socket_address": {"address": "fe80::1", "port_value": 8080}}
    assert states[4]["address"] == {"pipe": {"path": "/run/web.sock"}}
    assert CLUSTERS_TEXT[rows[1]["source_offset"] - 100 :].startswith(b"outbound|80||cart::10.0.0.1:80::cx_active")
    assert sum(row["size_bytes"] for row in rows) == len(CLUSTERS_TEXT)


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"a::b::c", b"a::10.0.0.1:80::unheard_of::1", b"a::10.0.0.1:80::cx_active::many", b"\xff::x::y::1",
     b"a::default_priority::max_connections::x", b"a::somewhere::cx_active::1"],
)  # fmt: skip
def test_a_bad_line_of_clusters_is_one_reject(line: bytes) -> None:
    document = b"web::added_via_api::true\n" + line + b"\nweb::10.0.0.1:80::cx_active::0\n"
    rows, [reject] = read(parse_clusters, document)
    assert len(rows) == 2
    assert (reject["raw"], reject["source_offset"]) == (line, 125)


def test_server_info_is_one_row() -> None:
    answer = {"version": "abc/1.40.0/Clean", "state": "DRAINING", "node": NODE, "hot_restart_version": "11"}
    [row], _ = read(parse_server_info, json.dumps(answer).encode())
    assert (row["section"], row["name"], row["state"]) == ("server_info", NODE["id"], "draining")
    assert (row["version_info"], row["reporter_pod"]) == ("abc/1.40.0/Clean", "web-1")
    assert json.loads(row["state_json"]) == answer
    assert read(parse_server_info, b'{"state":"LIVE"}')[1][0]["raw"] == b'{"state":"LIVE"}'


@pytest.mark.parametrize("parse", [parse_config_dump, parse_clusters, parse_server_info])
@given(data=st.data())
def test_damage_is_never_a_crash(parse: Callable[[bytes, int, Context], Parsed], data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from([dump(bootstrap()), CLUSTERS_TEXT, json.dumps({"cluster_statuses": [{"name": "a"}]}).encode()])
    )
    at = data.draw(st.integers(0, len(whole)))
    damaged = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + data.draw(st.integers(0, 8)) :]
    read(parse, damaged)
    read(parse, whole[:at])


def test_nesting_without_end_is_a_reject() -> None:
    deep = b'{"configs":[{"@type":"' + ADMIN.encode() + b'BootstrapConfigDump","bootstrap":' + b'{"a":' * 5000
    rows, rejects = read(parse_config_dump, deep + b"1" + b"}" * 5001 + b"]}")
    assert (len(rows), len(rejects)) == (0, 1)
