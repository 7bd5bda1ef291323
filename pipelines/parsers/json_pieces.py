"""Pieces of a JSON document that are not decoded yet, and where they are."""

from __future__ import annotations

import msgspec
import numpy as np

#: What decoding hostile JSON can raise.
JSON_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Fields = dict[str, msgspec.Raw]


def offset_within(piece: msgspec.Raw, document: bytes) -> int:
    """The offset of a piece that was decoded from `document`: msgspec gives a view of the same memory, not a copy."""
    return _address(piece) - _address(document)


def fields_of(piece: msgspec.Raw | bytes) -> Fields:
    """The fields of an object, names in snake case (`versionInfo` is `version_info`). Raises one of JSON_ERRORS."""
    fields = msgspec.json.decode(piece, type=Fields)
    return {snake_case(name): value for name, value in fields.items()}


def entries_of(piece: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The entries of a list; none where there is no list or null. Raises one of JSON_ERRORS."""
    if piece is None:
        return []
    return msgspec.json.decode(piece, type=list[msgspec.Raw] | None) or []


def text_of(piece: msgspec.Raw | None) -> str | None:
    """A string; None where there is none, or an empty one. Raises one of JSON_ERRORS."""
    if piece is None:
        return None
    return msgspec.json.decode(piece, type=str | None) or None


def snake_case(name: str) -> str:
    """Protobuf's own name of a field from its JSON name; a name in snake case is left as it is."""
    if name.islower():
        return name
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _address(data: msgspec.Raw | bytes) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address
