"""Attributes of OTLP as protobuf has them, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.parsers.otlp_values import compact_json, double_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def attribute_map(attributes: Iterable[KeyValue]) -> dict[str, str | None]:
    """Attributes as text: numbers in decimal, bytes as hex, arrays and maps as compact JSON, an unset value null."""
    # Envoy writes nothing but strings: the common case is told by a truthy string_value, without a WhichOneof.
    return {entry.key: entry.value.string_value or value_text(entry.value) for entry in attributes}


def value_text(value: AnyValue) -> str | None:
    """A value as text; an unset one is null."""
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain
    return compact_json(plain)


def _plain(value: AnyValue) -> object:
    """A value as JSON has it; 64-bit integers and non-finite doubles stay exact as in OTLP/JSON."""
    which = value.WhichOneof("value")
    match which:
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return double_text(value.double_value)
        case "bytes_value":
            return value.bytes_value.hex()
        case "array_value":
            return [_plain(entry) for entry in value.array_value.values]
        case "kvlist_value":
            return {entry.key: _plain(entry.value) for entry in value.kvlist_value.values}
        case _:
            return None
