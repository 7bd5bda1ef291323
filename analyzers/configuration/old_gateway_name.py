"""VirtualServices that name gateways in the old form.

**What.** A name in `gateways` (of the VirtualService or of a match) written `name.namespace.svc.cluster.local`.

**Why it matters.** The form is kept for old objects alone: it is guessed at by its dots, and a Gateway with a dot in
its name cannot be named so.

**Evidence.** The name, and the new form.

**Fix.** `namespace/name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, texts
from analyzers.mesh.virtual_services import gateway_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

OLD_FORM: Final = kiali_code("KIA1108", "Gateway named in the old form", "info", "The name has dots and no slash.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every name of a gateway."""
    del rules
    for item in mesh.of_kind("VirtualService"):
        for path, name in _names(item):
            if "." in name and "/" not in name:
                message = f"{name} is the old form of {gateway_name(name, item.namespace)}"
                yield finding(OLD_FORM, item, message, path=path)


def _names(item: MeshObject) -> Iterator[tuple[str, str]]:
    for position, name in enumerate(texts(item.spec.get("gateways"))):
        yield f"spec/gateways[{position}]", name
    for number, route in mappings(item.spec.get("http")):
        for place, match in mappings(route.get("match")):
            for position, name in enumerate(texts(match.get("gateways"))):
                yield f"spec/http[{number}]/match[{place}]/gateways[{position}]", name


ANALYZER: Final = configuration_analyzer(
    "old_gateway_name", kinds=("VirtualService",), codes=(OLD_FORM,), check=check, documentation=__doc__ or ""
)
