"""Where the parts of a YAML (or JSON) document are written: line and column of every key and list entry.

Built for documents that something was found in, not for all: it costs about as much as reading the document again.
Aliases and merged keys lead to where the value was written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import yaml
from yaml import events
from yaml._yaml import CParser

from pipelines.parsers.limits import MAX_DEPTH
from pipelines.parsers.yaml_scalars import key_text, plain_value

_MERGE_KEY = "<<"


class Position(NamedTuple):
    """Line and column from 1, in the document."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value: where it begins (a member: where its key does), its text where it is a scalar, and what it holds."""

    position: Position
    text: str | None = None
    members: dict[str, Node] = field(default_factory=dict)
    entries: list[Node] = field(default_factory=list)
    is_mapping: bool = False

    def scalar(self, *keys: str) -> str | None:
        """The text of the scalar beneath nested keys."""
        node: Node | None = self
        for key in keys:
            node = None if node is None else node.members.get(key)
        return None if node is None else node.text


def compose(document: bytes) -> Node | None:
    """The first document of `document` as nodes; None where it holds nothing or is not YAML."""
    try:
        return _compose(CParser(document))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        return None


def find(root: Node, path: str) -> Node:
    """The node at `spec/http[0]/route[1]/host`, or the innermost one on the way that is there.

    Keys may themselves hold `/` or `[`: of several that fit the longest is taken.
    """
    node = root
    rest = path
    while rest:
        step = _step(node, rest)
        if step is None:
            return node
        node, rest = step
    return node


def _step(node: Node, rest: str) -> tuple[Node, str] | None:
    if rest.startswith("["):
        number, closed, after = rest[1:].partition("]")
        if not closed or not number.isdecimal() or int(number) >= len(node.entries):
            return None
        return node.entries[int(number)], after.removeprefix("/")
    end = len(rest)
    while end > 0:
        found = node.members.get(rest[:end])
        if found is not None:
            return found, rest[end:].removeprefix("/")
        end = max(rest.rfind("/", 0, end), rest.rfind("[", 0, end))
    return None


def _compose(parser: CParser) -> Node | None:  # noqa: C901 - one branch for each kind of event
    anchors: dict[str, Node] = {}
    open_nodes: list[Node] = []
    keys: list[Node | None] = []
    root: Node | None = None
    while True:
        event = parser.get_event()
        if event is None or isinstance(event, events.StreamEndEvent | events.DocumentEndEvent):
            return root
        if isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            open_nodes.pop()
            keys.pop()
            continue
        if isinstance(event, events.AliasEvent):
            node = anchors.get(event.anchor or "", Node(_position(event)))
        elif isinstance(event, events.NodeEvent):
            node = Node(_position(event))
            if event.anchor is not None:
                anchors[event.anchor] = node
        else:
            continue
        if isinstance(event, events.ScalarEvent):
            node.text = event.value
            if event.implicit[0] and open_nodes and open_nodes[-1].is_mapping and keys[-1] is None:
                node.text = key_text(plain_value(event.value))
        node.is_mapping = isinstance(event, events.MappingStartEvent)
        root = root or node
        if open_nodes:
            keys[-1] = _attach(open_nodes[-1], keys[-1], node)
        if isinstance(event, events.MappingStartEvent | events.SequenceStartEvent):
            if len(open_nodes) >= MAX_DEPTH:
                return root
            open_nodes.append(node)
            keys.append(None)


def _attach(parent: Node, key: Node | None, node: Node) -> Node | None:
    """Add a node to its parent; returns the key that waits for its value."""
    if not parent.is_mapping:
        parent.entries.append(node)
        return None
    if key is None:
        return node
    if key.text == _MERGE_KEY:
        for merged in (node, *node.entries):
            for name, value in merged.members.items():
                parent.members.setdefault(name, value)
        return None
    placed = Node(key.position, node.text, node.members, node.entries, node.is_mapping)
    parent.members[key.text or ""] = placed
    return None


def _position(event: events.NodeEvent) -> Position:
    mark = event.start_mark
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)
