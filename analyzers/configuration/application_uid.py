"""Applications that run as user 1337, whose traffic is never captured.

**What.** A container beside the proxy, or a whole pod, with `runAsUser: 1337`.

**Why it matters.** 1337 is the proxy's own user: traffic of that user is left alone, so that the proxy's does not
loop. An application of that user goes past the mesh: no mTLS, no policy, no telemetry.

**Evidence.** The object and the place.

**Fix.** Another user id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import PROXY, containers, is_control_plane, istio_code, pod_spec
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, integer, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

KINDS: Final = ("Pod", "Deployment")
PROXY_USER: Final = 1337

WRONG_USER: Final = istio_code(
    144, "Application runs as the proxy's user", "warning", "Traffic of user 1337 is never captured by the proxy."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """One finding for each Pod or Deployment, at the first place that says so."""
    del rules
    for kind in KINDS:
        for item in mesh.of_kind(kind):
            path = None if is_control_plane(item) else _place(item)
            if path is not None:
                before = "spec/template/spec" if kind == "Deployment" else "spec"
                message = f"the application runs as user {PROXY_USER}, whose traffic goes past the proxy"
                yield finding(WRONG_USER, item, message, path=f"{before}/{path}")


def _place(item: MeshObject) -> str | None:
    spec = pod_spec(item)
    if integer(at(spec, "securityContext", "runAsUser")) == PROXY_USER:
        return "securityContext/runAsUser"
    for path, container in containers(spec):
        is_own = text(container.get("name")) in {PROXY, "istio-operator"}
        if not is_own and integer(at(container, "securityContext", "runAsUser")) == PROXY_USER:
            return f"{path}/securityContext/runAsUser"
    return None


ANALYZER: Final = configuration_analyzer(
    "application_uid", kinds=KINDS, codes=(WRONG_USER,), check=check, documentation=__doc__ or ""
)
