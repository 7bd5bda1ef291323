"""ReferenceGrants for namespaces that do not exist.

**What.** A namespace under `from` that no Namespace has.

**Why it matters.** The grant lets nobody in; the route it was meant for answers 500.

**Evidence.** The name. Without any Namespace in the inventory nothing is judged.

**Fix.** The namespace of the route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

UNKNOWN: Final = kiali_code("KIA1601", "Grant for an unknown namespace", "error", "No Namespace has the name.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every source of every grant."""
    del rules
    for cluster in mesh.clusters:
        known = {item.name for item in mesh.of_kind("Namespace", cluster=cluster)}
        for item in mesh.of_kind("ReferenceGrant", cluster=cluster) if known else ():
            for position, source in mappings(item.spec.get("from")):
                name = text(source.get("namespace")) or ""
                if name not in known:
                    path = f"spec/from[{position}]/namespace"
                    yield finding(UNKNOWN, item, f"namespace {name} does not exist", path=path)


ANALYZER: Final = configuration_analyzer(
    "unknown_grant_namespace", kinds=("ReferenceGrant",), codes=(UNKNOWN,), check=check, documentation=__doc__ or ""
)
