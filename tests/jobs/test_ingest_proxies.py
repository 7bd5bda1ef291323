"""A proxy's admin pages through the whole job, into the lake."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from pipelines.inputs.options import InputOptions
from pipelines.inputs.path_identity import pod_rules
from pipelines.jobs.ingest import IngestOptions, run_ingest
from pipelines.lake.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

STATS = (
    b"# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\nbroken{ 1\n# TYPE up counter\nup_total 3 1700000000000\n"
)
CLUSTERS = b"web::added_via_api::true\nweb::10.0.0.1:80::cx_active::0\n"


def test_stats_and_admin_pages_end_up_in_their_tables(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    node = {"id": "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local"}
    dump = {
        "configs": [{"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": node}}]
    }
    (pages / "stats.txt.gz").write_bytes(gzip.compress(STATS))
    (pages / "clusters.txt").write_bytes(CLUSTERS)
    (pages / "config_dump.json").write_text(json.dumps(dump, indent=1))
    (pages / "server_info.json").write_text(json.dumps({"version": "1", "hot_restart_version": "11", "node": node}))
    options = IngestOptions(inputs=InputOptions(rules=pod_rules(None, ["*clusters.txt=shop/cart-1"])))
    lake = str(tmp_path / "lake")
    report = run_ingest([str(pages)], lake, options)
    assert {name: (total.accepted, total.rejected) for name, total in report.by_format().items()} == {
        "envoy_clusters": (2, 0),
        "envoy_config_dump": (1, 0),
        "envoy_server_info": (1, 0),
        "prometheus_text": (2, 1),
    }
    with open_session(lake) as session:
        state = session.query("proxy_state").to_pylist()
        samples = session.query("metric_samples").to_pylist()
        [reject] = session.query("rejects").to_pylist()
    assert sorted((row["section"], row["reporter_namespace"], row["reporter_pod"]) for row in state) == [
        ("bootstrap", "shop", "web-1"),
        ("server_info", "shop", "web-1"),
        ("upstream_cluster", "shop", "cart-1"),
        ("upstream_endpoint", "shop", "cart-1"),
    ]
    assert {(row["metric"], row["value"], row["metric_type"]) for row in samples} == {
        ("envoy_server_live", 1.0, "gauge"),
        ("up_total", 3.0, "counter"),
    }
    assert (reject["raw"], reject["source_offset"]) == (b"broken{ 1", STATS.index(b"broken"))
    again = run_ingest([str(pages)], lake, options)
    assert (again.run_id, again.read) == (None, 0)
