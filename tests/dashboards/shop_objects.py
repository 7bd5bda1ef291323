"""The shop's configuration and counters as rows of the lake."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from pipelines import schemas
from tests.dashboards import shop

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


def _object(
    kind: str, namespace: str, name: str, offset: int, body: Mapping[str, object], **more: object
) -> dict[str, object]:
    api = {"Sidecar": "networking.istio.io/v1", "VirtualService": "networking.istio.io/v1"}.get(kind, "v1")
    document = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **body}
    return {
        "source": "kubernetes/objects.yaml",
        "source_offset": offset,
        "api_version": api,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "uid": f"uid-{kind}-{namespace}-{name}",
        "resource_version": str(1000 + offset),
        "created_at": shop.START - timedelta(days=1),
        "observed_at": shop.START - timedelta(hours=1),
        "observed_at_exact": True,
        "event": "SNAPSHOT",
        "labels": [("app", str(more.get("app", name)))],
        "annotations": [],
        "owner_kind": more.get("owner_kind"),
        "owner_name": more.get("owner_name"),
        "object_json": json.dumps(document),
    }


def mesh_objects() -> pa.Table:
    """Pods, their services, the Sidecar in force for the cart and an object with a hostile name."""
    rows: list[dict[str, object]] = []
    for pod in shop.PODS:
        containers = [{"name": "istio-proxy"}] if pod.gateway else [{"name": "app"}, {"name": "istio-proxy"}]
        body: dict[str, object] = {
            "spec": {"containers": containers},
            "status": {"podIP": pod.address, "podIPs": [{"ip": pod.address}], "phase": "Running"},
        }
        rows.append(
            _object(
                "Pod",
                pod.namespace,
                pod.pod,
                len(rows),
                body,
                app=pod.service,
                owner_kind="StatefulSet",
                owner_name=pod.workload,
            )
        )
        service = {
            "spec": {"selector": {"app": pod.service}, "clusterIP": "None", "ports": [{"name": "http", "port": 8080}]}
        }
        rows.append(_object("Service", pod.namespace, str(pod.service), len(rows), service))
    rows.append(
        _object("Sidecar", "shop", "cart", len(rows), {"spec": {"egress": [{"hosts": ["./*", "istio-system/*"]}]}})
    )
    rows.append(_object("VirtualService", "shop", shop.HOSTILE_NAME, len(rows), {"spec": {"hosts": ["reviews"]}}))
    return shop.table_of(schemas.MESH_OBJECTS.schema, rows)


def metric_samples() -> pa.Table:
    """Request counters of two edges: one as the logs have it, one that lost calls."""
    rows: list[dict[str, object]] = []
    totals = ((shop.GATEWAY, shop.STOREFRONT, 60), (shop.STOREFRONT, shop.CATALOG, 55))
    for caller, callee, total in totals:
        for step in range(shop.MINUTES + 1):
            labels = {
                "reporter": "source",
                "source_workload": caller.workload,
                "source_workload_namespace": caller.namespace,
                "destination_service": callee.host,
                "request_protocol": "http",
                "response_code": "200",
            }
            at = shop.START + timedelta(minutes=step)
            rows.append(
                {
                    "source": "prometheus/requests.json",
                    "source_offset": len(rows) * 40,
                    "format": "prometheus_range",
                    "metric": "istio_requests_total",
                    "labels": list(labels.items()),
                    "time": at,
                    "value": float(total * step / shop.MINUTES),
                    "date": at.date(),
                }
            )
    return shop.table_of(schemas.METRIC_SAMPLES.schema, rows)
