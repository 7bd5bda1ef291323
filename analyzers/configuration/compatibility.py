"""Istio's analyzers by their own names, each alone, as `istioctl analyze` would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.configuration.common import IGNORED_NAMESPACES
from analyzers.configuration.istio_names import ISTIO_ANALYZERS
from analyzers.configuration.report import as_istio_prints
from analyzers.configuration.rules import Rules
from analyzers.framework.suppression import Annotations, suppress

if TYPE_CHECKING:
    from datetime import datetime

    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh


def analyze(mesh: Mesh, name: str, *, now: datetime | None = None) -> tuple[Finding, ...]:
    """What the analyzer that Istio calls `name` reports of a mesh of which it sees just the kinds it declares.

    Objects of Kubernetes' own namespaces are left out, and so are findings that an annotation on their object
    silences. `now` is the moment that certificates are judged at (None: this one).

    Raises:
        KeyError: Istio has no analyzer of this name.
    """
    analyzer = ISTIO_ANALYZERS[name]
    seen = mesh.without_namespaces(IGNORED_NAMESPACES).only(*analyzer.kinds)
    found = as_istio_prints(analyzer.check(seen, Rules(istio=True, now=now)))
    annotations = {item.identity: item.annotations for kind in seen.kinds for item in seen.of_kind(kind)}
    return tuple(item for item in suppress(found, (Annotations(annotations),)) if item.suppressed_by is None)
