"""What a look at a file's first bytes says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

#: How much of a file is looked at.
SNIFF_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Recognition:
    """A format's name, or None and the reason why the file is not read; layout and wrapper as in `Context`."""

    format: str | None
    reason: str = ""
    layout: str | None = None
    wrapper: str | None = None


def json_value(text: bytes) -> object:
    """A JSON text's value; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def excerpt(line: bytes) -> str:
    """The beginning of a line, fit for a message."""
    return repr(line[:60].decode("utf-8", "backslashreplace"))
