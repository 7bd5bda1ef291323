"""Keys for tokens may be fetched from any address: istiod has no blocked ranges.

**What.** RequestAuthentications exist, and an istiod Deployment has no `BLOCKED_CIDRS_IN_JWKS_URIS`.

**Why it matters.** Whoever may write a RequestAuthentication can make istiod call addresses that only istiod reaches.

**Evidence.** How many RequestAuthentications there are, and the first of them.

**Fix.** Set the variable on istiod to the ranges that it must not call (cloud metadata, the node's own).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import containers, full_name, istio_code, pod_spec
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

_VARIABLE: Final = "BLOCKED_CIDRS_IN_JWKS_URIS"
_NAMED: Final = 5

UNRESTRICTED: Final = istio_code(
    175, "Key fetches unrestricted", "warning", "Tokens are checked, and istiod may fetch keys from any address."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """One finding for each istiod without the setting."""
    del rules
    names = [full_name(item) for item in mesh.of_kind("RequestAuthentication")]
    if not names:
        return
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    for item in mesh.of_kind("Deployment"):
        if item.labels.get("app") == "istiod" and not _is_set(item):
            message = (
                f"{_VARIABLE} is not set although {len(names)} RequestAuthentications exist"
                f" ({', '.join(names[:_NAMED])}{more})"
            )
            yield finding(UNRESTRICTED, item, message, path="spec/template/spec/containers[0]/env")


def _is_set(item: MeshObject) -> bool:
    return any(
        text(variable.get("name")) == _VARIABLE and bool(variable.get("value"))
        for _, container in containers(pod_spec(item))
        for _, variable in mappings(container.get("env"))
    )


ANALYZER: Final = configuration_analyzer(
    "unrestricted_jwks",
    kinds=("RequestAuthentication",),
    codes=(UNRESTRICTED,),
    check=check,
    documentation=__doc__ or "",
)
