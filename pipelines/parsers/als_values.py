"""Parts of Envoy's access log messages as the text log prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import struct_pb2, wrappers_pb2
from google.protobuf.json_format import Error as JsonError
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from pipelines.parsers.als_messages import CLASSES
from pipelines.parsers.otlp_values import compact_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.parsers.als_messages import Made

#: Response flags by their short names, in the order of their numbers.
FLAGS: Final = tuple(field.name for field in CLASSES["ResponseFlags"].DESCRIPTOR.fields)


def flags_of(flags: Made) -> str | None:
    """`UF,URX`; null where there is none."""
    raised = {field.name for field, _ in flags.ListFields()}
    return ",".join(name for name in FLAGS if name in raised) or None


def address_of(address: Made) -> str | None:
    """`10.0.0.1:80`, `[fd00::1]:80`, a socket's path or an internal listener's name; null where nothing is set."""
    if address.HasField("socket_address"):
        socket = address.socket_address
        host = f"[{socket.address}]" if ":" in socket.address else socket.address
        return f"{host}:{socket.named_port or socket.port_value}"
    if address.HasField("pipe"):
        return str(address.pipe.path) or None
    if address.HasField("envoy_internal_address"):
        internal = address.envoy_internal_address
        return f"envoy://{internal.server_listener_name}/{internal.endpoint_id}"
    return None


def struct_text(struct: Made) -> str:
    """A Struct as JSON; its bytes in hexadecimal where it holds a number that JSON has no words for."""
    try:
        return compact_json(MessageToDict(struct))
    except (JsonError, ValueError):
        return compact_json({"@type": "type.googleapis.com/google.protobuf.Struct", "value": _bytes(struct).hex()})


def _bytes(message: Made) -> bytes:
    # Fields of maps come in the order of their keys, so that the same Struct is always the same text.
    return bytes(message.SerializeToString(deterministic=True))


def packed_text(packed: Made) -> str | None:
    """A packed message as text where it is one of text; JSON for a Struct; type and hexadecimal bytes for any other."""
    name = packed.type_url.rpartition("/")[2]
    try:
        if name == "google.protobuf.StringValue":
            return str(wrappers_pb2.StringValue.FromString(packed.value).value)
        if name == "google.protobuf.Struct":
            return struct_text(struct_pb2.Struct.FromString(packed.value))
        if name == "google.protobuf.BytesValue":
            held: bytes = wrappers_pb2.BytesValue.FromString(packed.value).value
            return held.decode() if held.isascii() else held.hex()
    except DecodeError:
        pass
    return compact_json({"@type": packed.type_url, "value": packed.value.hex()})


def names_of(names: Iterable[Made], kind: str) -> str:
    """All names of a kind, `uri` or `dns`, with commas between them."""
    return ",".join(value for name in names if (value := getattr(name, kind)))


def decoded(name: str, raw: bytes) -> Made:
    """A message by its name. Raises ValueError where the bytes are none."""
    try:
        return CLASSES[name].FromString(raw)
    except DecodeError as error:
        raise ValueError(f"not a valid {name}: {error}") from None
