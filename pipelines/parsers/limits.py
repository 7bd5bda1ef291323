"""Bounds on what one record may cost. Input is hostile: past a bound a record is a reject, never a crash."""

from __future__ import annotations

#: The largest protobuf message, JSON line, YAML or JSON document read as one piece.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

#: The largest single span: a decoder may need forty times a message's size in memory.
MAX_SPAN_BYTES = 4 * 1024 * 1024

#: How deep objects may nest; the deepest CustomResourceDefinition schemas in use stay well below.
MAX_DEPTH = 256

#: Rejected spans told one by one in a message; the rest of such a message is one reject.
MAX_REJECTS_PER_MESSAGE = 10_000

#: Label sets and resource attributes are written once in the input and once a row in Arrow. A chunk may grow this
#: many times over its own size, plus the slack that small chunks need.
REPEAT_FACTOR = 64
REPEAT_SLACK_BYTES = 64 * 1024 * 1024

#: Rows are turned into Arrow whenever their text reaches this size: string columns hold 2 GiB at most.
BATCH_BYTES = 64 * 1024 * 1024


def repeat_budget(chunk_bytes: int) -> int:
    """How many bytes of repeated labels a chunk of `chunk_bytes` may produce."""
    return REPEAT_SLACK_BYTES + REPEAT_FACTOR * chunk_bytes
