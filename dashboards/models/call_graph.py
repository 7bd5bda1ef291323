"""The service graph to draw: edges of the topology with a workload and the host it serves taken for one node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dashboards.models import formats
from dashboards.models.rows import Row, integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN: Final = "unknown"


@dataclass(slots=True)
class Node:
    """A service, workload, gateway or external host. Counts are of calls received and made."""

    id: str
    label: str
    namespace: str | None
    kind: str
    calls_in: int = 0
    errors_in: int = 0
    calls_out: int = 0
    errors_out: int = 0


@dataclass(slots=True)
class Link:
    """All calls from one node to another; `edges` are the topology's edges behind it."""

    id: str
    source: str
    target: str
    calls: int = 0
    errors: int = 0
    edges: list[Row] = field(default_factory=list)

    @property
    def error_rate(self) -> float:
        """Failed calls as a share of all."""
        return self.errors / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Nodes and links by their ids; `links_left_out` were too many to draw."""

    nodes: dict[str, Node]
    links: dict[str, Link]
    links_left_out: int = 0


def edge_id(row: Row) -> str:
    """The identity of a topology edge in a URL: readable, compared whole and never parsed."""
    return f"{row['caller_namespace'] or '-'}/{row['caller'] or UNKNOWN} > {row['callee'] or UNKNOWN} {row['protocol']}"


def caller_label(row: Row) -> str:
    """The caller as tables show it: `namespace/workload`."""
    caller = row["caller"]
    if caller is None:
        return UNKNOWN
    return f"{row['caller_namespace']}/{caller}" if row["caller_namespace"] else str(caller)


def call_graph(edges: Iterable[Row], hosts: Iterable[Row], most_links: int) -> CallGraph:
    """Build the graph.

    Args:
        edges: Rows with the columns of `edges_from_logs`.
        hosts: For each workload (`namespace`, `workload`) the `host` that stands for it.
        most_links: Links to keep: those with errors come first, then those with the most calls.
    """
    served = {(row["namespace"], row["workload"]): str(row["host"]) for row in hosts}
    nodes: dict[str, Node] = {}
    links: dict[str, Link] = {}
    for edge in edges:
        source, target = _caller(edge, served), _callee(edge)
        for node in (source, target):
            known = nodes.setdefault(node.id, node)
            if node.kind == "gateway":
                known.kind = "gateway"
        key = f"{source.id} > {target.id}"
        link = links.setdefault(key, Link(key, source.id, target.id))
        calls, errors = integer(edge, "calls"), integer(edge, "errors")
        link.calls += calls
        link.errors += errors
        link.edges.append(edge)
        nodes[source.id].calls_out += calls
        nodes[source.id].errors_out += errors
        nodes[target.id].calls_in += calls
        nodes[target.id].errors_in += errors
    kept = sorted(links.values(), key=lambda link: (link.errors == 0, -link.calls, link.id))[:most_links]
    drawn = {link.id: link for link in kept}
    ends = {end for link in kept for end in (link.source, link.target)}
    return CallGraph(
        {identity: node for identity, node in nodes.items() if identity in ends}, drawn, len(links) - len(drawn)
    )


def _caller(edge: Row, served: Mapping[tuple[object, object], str]) -> Node:
    caller, namespace = edge["caller"], edge["caller_namespace"]
    if caller is None:
        return Node(UNKNOWN, "unknown caller", None, "unknown")
    kind = "gateway" if edge["caller_kind"] == "gateway" else "service"
    host = served.get((namespace, caller))
    if host is not None:
        return Node(host, _name(host, namespace), str(namespace), kind)
    own_kind = kind if kind == "gateway" else "workload"
    return Node(caller_label(edge), str(caller), None if namespace is None else str(namespace), own_kind)


def _callee(edge: Row) -> Node:
    callee, namespace, kind = edge["callee"], edge["callee_namespace"], str(edge["callee_kind"])
    if callee is None:
        return Node("unknown host", "unknown host", None, "unknown")
    if kind == "service":
        return Node(str(callee), _name(str(callee), namespace), None if namespace is None else str(namespace), kind)
    return Node(str(callee), str(callee), None, kind)


def _name(host: str, namespace: object) -> str:
    return formats.short_host(host).removesuffix(f".{namespace}")
