"""Objects exported to namespaces that do not exist.

**What.** A name in `exportTo` (of VirtualServices, DestinationRules, ServiceEntries, and of Services by annotation)
that no Namespace has.

**Why it matters.** The object is seen by fewer clients than meant; with that name alone, by nobody.

**Evidence.** The name and its place. Without any Namespace in the inventory nothing is judged.

**Fix.** Correct the name. `*` is everybody, `.` the object's own namespace, `~` nobody; there are no other wildcards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.exports import EVERYWHERE, HERE, NOBODY
from analyzers.mesh.objects import texts
from analyzers.mesh.services import EXPORT_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

KINDS: Final = ("DestinationRule", "Service", "ServiceEntry", "VirtualService")
UNKNOWN: Final = kiali_code("KIA0005", "Exported to an unknown namespace", "error", "exportTo names no namespace.")

_WORDS: Final = frozenset({EVERYWHERE, HERE, NOBODY})


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every name in exportTo; namespaces of other clusters of the mesh count, too."""
    del rules
    known = {item.name for item in mesh.of_kind("Namespace")}
    if not known:
        return
    for kind in KINDS:
        for item in mesh.of_kind(kind):
            for path, name in _exports(item):
                if name not in _WORDS and name not in known:
                    yield finding(UNKNOWN, item, f"exported to namespace {name}, which does not exist", path=path)


def _exports(item: MeshObject) -> Iterator[tuple[str, str]]:
    if item.kind != "Service":
        for position, name in enumerate(texts(item.spec.get("exportTo"))):
            yield f"spec/exportTo[{position}]", name
        return
    for name in item.annotations.get(EXPORT_ANNOTATION, "").split(","):
        if name.strip():
            yield f"metadata/annotations/{EXPORT_ANNOTATION}", name.strip()


ANALYZER: Final = configuration_analyzer(
    "unknown_export_namespace", kinds=KINDS, codes=(UNKNOWN,), check=check, documentation=__doc__ or ""
)
