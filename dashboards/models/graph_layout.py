"""Where to draw the nodes of a directed graph: in layers from callers to callees, with few crossings.

The method is Sugiyama's (K. Sugiyama, S. Tagawa, M. Toda: Methods for Visual Understanding of Hierarchical System
Structures, IEEE Transactions on Systems, Man, and Cybernetics 11(2), 1981): edges that close a cycle are turned round,
layers are longest paths, edges over several layers pass through a place in each, and layers are ordered by the
barycentre of their neighbours.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Pixels between layers and between the nodes of a layer.
LAYER_GAP: Final = 276.0
NODE_GAP: Final = 78.0
_SWEEPS: Final = 8

Point: TypeAlias = tuple[float, float]
_Layers: TypeAlias = list[list[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The centre of each node, and for each edge the points between its two ends, in the edge's direction."""

    centres: Mapping[str, Point]
    bends: Mapping[tuple[str, str], tuple[Point, ...]]


def layered(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Layout:
    """Lay out a graph; the same graph gives the same picture. A loop at one node has no bends."""
    pairs = sorted({(source, target) for source, target in edges if source != target})
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(nodes))
    graph.add_edges_from(pairs)
    turned = _closing_edges(graph)
    graph.remove_edges_from(turned)
    graph.add_edges_from((target, source) for source, target in turned)
    rank = dict.fromkeys(graph, 0)
    for node in nx.lexicographical_topological_sort(graph):
        rank[node] = max((rank[before] + 1 for before in graph.predecessors(node)), default=0)
    paths = _through_layers(graph, rank)
    ordered = _ordered(_layers(rank), graph)
    centres = _centres(ordered)
    bends: dict[tuple[str, str], tuple[Point, ...]] = {}
    for source, target in pairs:
        if (source, target) in turned:
            bends[source, target] = tuple(centres[place] for place in reversed(paths.get((target, source), ())))
        else:
            bends[source, target] = tuple(centres[place] for place in paths.get((source, target), ()))
    return Layout({node: centres[node] for node in nodes}, bends)


def _closing_edges(graph: nx.DiGraph[str]) -> set[tuple[str, str]]:
    """Edges that lead back to a node of the path they were reached by; without them the graph has no cycle."""
    closing: set[tuple[str, str]] = set()
    done: set[str] = set()
    roots = sorted(graph, key=lambda node: (graph.in_degree(node), -graph.out_degree(node), node))
    for root in roots:
        if root in done:
            continue
        path = {root}
        stack = [(root, iter(sorted(graph.successors(root))))]
        while stack:
            node, following = stack[-1]
            after = next(following, None)
            if after is None:
                stack.pop()
                path.discard(node)
                done.add(node)
            elif after in path:
                closing.add((node, after))
            elif after not in done:
                path.add(after)
                stack.append((after, iter(sorted(graph.successors(after)))))
    return closing


def _through_layers(graph: nx.DiGraph[str], rank: dict[str, int]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Replace each edge over several layers by a chain with a place in every layer between."""
    paths: dict[tuple[str, str], tuple[str, ...]] = {}
    for source, target in sorted(graph.edges):
        between = range(rank[source] + 1, rank[target])
        if not between:
            continue
        chain = tuple(f"\0{source}\0{target}\0{layer}" for layer in between)
        rank.update(zip(chain, between, strict=True))
        graph.remove_edge(source, target)
        nx.add_path(graph, (source, *chain, target))
        paths[source, target] = chain
    return paths


def _layers(rank: Mapping[str, int]) -> _Layers:
    layers: _Layers = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node in sorted(rank):
        layers[rank[node]].append(node)
    return layers


def _ordered(layers: _Layers, graph: nx.DiGraph[str]) -> _Layers:
    best, fewest = layers, _crossings(layers, graph)
    current = layers
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        current = _swept(current, graph, down=down)
        crossings = _crossings(current, graph)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def _swept(layers: _Layers, graph: nx.DiGraph[str], *, down: bool) -> _Layers:
    result = [list(layer) for layer in layers]
    order = range(1, len(result)) if down else range(len(result) - 2, -1, -1)
    for index in order:
        fixed = {node: place for place, node in enumerate(result[index - 1 if down else index + 1])}
        places = {node: place for place, node in enumerate(result[index])}

        def barycentre(node: str, fixed: Mapping[str, int] = fixed, places: Mapping[str, int] = places) -> float:
            beside = [fixed[other] for other in (graph.pred[node] if down else graph.succ[node])]
            return sum(beside) / len(beside) if beside else float(places[node])

        result[index].sort(key=lambda node: (barycentre(node), node))
    return result


def _crossings(layers: _Layers, graph: nx.DiGraph[str]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(layers):
        places = {node: place for place, node in enumerate(lower)}
        ends = [place for node in upper for place in sorted(places[after] for after in graph.succ[node])]
        total += sum(before > after for index, before in enumerate(ends[:400]) for after in ends[index + 1 : 400])
    return total


def _centres(layers: _Layers) -> dict[str, Point]:
    tallest = max((len(layer) for layer in layers), default=0)
    centres: dict[str, Point] = {}
    for index, layer in enumerate(layers):
        top = (tallest - len(layer)) / 2
        for place, node in enumerate(layer):
            centres[node] = (index * LAYER_GAP, (top + place) * NODE_GAP)
    return centres
