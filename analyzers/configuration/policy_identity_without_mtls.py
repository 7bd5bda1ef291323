"""AuthorizationPolicies that ask for an identity where there is no mutual TLS.

**What.** A rule with `principals`, `namespaces`, `serviceAccounts` (or their `not` forms) or the conditions
`source.principal`, `source.namespace`, for workloads whose PeerAuthentication disables mTLS on all ports.

**Why it matters.** Without mTLS a client has no identity: an ALLOW rule refuses everybody, a `not` form lets nobody
or everybody through.

**Evidence.** The workloads, and the PeerAuthentication that disables mTLS for them. In permissive mode clients of the
mesh do have an identity: that is not reported.

**Fix.** PERMISSIVE or STRICT for those workloads, or a rule that needs no identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.authorization_fields import conditions, sources
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.policy_scope import workloads_under
from analyzers.configuration.report import finding
from analyzers.mesh.mtls import peer_authentications_of, server_mode
from analyzers.mesh.objects import mapping, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.workloads import Workload

NO_IDENTITY: Final = kiali_code(
    "KIA0105", "Identity needed without mTLS", "error", "A rule asks for a client's identity where mTLS is disabled."
)
_FIELDS: Final = (
    "principals",
    "notPrincipals",
    "namespaces",
    "notNamespaces",
    "serviceAccounts",
    "notServiceAccounts",
)
_CONDITIONS: Final = frozenset({"source.principal", "source.namespace", "source.serviceAccount"})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every field that needs an identity."""
    del rules
    for item in mesh.of_kind("AuthorizationPolicy"):
        places = list(_places(item))
        plain = [one for one in workloads_under(mesh, item) if _is_plain(mesh, one)] if places else []
        if not plain:
            continue
        names = ", ".join(sorted({f"{one.namespace}/{one.name}" for one in plain})[:3])
        disabled_by = server_mode(mesh, plain[0], None).item
        evidence = {"workloads": len(plain), "disabled_by": disabled_by.identity if disabled_by else None}
        for path in places:
            field = path.rpartition("/")[2]
            message = f"{field} is empty without mTLS, which is disabled for {names}"
            yield finding(NO_IDENTITY, item, message, path=path, evidence=evidence)


def _places(item: MeshObject) -> Iterator[str]:
    for path, source in sources(item):
        yield from (f"{path}/{field}" for field in _FIELDS if texts(source.get(field)))
    for path, condition in conditions(item):
        if text(condition.get("key")) in _CONDITIONS:
            yield f"{path}/key"


def _is_plain(mesh: Mesh, workload: Workload) -> bool:
    """Whether mTLS is disabled for a workload and not turned on for any of its ports."""
    if workload.data_plane != "sidecar" or server_mode(mesh, workload, None).mode != "DISABLE":
        return False
    policies = peer_authentications_of(mesh, workload.cluster)
    ports = _stated_ports(mesh, workload)
    return all(policies.workload_mode(workload.namespace, workload.labels, port).mode == "DISABLE" for port in ports)


def _stated_ports(mesh: Mesh, workload: Workload) -> Iterator[int]:
    for item in mesh.in_namespace("PeerAuthentication", workload.namespace, cluster=workload.cluster):
        yield from (int(port) for port in mapping(item.spec.get("portLevelMtls")) if port.isascii() and port.isdigit())


ANALYZER: Final = configuration_analyzer(
    "policy_identity_without_mtls",
    kinds=("AuthorizationPolicy",),
    codes=(NO_IDENTITY,),
    check=check,
    documentation=__doc__ or "",
)
