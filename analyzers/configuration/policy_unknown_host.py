"""AuthorizationPolicies for hosts that nobody can ask for.

**What.** A short name in `hosts` that no Service of any namespace has, no ServiceEntry and no VirtualService.

**Why it matters.** The host is compared with what the client wrote. A name without a dot can only be that of a Service:
if there is none, the rule matches nothing.

**Evidence.** The name and its place. Names with a dot or a `*` are not judged: any client may send them. Where the
list has `*`, the name adds nothing and is not judged either.

**Fix.** Correct the name; add the names that clients use (`cart`, `cart.shop`, `cart.shop.svc.cluster.local`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.authorization_fields import operations, values
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

UNKNOWN: Final = kiali_code("KIA0104", "Policy for an unknown host", "warning", "A short host name is no Service's.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every short host of every policy. Without Services nothing is judged."""
    del rules
    names = {item.name.lower() for item in mesh.of_kind("Service")}
    if not names:
        return
    for kind in ("ServiceEntry", "VirtualService"):
        names |= {host.lower() for item in mesh.of_kind(kind) for host in texts(item.spec.get("hosts"))}
    for item in mesh.of_kind("AuthorizationPolicy"):
        for path, operation in operations(item):
            for field in ("hosts", "notHosts"):
                if "*" in texts(operation.get(field)):
                    continue
                for where, value in values(path, operation, field):
                    name = value.lower().partition(":")[0]
                    if "." not in name and "*" not in value and name not in names:
                        yield finding(UNKNOWN, item, f"no Service is called {value}", path=where)


ANALYZER: Final = configuration_analyzer(
    "policy_unknown_host",
    kinds=("AuthorizationPolicy",),
    codes=(UNKNOWN,),
    check=check,
    documentation=__doc__ or "",
)
