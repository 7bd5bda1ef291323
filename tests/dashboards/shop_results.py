"""What ingest and the analyzers leave in the shop's lake, and the lake itself, filled the way they fill it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipelines import schemas
from pipelines.lake.lake import Lake
from tests.dashboards import shop, shop_objects

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.columns import Table

FAILURE_FINGERPRINT: Final = "f" * 32
HOSTILE_FINGERPRINT: Final = "b" * 32
PAYMENTS_CODE: Final = "ML0203"

#: What the diagnosis writes down of itself.
DIAGNOSIS: Final = {
    "ran": ["dangling_host", "explained_failures"],
    "skipped": [{"analyzer": "mutual_tls", "missing": ["PeerAuthentication"], "reason": "No policies were ingested."}],
}

MANIFEST: Final = """apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: cart
  namespace: shop
spec:
  egress:
  - hosts:
    - billing/payments.billing.svc.cluster.local
    - istio-system/*
  workloadSelector:
    labels:
      app: cart
"""


def _table(table: Table, rows: list[dict[str, object]]) -> pa.Table:
    names = [name for name in table.schema.names if name != "run_id"]
    schema = pa.schema([table.schema.field(name) for name in names])
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=schema)


def findings() -> pa.Table:
    """A failure with the lines it rests on, a configuration warning with a hostile name, a suppressed note."""
    logs = shop.access_logs().to_pylist()
    failed = [line for line in logs if line["response_code"] == 503]
    produced = shop.START + timedelta(minutes=shop.MINUTES)
    evidence = {
        "failures": len(failed),
        "calls": shop.MINUTES * shop.REQUESTS_PER_MINUTE,
        "share": 0.15,
        "logged_by_caller": {"codes": {"503": len(failed)}, "flags": {"UF,URX": len(failed)}},
        "samples": [
            {"source": line["source"], "source_offset": line["source_offset"], "request_id": line["request_id"]}
            for line in failed[:5]
        ],
    }
    return _table(
        schemas.FINDINGS,
        [
            {
                "produced_at": produced,
                "analyzer": "explained_failures",
                "code": PAYMENTS_CODE,
                "severity": "error",
                "subject": f"cart -> {shop.PAYMENTS.host}",
                "message": f"{len(failed)} of 60 calls from cart to {shop.PAYMENTS.host} failed: connection refused.",
                "cause": "connection_refused",
                "side": "callee_application",
                "object": "Service/billing/payments",
                "path": "spec/ports[0]/targetPort",
                "edges": [{"caller": "cart", "callee": shop.PAYMENTS.host}],
                "evidence": json.dumps(evidence),
                "next_step": "Check that payments listens on port 8080.",
                "first_seen": failed[0]["start_time"],
                "last_seen": failed[-1]["start_time"],
                "fingerprint": FAILURE_FINGERPRINT,
            },
            {
                "produced_at": produced,
                "analyzer": "dangling_host",
                "code": "ML0101",
                "severity": "warning",
                "subject": f"VirtualService shop/{shop.HOSTILE_NAME}",
                "message": f"No service is called {shop.HOSTILE_NAME}.",
                "side": "configuration",
                "object": f"VirtualService/shop/{shop.HOSTILE_NAME}",
                "path": "spec/hosts[0]",
                "edges": [],
                "evidence": json.dumps({"host": shop.HOSTILE_NAME, "known": ["cart", shop.HOSTILE_PATH]}),
                "fingerprint": HOSTILE_FINGERPRINT,
            },
            {
                "produced_at": produced,
                "analyzer": "dangling_host",
                "code": "ML0102",
                "severity": "info",
                "subject": "DestinationRule billing/ledger",
                "message": "Nobody calls the subset canary.",
                "edges": [],
                "evidence": "{}",
                "fingerprint": "c" * 32,
                "suppressed_by": "annotation on DestinationRule/billing/ledger",
            },
        ],
    )


def alerts() -> pa.Table:
    """The failing payments as a shift of the error rate."""
    start = shop.START + timedelta(minutes=shop.FAILING_FROM)
    return _table(
        schemas.ALERTS,
        [
            {
                "produced_at": start + timedelta(minutes=3),
                "code": "ML0401",
                "kind": "error_rate",
                "severity": "error",
                "caller": "cart",
                "callee": shop.PAYMENTS.host,
                "message": "9 of 18 calls failed (50.0%), against 0.0% before.",
                "window_start": start,
                "window_end": start + timedelta(minutes=3),
                "observed": 0.5,
                "observed_lower": 0.29,
                "observed_upper": 0.71,
                "expected": 0.0,
                "expected_upper": 0.084,
                "samples": 18,
                "baseline_samples": 42,
                "evidence": json.dumps(shop.ALERT_EVIDENCE),
                "fingerprint": "a" * 32,
            }
        ],
    )


def recommendations(manifest: str = MANIFEST) -> pa.Table:
    """One manifest to review and one abstention."""
    end = shop.START + timedelta(minutes=shop.MINUTES)
    base = {"produced_at": end, "kind": "Sidecar", "window_start": shop.START, "window_end": end}
    return _table(
        schemas.RECOMMENDATIONS,
        [
            base
            | {
                "namespace": "shop",
                "name": "cart",
                "workload": "cart",
                "verdict": "EMIT_REVIEW",
                "hosts": [f"billing/{shop.PAYMENTS.host}", "istio-system/*"],
                "warnings": ["SHORT_WINDOW"],
                "reasons": json.dumps(
                    [{"verdict": "EMIT_REVIEW", "message": "Observed for 10 minutes only.", "code": "SHORT_WINDOW"}]
                ),
                "coverage": json.dumps({"pods": 1, "pods_logged": 1, "lines": 120, "calls_seen_by_both": 51}),
                "manifest": manifest,
                "fingerprint": "d" * 32,
            },
            base
            | {
                "namespace": "billing",
                "name": "ledger",
                "workload": "ledger",
                "verdict": "ABSTAIN",
                "hosts": [],
                "warnings": [],
                "reasons": json.dumps([{"verdict": "ABSTAIN", "message": "No proxy of it was heard.", "code": None}]),
                "coverage": json.dumps({"pods": 1, "pods_logged": 0, "lines": 0, "calls_seen_by_both": 0}),
                "manifest": None,
                "fingerprint": "e" * 32,
            },
        ],
    )


def rejects() -> pa.Table:
    """Two records that are no log lines, one of bytes that are no text."""
    raws = (b"<script>window.hacked=5</script>", b"\x00\xffbroken\x1b[31m line")
    return _table(
        schemas.REJECTS,
        [
            {
                "source": shop.CART.log,
                "format": "istio_text",
                "source_offset": 90_000 + number,
                "reason": "no start time in brackets",
                "raw": raw,
                "raw_length": len(raw),
            }
            for number, raw in enumerate(raws)
        ],
    )


def sources(logs: pa.Table) -> pa.Table:
    """Where each log file was read to."""
    rows = []
    for source in sorted(set(logs["source"].to_pylist())):
        accepted = sum(name == source for name in logs["source"].to_pylist())
        rejected = 2 if source == shop.CART.log else 0
        rows.append(
            {
                "source": source,
                "format": "istio_text",
                "position": accepted * 400,
                "size": accepted * 400,
                "head_hash": "0",
                "head_length": 1,
                "tail_hash": "0",
                "tail_length": 1,
                "read": accepted + rejected,
                "accepted": accepted,
                "rejected": rejected,
                "recorded_at": shop.START + timedelta(minutes=shop.MINUTES),
            }
        )
    return _table(schemas.SOURCES, rows)


def ingested() -> dict[str, pa.Table]:
    """The tables that an ingest run fills."""
    logs = shop.access_logs()
    return {
        "access_logs": logs,
        "spans": shop.spans(),
        "metric_samples": shop_objects.metric_samples(),
        "mesh_objects": shop_objects.mesh_objects(),
        "rejects": rejects(),
        "sources": sources(logs),
    }


def make_lake(folder: Path) -> Path:
    """The whole lake: an ingest, the analyzers' runs, and an earlier recommendation that the newest replaces."""
    lake = Lake.open(str(folder), create=True)
    lake.append("ingest", ingested())
    lake.append("diagnose", {"findings": findings()}, DIAGNOSIS)
    lake.append("alerts", {"alerts": alerts()})
    lake.append("recommend", {"recommendations": recommendations(MANIFEST.replace("istio-system/*", "./*"))})
    lake.append("recommend", {"recommendations": recommendations()})
    return folder
