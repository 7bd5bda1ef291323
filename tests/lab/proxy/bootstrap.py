"""A pod's whole static bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.model import TRUST_DOMAIN, JsonObject, Mesh, Pod
from tests.lab.proxy.clusters import CONTROL_CLUSTER, LOCALITY, clusters, control
from tests.lab.proxy.listeners import listeners
from tests.lab.proxy.stats import STAT_PREFIX

if TYPE_CHECKING:
    from tests.lab.placement import Placement
    from tests.lab.proxy.files import LabFiles

ADMIN_PORT = 15000
TRACE_FLUSH_MS = 400
LATENCY_BUCKETS_MS = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
# A full scrape is 0.7 MB; Istio keeps few statistics as well, and these are the ones that get queried.
KEPT_STATISTICS = (
    STAT_PREFIX,
    "server.memory_allocated",
    "cluster.outbound|",
    "cluster.inbound|",
    "cluster.PassthroughCluster",
    "cluster.BlackHoleCluster",
)


_ASKED: JsonObject = {
    "resource_api_version": "V3",
    "api_config_source": {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": [CONTROL_CLUSTER],
        "refresh_delay": "0.4s",
        "request_timeout": "2s",
    },
}


def bootstrap(pod: Pod, mesh: Mesh, placement: Placement, files: LabFiles, *, is_dynamic: bool = False) -> JsonObject:
    """The configuration Envoy is started with: all of it, or where it asks for it."""
    resources: JsonObject = {
        "static_resources": {
            "listeners": listeners(pod, mesh, files),
            "clusters": clusters(pod, mesh, placement, files),
        }
    }
    if is_dynamic:
        resources = {
            "static_resources": {"clusters": [control(placement)]},
            "dynamic_resources": {"lds_config": _ASKED, "cds_config": _ASKED},
        }
    return {
        "node": _node(pod),
        "admin": {"address": {"socket_address": {"address": pod.pod_ip, "port_value": ADMIN_PORT}}},
        **resources,
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [
                {"tag_name": "cluster_name", "regex": r"^cluster\.((.*?);\.)"},
                {"tag_name": "response_code", "regex": r"_rq(_(\d{3}))$"},
                {"tag_name": "response_code_class", "regex": r"_rq(_(\dxx))$"},
            ],
            "histogram_bucket_settings": [{"match": {"prefix": STAT_PREFIX}, "buckets": LATENCY_BUCKETS_MS}],
            "stats_matcher": {"inclusion_list": {"patterns": [{"prefix": prefix} for prefix in KEPT_STATISTICS]}},
        },
        "layered_runtime": {
            "layers": [
                {
                    "name": "lab",
                    "static_layer": {
                        "tracing.opentelemetry.flush_interval_ms": TRACE_FLUSH_MS,
                        "tracing.opentelemetry.min_flush_spans": 50,
                    },
                }
            ]
        },
    }


def _node(pod: Pod) -> JsonObject:
    workload = pod.workload
    labels = {
        "app": workload.app,
        "version": workload.version,
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": workload.app,
        "service.istio.io/canonical-revision": workload.version,
    }
    owner = f"kubernetes://apis/apps/v1/namespaces/{workload.namespace}/deployments/{workload.name}"
    return {
        "id": pod.node_id,
        "cluster": f"{workload.app}.{workload.namespace}",
        "locality": LOCALITY,
        "metadata": {
            "NAME": pod.name,
            "NAMESPACE": workload.namespace,
            "WORKLOAD_NAME": workload.name,
            "OWNER": owner,
            "LABELS": labels,
            "SERVICE_ACCOUNT": workload.service_account,
            "INSTANCE_IPS": pod.pod_ip,
            "CLUSTER_ID": "Kubernetes",
            "MESH_ID": TRUST_DOMAIN,
            "INTERCEPTION_MODE": "NONE",
        },
    }
