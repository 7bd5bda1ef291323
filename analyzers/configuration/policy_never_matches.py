"""AuthorizationPolicies with rules that no request can match.

**What.** A port of the Service where policies see the port of the workload; paths that do not begin with `/`;
principals with `spiffe://`; a field whose `not` form excludes every value of it; identities from tokens
(`requestPrincipals`, `request.auth`) for workloads whose tokens nobody validates; fields of HTTP for workloads all of
whose ports are TCP.

**Why it matters.** An ALLOW rule that never matches refuses its clients; a DENY rule that never matches protects
nothing.

**Evidence.** The place and why it cannot match. Ports are judged where the workload's ports are known.

**Fix.** As the finding says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.authorization_fields import conditions, operations, sources, values
from analyzers.configuration.policy_scope import workloads_under
from analyzers.configuration.report import finding
from analyzers.configuration.served_ports import ServedPorts, served_ports
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import Json, text, texts
from analyzers.mesh.policy import has_targets, selector_of
from analyzers.mesh.policy_matches import HTTP_FIELDS, matches_text
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.workloads import Workload

NEVER: Final = Code("ML3025", "Policy rule that cannot match", "warning", "No request can meet the rule.")

_PAIRED: Final = (
    "principals",
    "requestPrincipals",
    "namespaces",
    "ipBlocks",
    "remoteIpBlocks",
    "hosts",
    "ports",
    "methods",
    "paths",
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every rule of every policy."""
    del rules
    for item in mesh.of_kind("AuthorizationPolicy"):
        yield from _by_value(item)
        near = workloads_under(mesh, item)
        if near:
            yield from _without_tokens(mesh, item, near)
            yield from _by_port(mesh, item, near)


def _by_value(item: MeshObject) -> Iterator[Finding]:
    for path, part in (*sources(item), *operations(item)):
        for where, value in values(path, part, "paths"):
            if not value.startswith(("/", "*", "{")):
                yield finding(NEVER, item, f"{value}: paths begin with /", path=where)
        for where, value in values(path, part, "principals"):
            if value.startswith("spiffe://"):
                message = f"{value}: principals are written without spiffe://"
                yield finding(NEVER, item, message, path=where)
        for field in _PAIRED:
            wanted, excluded = texts(part.get(field)), texts(part.get(f"not{field[0].upper()}{field[1:]}"))
            if wanted and excluded and all(_is_excluded(value, excluded) for value in wanted):
                yield finding(
                    NEVER, item, f"every value is excluded again: {', '.join(excluded)}", path=f"{path}/{field}"
                )


def _is_excluded(value: str, excluded: tuple[str, ...]) -> bool:
    return any(pattern == value or ("*" not in value and matches_text(pattern, value)) for pattern in excluded)


def _without_tokens(mesh: Mesh, item: MeshObject, near: tuple[Workload, ...]) -> Iterator[Finding]:
    places = [
        *(f"{path}/requestPrincipals" for path, source in sources(item) if texts(source.get("requestPrincipals"))),
        *(f"{path}/key" for path, one in conditions(item) if (text(one.get("key")) or "").startswith("request.auth.")),
    ]
    if not places or any(_validates(mesh, workload) for workload in near):
        return
    for path in places:
        message = f"no RequestAuthentication validates tokens for {near[0].namespace}/{near[0].name}"
        yield finding(NEVER, item, message, path=path, evidence={"workloads": len(near)})


def _validates(mesh: Mesh, workload: Workload) -> bool:
    """Whether some RequestAuthentication is for a workload; one attached to an object may be."""
    root = mesh.settings(workload.cluster).root_namespace
    return any(
        has_targets(item) or carries(workload.labels, selector_of(item))
        for namespace in (workload.namespace, root)
        for item in mesh.in_namespace("RequestAuthentication", namespace, cluster=workload.cluster)
    )


def _by_port(mesh: Mesh, item: MeshObject, near: tuple[Workload, ...]) -> Iterator[Finding]:
    known = [served_ports(mesh, workload) for workload in near]
    if not all(ports.targets for ports in known):
        return
    targets = {port for ports in known for port in ports.targets}
    for path, operation in operations(item):
        for where, value in values(path, operation, "ports"):
            message = _port_problem(value, known, targets)
            if message is not None:
                yield finding(NEVER, item, message, path=where)
    if all(ports.is_tcp_alone for ports in known):
        for path, part in (*sources(item), *operations(item)):
            yield from (
                finding(NEVER, item, f"{name} is of HTTP, and all ports are TCP", path=f"{path}/{name}")
                for name in _http_fields(part)
                if text(item.spec.get("action")) in {None, "ALLOW"}
            )


def _port_problem(value: str, known: list[ServedPorts], targets: set[int]) -> str | None:
    if not (value.isascii() and value.isdigit()) or int(value) in targets:
        return None
    through = next((ports.by_service[int(value)] for ports in known if int(value) in ports.by_service), None)
    if through is None:
        return None  # a port that nothing declares may be listened at all the same
    return f"{value} is the Service's port: policies see the workload's, {through}"


def _http_fields(part: Mapping[str, Json]) -> list[str]:
    return [name for name in part if name in HTTP_FIELDS and texts(part.get(name))]


ANALYZER: Final = configuration_analyzer(
    "policy_never_matches",
    kinds=("AuthorizationPolicy",),
    codes=(NEVER,),
    check=check,
    documentation=__doc__ or "",
)
