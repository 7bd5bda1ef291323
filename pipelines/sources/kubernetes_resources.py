"""What is read from a Kubernetes cluster: these resources and no others. `deploy/kubernetes/collect.yaml` grants them.

Istio's and the Gateway API's resources are discovered, since their versions and kinds differ from release to release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the API: `path` is its collection, `api_version` and `kind` what its entries are."""

    path: str
    api_version: str
    kind: str
    field_selector: str = ""

    @property
    def name(self) -> str:
        """The resource as people know it: `pods`, `gateways.networking.istio.io`."""
        group = self.api_version.rpartition("/")[0]
        plural = self.path.rpartition("/")[2]
        return f"{plural}.{group}" if group else plural


#: API version -> kind and plural of its resources.
_BUILT_IN: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "v1": (
        ("Namespace", "namespaces"),
        ("Node", "nodes"),
        ("Pod", "pods"),
        ("Service", "services"),
        ("ServiceAccount", "serviceaccounts"),
    ),
    "apps/v1": (
        ("DaemonSet", "daemonsets"),
        ("Deployment", "deployments"),
        ("ReplicaSet", "replicasets"),
        ("StatefulSet", "statefulsets"),
    ),
    "batch/v1": (("CronJob", "cronjobs"), ("Job", "jobs")),
    "discovery.k8s.io/v1": (("EndpointSlice", "endpointslices"),),
    "networking.k8s.io/v1": (("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies")),
    "admissionregistration.k8s.io/v1": (
        ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
        ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ),
    "apiextensions.k8s.io/v1": (("CustomResourceDefinition", "customresourcedefinitions"),),
}

#: Groups whose resources are discovered, with the groups that end so.
GROUPS: Final = frozenset({"gateway.networking.k8s.io", "gateway.networking.x-k8s.io"})
GROUP_SUFFIX: Final = ".istio.io"

#: Secrets that may hold certificates of gateways. Tokens and Helm's releases are never asked for.
SECRET_TYPES: Final = ("kubernetes.io/tls", "Opaque")


def built_in(system_namespaces: Sequence[str], *, secrets: bool) -> Iterator[Resource]:
    """Kubernetes' own resources; ConfigMaps of the control plane's namespaces alone, Secrets only where asked for."""
    for api_version, kinds in _BUILT_IN.items():
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        for kind, plural in kinds:
            yield Resource(f"{root}/{plural}", api_version, kind)
    for namespace in system_namespaces:
        yield Resource(f"/api/v1/namespaces/{namespace}/configmaps", "v1", "ConfigMap")
    for kind in SECRET_TYPES if secrets else ():
        yield Resource("/api/v1/secrets", "v1", "Secret", f"type={kind}")


def wanted_versions(groups: Mapping[str, Any]) -> Iterator[str]:
    """The preferred versions of the groups to discover, from the API's answer to `/apis`."""
    for group in groups.get("groups") or ():
        name = group.get("name", "")
        if name in GROUPS or name.endswith(GROUP_SUFFIX):
            yield group["preferredVersion"]["groupVersion"]


def discovered(api_version: str, resources: Mapping[str, Any]) -> Iterator[Resource]:
    """The resources of one version that can be listed, from the API's answer to `/apis/GROUP/VERSION`."""
    for resource in resources.get("resources") or ():
        name = resource.get("name", "")
        if "/" not in name and "list" in (resource.get("verbs") or ()):
            yield Resource(f"/apis/{api_version}/{name}", api_version, resource["kind"])
