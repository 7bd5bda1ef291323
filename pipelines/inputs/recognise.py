"""What a file is, told from its first (decompressed) bytes; its name only breaks ties."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from typing import Final

from pipelines.inputs.json_logs import infer_layout
from pipelines.inputs.recognise_json import recognise_document, recognise_object
from pipelines.inputs.recognise_protobuf import protobuf_kind
from pipelines.inputs.recognise_text import recognise_text_line
from pipelines.inputs.recognise_wrappers import recognise_wrapped
from pipelines.inputs.recognition import Recognition, excerpt, json_value

_SNIFF_LINES: Final = 50
#: How many wrappers may be around one another.
_MOST_WRAPPERS: Final = 2
_YAML_OBJECT: Final = re.compile(rb"^(?:- )?[ ]{0,2}(?:apiVersion|kind):[ \t]", re.MULTILINE)

_PROTOBUF_KINDS: Final = {
    "otlp_traces": Recognition("otlp_traces"),
    "otlp_logs": Recognition("otlp_logs"),
    "otlp_metrics": Recognition("otlp_metrics"),
    "als": Recognition("als"),
}


def recognise(head: bytes, path: str, *, is_whole: bool) -> Recognition:
    """Tell a file's format from its first bytes: `SNIFF_BYTES` of them, or all there are (`is_whole`)."""
    return _recognise(head, path, is_whole=is_whole, wrappers=_MOST_WRAPPERS)


def _recognise(head: bytes, path: str, *, is_whole: bool, wrappers: int) -> Recognition:  # noqa: C901 - a row of questions
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        return Recognition(None, "nothing but white space" if text else "empty")
    kind = protobuf_kind(head, is_whole=is_whole)
    if kind is not None:
        return _PROTOBUF_KINDS[kind]
    if wrappers:

        def inner(lines: bytes) -> Recognition:
            return _recognise(lines, path, is_whole=is_whole, wrappers=wrappers - 1)

        wrapped = recognise_wrapped(text, inner)
        if wrapped is not None:
            return wrapped
    if text.lstrip()[:1] in (b"{", b"["):
        document = recognise_document(text, path, is_whole=is_whole)
        if document is not None:
            return document
    lines = [line for line in text.split(b"\n") if line.strip()]
    is_yaml = _YAML_OBJECT.search(text) is not None
    found = _of_lines(lines, is_yaml=is_yaml)
    # Objects may hold lines that look like something else: a ConfigMap with a format in JSON.
    if found is not None and (found.format is not None or not is_yaml):
        return found
    if b"\0" in text:
        return Recognition(None, "binary, and no protobuf messages that are read")
    if is_yaml:
        return Recognition("kubernetes_yaml")
    return Recognition(None, f"no format that is read begins with {excerpt(lines[0])}")


def _of_lines(lines: list[bytes], *, is_yaml: bool) -> Recognition | None:
    """What most lines are.

    A damaged or foreign first line must not hide what the rest is: every line of the sample has a vote, and those of
    other logs (a proxy says a lot before its first request) count only where nothing is read.
    """
    votes = Counter(vote for vote in map(_of_line, lines[:_SNIFF_LINES]) if vote is not None)
    ranked = [vote for vote, _ in votes.most_common()]
    later = () if is_yaml else map(_of_line, lines[_SNIFF_LINES:])
    read = next((vote for vote in chain(ranked, later) if vote is not None and vote.format is not None), None)
    return read or infer_layout(lines[:_SNIFF_LINES]) or next(iter(ranked), None)


def _of_line(line: bytes) -> Recognition | None:
    if line.lstrip()[:1] == b"{":
        value = json_value(line)
        if isinstance(value, dict):
            return recognise_object(value) or Recognition(None, f"JSON lines of no known kind: {excerpt(line)}")
    return recognise_text_line(line)
