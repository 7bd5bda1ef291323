"""One YAML document as the JSON-like value that Kubernetes reads from it, within bounds.

The parser's events are turned into values here rather than by a YAML library's constructor, so that nothing recurses,
no type but JSON's is ever made, repeated keys are seen, and aliases are charged for what they expand to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml
from yaml import events
from yaml._yaml import CParser
from yaml._yaml import Mark as CMark
from yaml.error import Mark

from pipelines.parsers.limits import MAX_DEPTH
from pipelines.parsers.yaml_scalars import Scalar, key_text, plain_value, tagged_value

#: What a document may expand to through aliases: this many bytes, or as many times its own size.
EXPANSION_SLACK_BYTES = 8 * 1024 * 1024
EXPANSION_FACTOR = 4

_NODE_BYTES = 8  # what a node counts beyond its text: about what its punctuation takes in JSON
_MERGE_KEY = "<<"
_COLLECTION_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

AnyMark = Mark | CMark | None
Value = dict[str, "Value"] | list["Value"] | Scalar


class RefusedYamlError(ValueError):
    """A document that is no Kubernetes value; the message says why, with the line within the document."""


class ItemBounds(NamedTuple):
    """Where an entry of the document's list begins and ends, in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document's value (None where it holds nothing) and the bounds of the entries of its list.

    That list is the root itself or the root's `items`.
    """

    value: Value
    items: list[ItemBounds]


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been seen."""

    value: dict[str, Value] | list[Value]
    anchor: str | None
    start: AnyMark
    charged: int
    key: str | None = None
    merged: list[Value] = field(default_factory=list)


def load_yaml_document(document: bytes) -> YamlDocument:
    """Read one document (with or without its `---`). Raises RefusedYamlError, and nothing else."""
    try:
        document.decode()
        return _Builder(document).build()
    except UnicodeDecodeError as error:
        raise RefusedYamlError(f"not UTF-8: {error.reason} at byte {error.start} of the document") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise RefusedYamlError(f"not YAML: {error.problem}{_line(mark)}") from None
    except yaml.YAMLError as error:
        raise RefusedYamlError(f"not YAML: {' '.join(str(error).split())}") from None


class _Builder:
    __slots__ = ("_anchors", "_budget", "_charged", "_items", "_open", "_parser", "_root")

    def __init__(self, document: bytes) -> None:
        self._parser = CParser(document)
        self._budget = EXPANSION_SLACK_BYTES + EXPANSION_FACTOR * len(document)
        self._charged = 0
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._open: list[_Open] = []
        self._items: list[ItemBounds] = []
        self._root: Value = None

    def build(self) -> YamlDocument:
        documents = 0
        while True:
            event = self._parser.get_event()
            if isinstance(event, events.ScalarEvent):
                self._add(self._scalar(event), event)
            elif isinstance(event, events.MappingStartEvent | events.SequenceStartEvent):
                self._begin(event)
            elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
                self._finish(event)
            elif isinstance(event, events.AliasEvent):
                self._add(self._alias(event), event)
            elif isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise RefusedYamlError(f"a second document without a --- before it{_line(event.start_mark)}")
            elif event is None or isinstance(event, events.StreamEndEvent):
                return YamlDocument(self._root, self._items)

    def _scalar(self, event: events.ScalarEvent) -> Scalar:
        text: str = event.value
        self._charge(len(text) + _NODE_BYTES, event.start_mark)
        try:
            if event.tag is not None:
                value = tagged_value(event.tag, text)
            else:
                value = plain_value(text) if event.implicit[0] else text
        except ValueError as error:
            raise RefusedYamlError(f"{error}{_line(event.start_mark)}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise RefusedYamlError(f"{text} has no form in JSON{_line(event.start_mark)}")
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, len(text) + _NODE_BYTES)
        return value

    def _alias(self, event: events.AliasEvent) -> Value:
        anchor = event.anchor or ""
        if anchor not in self._anchors:
            raise RefusedYamlError(f"the alias *{anchor} has no anchor before it{_line(event.start_mark)}")
        value, charge = self._anchors[anchor]
        self._charge(charge, event.start_mark)
        return value

    def _begin(self, event: events.MappingStartEvent | events.SequenceStartEvent) -> None:
        if event.tag not in _COLLECTION_TAGS:
            raise RefusedYamlError(f"the YAML tag {event.tag} has no meaning here{_line(event.start_mark)}")
        if len(self._open) >= MAX_DEPTH:
            raise RefusedYamlError(f"nested deeper than {MAX_DEPTH} levels{_line(event.start_mark)}")
        if self._open and self._open[-1].key is None and isinstance(self._open[-1].value, dict):
            raise RefusedYamlError(f"a mapping key is itself a mapping or a list{_line(event.start_mark)}")
        self._charge(_NODE_BYTES, event.start_mark)
        value: dict[str, Value] | list[Value] = {} if isinstance(event, events.MappingStartEvent) else []
        self._open.append(_Open(value, event.anchor, event.start_mark, self._charged - _NODE_BYTES))

    def _finish(self, event: events.MappingEndEvent | events.SequenceEndEvent) -> None:
        closed = self._open.pop()
        if closed.merged and isinstance(closed.value, dict):
            closed.value = _merge(closed.value, closed.merged, closed.start)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.value, self._charged - closed.charged)
        self._add(closed.value, event, closed.start)

    def _add(self, value: Value, event: events.NodeEvent | events.CollectionEndEvent, start: AnyMark = None) -> None:
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
            begin, end = start or event.start_mark, event.end_mark
            if begin and end and (len(self._open) == 1 or (len(self._open) == 2 and self._open[0].key == "items")):
                self._items.append(ItemBounds(begin.index, end.index))
        elif parent.key is None:
            parent.key = self._key(value, event)
        elif parent.key == _MERGE_KEY:
            parent.merged.append(value)
            parent.key = None
        else:
            parent.value[parent.key] = value
            parent.key = None

    def _key(self, value: Value, event: events.NodeEvent | events.CollectionEndEvent) -> str:
        """The key as text; a key already there is refused, but for `<<`, which YAML merges."""
        if isinstance(value, dict | list):
            raise RefusedYamlError(f"a mapping key is itself a mapping or a list{_line(event.start_mark)}")
        try:
            key = key_text(value)
        except ValueError as error:
            raise RefusedYamlError(f"{error}{_line(event.start_mark)}") from None
        if key in self._open[-1].value:
            raise RefusedYamlError(f"the key {key[:256]!r} is there twice{_line(event.start_mark)}")
        return key

    def _charge(self, size: int, mark: AnyMark) -> None:
        self._charged += size
        if self._charged > self._budget:
            raise RefusedYamlError(f"aliases expand the document beyond {self._budget} bytes{_line(mark)}")


def _merge(own: dict[str, Value], merged: list[Value], start: AnyMark) -> dict[str, Value]:
    """YAML's `<<`: the keys of the merged mappings, earlier ones first, below the mapping's own."""
    sources: list[Value] = []
    for value in merged:
        sources.extend(value if isinstance(value, list) else [value])
    result: dict[str, Value] = {}
    for source in reversed(sources):
        if not isinstance(source, dict):
            raise RefusedYamlError(f"the merge key << takes mappings only{_line(start)}")
        result |= source
    return result | own


def _line(mark: AnyMark) -> str:
    return f" (line {mark.line + 1} of the document)" if mark is not None else ""
