"""What a file is, told from its first (decompressed) bytes; its name only breaks ties."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from pipelines.inputs.recognise_json import recognise_document, recognise_object
from pipelines.inputs.recognise_protobuf import protobuf_kind
from pipelines.inputs.recognise_text import recognise_text_line
from pipelines.inputs.recognition import Recognition, excerpt, json_value

_SNIFF_LINES: Final = 50
_YAML_OBJECT: Final = re.compile(rb"^(?:- )?[ ]{0,2}(?:apiVersion|kind):[ \t]", re.MULTILINE)

_PROTOBUF_KINDS: Final = {
    "otlp_traces": Recognition("otlp_traces"),
    "otlp_logs": Recognition(None, "OTLP logs (protobuf), which are not read yet"),
    "otlp_metrics": Recognition(None, "OTLP metrics (protobuf), which are not read yet"),
    "als": Recognition(None, "Envoy access log service (ALS) messages, which are not read yet"),
}


def recognise(head: bytes, path: str, *, is_whole: bool) -> Recognition:
    """Tell a file's format from its first bytes: `SNIFF_BYTES` of them, or all there are (`is_whole`)."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        return Recognition(None, "nothing but white space" if text else "empty")
    kind = protobuf_kind(head, is_whole=is_whole)
    if kind is not None:
        return _PROTOBUF_KINDS[kind]
    if text.lstrip()[:1] in (b"{", b"["):
        document = recognise_document(text, path, is_whole=is_whole)
        if document is not None:
            return document
    # A damaged or foreign first line must not hide what the rest is: every line of the sample has a vote.
    lines = [line for line in text.split(b"\n", 4 * _SNIFF_LINES) if line.strip()][:_SNIFF_LINES]
    votes = Counter(vote for vote in map(_of_line, lines) if vote is not None)
    if votes:
        return votes.most_common(1)[0][0]
    if b"\0" in text:
        return Recognition(None, "binary, and no protobuf messages that are read")
    if _YAML_OBJECT.search(text):
        return Recognition("kubernetes_yaml")
    return Recognition(None, f"no format that is read begins with {excerpt(lines[0])}")


def _of_line(line: bytes) -> Recognition | None:
    if line.lstrip()[:1] == b"{":
        value = json_value(line)
        if isinstance(value, dict):
            return recognise_object(value) or Recognition(None, f"JSON lines of no known kind: {excerpt(line)}")
    return recognise_text_line(line)
