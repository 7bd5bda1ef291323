"""What a log shipper put around each line of a file, and what the lines within are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipelines.inputs.recognition import Recognition, json_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Recognise = Callable[[bytes], Recognition]

_SNIFF_LINES: Final = 50
_TIME: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)"
_NAME: Final = rb"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"
#: Wrappers of plain text, told by how their lines begin.
_TEXTS: Final = (
    ("cri", re.compile(_TIME + rb" std(?:out|err) [FP](?::\S*)?(?: |\Z)")),
    ("kubectl", re.compile(rb"\[pod/" + _NAME + rb"/" + _NAME + rb"\] ")),
)
#: The same where only what follows makes it likely. The prefix is a line of something else, if nothing is known in it.
_MAYBE_TEXTS: Final = (
    ("kubectl", re.compile(_TIME + rb" ")),
    ("stern_text", re.compile(_NAME + rb" " + _NAME + rb" ")),
    ("stern_text_namespaces", re.compile((_NAME + rb" ") * 3)),
)
_LINE_KEYS: Final = ("log", "message", "MESSAGE", "line", "content", "@message")
_PAIR: Final = re.compile(rb'\[\s*"\d+"\s*,\s*("(?:[^"\\]|\\.)*")')
#: Documents told by their first keys, and where their lines are.
_DOCUMENTS: Final = (
    ("loki_streams", re.compile(rb'"resultType"\s*:\s*"streams"|\A\s*\{\s*"streams"\s*:\s*\[')),
    (
        "cloudwatch_subscription",
        re.compile(rb'\A\s*\{(?=.{0,2000}"logEvents"\s*:\s*\[).{0,2000}"messageType"', re.DOTALL),
    ),
    (
        "cloudwatch_events",
        re.compile(rb'\A\s*\{\s*"events"\s*:\s*\[\s*\{(?=.{0,4000}"(?:eventId|ingestionTime)")', re.DOTALL),
    ),
)
_MESSAGE: Final = re.compile(rb'"message"\s*:\s*("(?:[^"\\]|\\.)*")')


def recognise_wrapped(text: bytes, recognise: Recognise) -> Recognition | None:
    """The wrapper of a sample and the format within; None where there is no wrapper.

    Args:
        text: the first bytes of a file.
        recognise: what bytes without a wrapper are.
    """
    first = text.lstrip()[:1]
    for name, pattern in _DOCUMENTS if first == b"{" else ():
        if pattern.search(text[: 64 << 10]):
            lines = (_PAIR if name == "loki_streams" else _MESSAGE).findall(text)
            return _within(name, b"".join(_texts(lines)), recognise)
    if first == b"[":
        values = list(_array_values(text))
        kind = next((kind for value in values if (kind := _kind_of_object(value)) is not None), None)
        if kind is not None:
            return _within(f"{kind}_document", b"".join(map(_line_of, values)), recognise)
    lines = [line for line in text.split(b"\n", 4 * _SNIFF_LINES)[: 4 * _SNIFF_LINES] if line.strip()]
    sample = lines[:_SNIFF_LINES]
    kind = _commonest(sample)
    if kind is not None:
        return _within(kind, _unwrapped(kind, text), recognise)
    for kind, pattern in _MAYBE_TEXTS:
        if 2 * sum(pattern.match(line) is not None for line in sample) > len(sample):
            found = _within(kind, _unwrapped(kind, text), recognise)
            if found.format is not None:
                return found
    return None


def _commonest(sample: list[bytes]) -> str | None:
    """The wrapper of more than half of the lines."""
    votes = [_kind_of_line(line) for line in sample]
    best = max(sorted({vote for vote in votes if vote is not None}), key=votes.count, default=None)
    return best if best is not None and 2 * votes.count(best) > len(votes) else None


def _kind_of_line(line: bytes) -> str | None:
    if line.lstrip()[:1] == b"{":
        return _kind_of_object(json_value(line))
    return next((name for name, pattern in _TEXTS if pattern.match(line)), None)


def _kind_of_object(value: object) -> str | None:  # noqa: C901 - one shipper a line
    """Which shipper writes objects of these keys."""
    if not isinstance(value, dict):
        return None
    keys = value.keys()
    kubernetes = value.get("kubernetes")
    if {"log", "stream", "time"} <= keys and "kubernetes" not in keys and str(value["log"]).endswith("\n"):
        return "docker"
    if {"message", "podName", "containerName"} <= keys:
        return "stern"
    if isinstance(kubernetes, dict):
        if "pod_namespace" in kubernetes:
            return "vector"
        if {"pod_name", "namespace_name"} & kubernetes.keys():
            return "fluent_bit"
    if "message" in keys and "source_type" in keys:
        return "vector"
    if "line" in keys and isinstance(value.get("labels"), dict):
        return "loki"
    if "line" in keys and isinstance(value.get("fields"), dict):
        return "grafana"
    if any(key.startswith("__tag__:") for key in keys) or "__time__" in keys or {"_pod_name_", "_namespace_"} <= keys:
        return "sls"
    if "@message" in keys or ({"message"} <= keys and {"logStreamName", "ingestionTime", "eventId"} & keys):
        return "cloudwatch"
    if "log" in keys and {"date", "@timestamp", "stream", "time"} & keys:
        return "fluent_bit"
    return None


def _unwrapped(kind: str, text: bytes) -> bytes:
    """The lines within a sample of lines."""
    import numpy as np

    from pipelines.parsers.wrappers.registry import unwrap

    return unwrap(kind, np.frombuffer(text, np.uint8)).text


def _within(kind: str, lines: bytes, recognise: Recognise) -> Recognition:
    inner = recognise(lines) if lines.strip() else Recognition(None, "there is no line")
    if inner.format is None:
        # Lines of a layout that only the user knows are in a wrapper all the same.
        wrapper = kind if inner.wrapper is None else f"{kind}+{inner.wrapper}"
        return Recognition(None, f"wrapped by {kind}, and within: {inner.reason}", wrapper=wrapper)
    # A record that holds no line is the line itself, and still looks like what its shipper writes.
    is_same = inner.wrapper is None or kind in (inner.wrapper, f"{inner.wrapper}_document")
    return replace(inner, wrapper=kind if is_same else f"{kind}+{inner.wrapper}")


def _texts(strings: list[bytes]) -> Iterator[bytes]:
    for string in strings:
        value = json_value(string)
        if isinstance(value, str):
            yield value.rstrip("\n").encode("utf-8", "replace") + b"\n"


def _array_values(text: bytes) -> Iterator[object]:
    """The first values of an array of which perhaps only the beginning is at hand."""
    decoder = json.JSONDecoder()
    held = text.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")[1:]
    for _ in range(_SNIFF_LINES):
        held = held.lstrip(" \t\r\n,")
        try:
            value, end = decoder.raw_decode(held)
        except (ValueError, RecursionError):
            return
        yield value
        held = held[end:]


def _line_of(value: object) -> bytes:
    if not isinstance(value, dict):
        return b""
    for key in _LINE_KEYS:
        if isinstance(value.get(key), str):
            return str(value[key]).rstrip("\n").encode("utf-8", "replace") + b"\n"
    held = next((value[key] for key in _LINE_KEYS if isinstance(value.get(key), dict)), value)
    return json.dumps(held).encode() + b"\n"
