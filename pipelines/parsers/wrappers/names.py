"""What is to be known of wrappers without the compiled code that takes them off."""

from __future__ import annotations

from typing import Final

_DOCUMENT_ENDS: Final = ("_document", "_streams", "_events", "_subscription")
_IN_PARTS: Final = frozenset({"cri", "docker"})


def is_document(wrapper: str | None) -> bool:
    """Whether what is wrapped so can only be read as a whole."""
    return wrapper is not None and wrapper.partition("+")[0].endswith(_DOCUMENT_ENDS)


def is_in_parts(wrapper: str | None) -> bool:
    """Whether a record may be several lines."""
    return wrapper is not None and wrapper.partition("+")[0] in _IN_PARTS
