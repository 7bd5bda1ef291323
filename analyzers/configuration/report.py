"""Findings about one object, made alike by every check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.framework.finding import Finding, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.framework.analyzer import Code
    from analyzers.framework.finding import Severity
    from analyzers.mesh.objects import MeshObject


def finding(
    code: Code,
    item: MeshObject,
    message: str,
    *,
    path: str | None = None,
    evidence: Mapping[str, object] | None = None,
    next_step: str | None = None,
    severity: Severity | None = None,
    identity: tuple[str, ...] = (),
) -> Finding:
    """A finding on `item`.

    Args:
        code: what it is.
        item: the object at fault.
        message: one sentence with the names that matter.
        path: the place in the object, `spec/http[0]/route[1]/destination/host`.
        evidence: JSON values that prove it.
        next_step: what to do about it; None: what the code's documentation says.
        severity: None: that of the code.
        identity: tells findings of one code on one object apart where `path` does not.
    """
    subject = f"{item.kind} {item.namespace}/{item.name}" if item.namespace else f"{item.kind} {item.name}"
    where: dict[str, object] = {"source": item.source, "source_offset": item.source_offset} if item.source else {}
    if item.cluster:
        where["cluster"] = item.cluster
    return Finding(
        analyzer="",  # the analyzer that the check belongs to puts its name here
        code=code.code,
        severity=severity or code.severity,
        subject=subject,
        message=message,
        fingerprint=fingerprint(code.code, subject, item.cluster, path or "", *identity),
        evidence={**where, **(evidence or {})},
        side="configuration",
        object=item.identity,
        path=path,
        next_step=next_step,
    )
