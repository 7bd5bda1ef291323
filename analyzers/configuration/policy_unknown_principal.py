"""AuthorizationPolicies for identities that nobody has.

**What.** A value of `principals` for which there is no workload and no ServiceAccount, in this cluster or another; one
of a trust domain that the mesh does not know.

**Why it matters.** A rule for a misspelt identity matches nothing: its client is refused.

**Evidence.** The value, and the accounts that there are in the namespace it names. An identity of a namespace of which
nothing is known is not judged. One of another cluster, or of another trust domain, is information: nothing can be said
about those from here.

**Fix.** `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`, with the account that the client's pods run as.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.authorization_fields import sources, values
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, text
from analyzers.mesh.policy_matches import matches_text
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

UNKNOWN: Final = kiali_code("KIA0106", "Unknown identity", "error", "No workload has the identity that a rule names.")
REMOTE: Final = kiali_code("KIA0107", "Identity of another cluster", "info", "A workload of another cluster has it.")
FOREIGN: Final = kiali_code("KIA0108", "Identity of another mesh", "info", "Its trust domain is not one of the mesh's.")

_PARTS: Final = 5


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every principal of every policy, against the accounts of all clusters."""
    del rules
    accounts = {cluster: _accounts(mesh, cluster) for cluster in mesh.clusters}
    for item in mesh.of_kind("AuthorizationPolicy"):
        for path, source in sources(item):
            for where, value in values(path, source, "principals"):
                yield from _judge(mesh, item, where, value, accounts)


def _judge(
    mesh: Mesh, item: MeshObject, path: str, value: str, accounts: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    own = accounts.get(item.cluster, frozenset())
    if not own or value == "*" or _is_known(value, own):
        return
    settings = mesh.settings(item.cluster)
    domains = (settings.trust_domain, *settings.trust_domain_aliases, "cluster.local")
    parts = value.split("/")
    if len(parts) == _PARTS and parts[0] not in domains and "*" not in parts[0]:
        message = f"{value} is of the trust domain {parts[0]}, which is not one of this mesh's"
        yield finding(FOREIGN, item, message, path=path)
        return
    elsewhere = [cluster for cluster, known in accounts.items() if cluster != item.cluster and _is_known(value, known)]
    if elsewhere:
        yield finding(REMOTE, item, f"{value} is an identity of cluster {elsewhere[0] or 'unnamed'}", path=path)
        return
    namespace = parts[2] if len(parts) == _PARTS and parts[1] == "ns" else None
    near = sorted(name for name in own if namespace is not None and name.startswith(f"ns/{namespace}/sa/"))
    if namespace is not None and "*" not in namespace and not near:
        return  # nothing is known of that namespace
    meant = get_close_matches("/".join(parts[1:]), near, n=1)
    hint = f"; {parts[0]}/{meant[0]} is near" if meant else ""
    yield finding(UNKNOWN, item, f"no workload has the identity {value}{hint}", path=path)


def _is_known(value: str, accounts: frozenset[str]) -> bool:
    """Whether a pattern takes in an account; the trust domain is left aside."""
    if "*" not in value:
        return value.partition("/")[2] in accounts
    if value.startswith("*"):
        return any(matches_text(value, f"/{account}") for account in accounts)
    rest = value.partition("/")[2]
    return not rest or any(matches_text(rest, account) for account in accounts)


def _accounts(mesh: Mesh, cluster: str) -> frozenset[str]:
    """`ns/NAMESPACE/sa/ACCOUNT` of every workload, ServiceAccount and WorkloadGroup."""
    pairs = {(one.namespace, one.service_account) for one in workloads_of(mesh, cluster).all}
    pairs |= {(item.namespace, item.name) for item in mesh.of_kind("ServiceAccount", cluster=cluster)}
    for item in mesh.of_kind("WorkloadGroup", cluster=cluster):
        pairs.add((item.namespace, text(at(item.spec, "template", "serviceAccount")) or "default"))
    return frozenset(f"ns/{namespace}/sa/{name}" for namespace, name in pairs)


ANALYZER: Final = configuration_analyzer(
    "policy_unknown_principal",
    kinds=("AuthorizationPolicy",),
    codes=(UNKNOWN, REMOTE, FOREIGN),
    check=check,
    documentation=__doc__ or "",
)
