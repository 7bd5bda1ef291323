"""Expositions and admin pages told from first bytes."""

from __future__ import annotations

import json

import pytest

from pipelines.inputs.recognise import recognise


@pytest.mark.parametrize(
    "content",
    [
        b"# HELP requests All.\n# TYPE requests counter\nrequests 1\n",
        b'requests{code="200"} 1\n',
        b'requests{code="200"} 1 1700000000000\n',
        b"envoy_server_live{} 1\n",
        b"process_cpu_seconds_total 12.5\n",
        b'{"my.metric",code="200"} NaN\n',
        b'# TYPE latency histogram\nlatency_bucket{le="+Inf"} 3 # {trace_id="a"} 0.5\n# EOF\n',
        b"broken line\n# TYPE requests counter\nrequests_total 1\n",
    ],
)
def test_an_exposition_is_recognised(content: bytes) -> None:
    assert recognise(content, "/logs/stats.txt", is_whole=True).format == "prometheus_text"


@pytest.mark.parametrize("content", [b"retries 3\n", b"# a comment\nword 1\n", b"a {b} c\n"])
def test_words_with_numbers_are_no_exposition(content: bytes) -> None:
    assert recognise(content, "/logs/notes.txt", is_whole=True).format is None


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump"}]}, "envoy_config_dump"),
        ({"cluster_statuses": []}, "envoy_clusters"),
        ({"version": "1", "state": "LIVE", "hot_restart_version": "11.104"}, "envoy_server_info"),
    ],
)
def test_an_admin_page_in_json_is_recognised(value: object, expected: str, indent: int | None) -> None:
    page = json.dumps(value, indent=indent).encode()
    assert recognise(page, "/dumps/page.json", is_whole=True).format == expected


def test_a_dump_longer_than_the_sample_is_recognised() -> None:
    page = json.dumps({"configs": [{"@type": "x", "bootstrap": {"node": {"id": "a" * 9000}}}]}, indent=1).encode()
    assert recognise(page[:4000], "/dumps/page.json", is_whole=False).format == "envoy_config_dump"


@pytest.mark.parametrize(
    "content",
    [
        b"outbound|80||cart.shop.svc.cluster.local::observability_name::outbound|80||cart.shop.svc.cluster.local\n",
        b"outbound|80||cart.shop.svc.cluster.local::default_priority::max_connections::1024\nweb::added_via_api::true\n",
        b"inbound|80||::[::1]:8080::cx_active::0\n",
        b"web::10.0.0.1:80::health_flags::healthy\n",
    ],
)
def test_clusters_as_text_are_recognised(content: bytes) -> None:
    assert recognise(content, "/dumps/clusters", is_whole=True).format == "envoy_clusters"
