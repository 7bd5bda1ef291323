"""Running one check over a few objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzers.configuration.rules import Rules
from tests.mesh.meshes import mesh_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh


def found(check: Callable[[Mesh, Rules], Iterable[Finding]], *objects: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Code, object (`namespace/name`) and path of every finding, sorted."""
    findings = check(mesh_of(*objects), Rules())
    return sorted((one.code, (one.object or "").partition("/")[2], one.path or "") for one in findings)


def severities(check: Callable[[Mesh, Rules], Iterable[Finding]], *objects: dict[str, Any]) -> list[str]:
    """The severities of the findings, sorted."""
    return sorted(one.severity for one in check(mesh_of(*objects), Rules()))
