"""Findings about one object, made alike by every check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.finding import Finding, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.framework.analyzer import Code
    from analyzers.framework.finding import Severity
    from analyzers.mesh.objects import MeshObject

#: Codes whose messages Istio gives the line of the fault. Of other codes, two that read alike are one message.
_WITH_LINE: Final = frozenset(
    {
        *("ML1902", "ML1905", "ML1906", "ML1907", "ML1908", "ML1911", "ML1112", "ML1118", "ML1126", "ML1128", "ML1129"),
        *("ML1132", "ML1134", "ML1150", "ML1161", "ML1165"),
    }
)


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


def as_istio_prints(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, those that Istio would print alike just once."""
    return tuple({_printed(item): item for item in findings}.values())


def _printed(item: Finding) -> tuple[object, ...]:
    place = item.path if item.code in _WITH_LINE else None
    return item.code, item.subject, item.evidence.get("cluster"), item.message, place
