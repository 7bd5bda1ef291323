"""The messages of Envoy's access log service, as far as they are read: `envoy.service.accesslog.v3` and what it holds.

Each is written down as its fields' numbers, types and names, as in Envoy's own definitions
(`api/envoy/{data,service}/accesslog/v3`, `api/envoy/config/core/v3`), and made into a class of the protobuf library.
Fields that are not listed (the node's extensions, locality, build) are stepped over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

#: A message of a class that is made at run time: no checker knows its fields.
Made = Any

_PACKAGE: Final = "meshlens.als"
_FILE: Final = "meshlens/als.proto"
_Field: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "bool": _Field.TYPE_BOOL,
    "double": _Field.TYPE_DOUBLE,
    # Enums are read as numbers: proto3 keeps values that a definition does not know.
    "enum": _Field.TYPE_INT32,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}
_LIBRARY: Final = {
    name: f".google.protobuf.{name}"
    for name in ("Any", "BoolValue", "BytesValue", "Duration", "StringValue", "Struct", "Timestamp", "UInt32Value")
}

#: Messages by name: a field a line, `number type name`; `map T` has strings for keys, `repeated T` is a list.
MESSAGES: Final = {
    "StreamAccessLogsMessage": """
        1 Identifier identifier; 2 HTTPAccessLogEntries http_logs; 3 TCPAccessLogEntries tcp_logs""",
    "Identifier": "1 Node node; 2 string log_name",
    "Node": "1 string id; 2 string cluster; 3 Struct metadata",
    "HTTPAccessLogEntries": "1 repeated HTTPAccessLogEntry log_entry",
    "TCPAccessLogEntries": "1 repeated TCPAccessLogEntry log_entry",
    "HTTPAccessLogEntry": """
        1 AccessLogCommon common_properties; 2 enum protocol_version; 3 HTTPRequestProperties request;
        4 HTTPResponseProperties response""",
    "TCPAccessLogEntry": "1 AccessLogCommon common_properties; 2 ConnectionProperties connection_properties",
    "ConnectionProperties": "1 uint64 received_bytes; 2 uint64 sent_bytes",
    "AccessLogCommon": """
        1 double sample_rate; 2 Address downstream_remote_address; 3 Address downstream_local_address;
        4 TLSProperties tls_properties; 5 Timestamp start_time; 6 Duration time_to_last_rx_byte;
        7 Duration time_to_first_upstream_tx_byte; 8 Duration time_to_last_upstream_tx_byte;
        9 Duration time_to_first_upstream_rx_byte; 10 Duration time_to_last_upstream_rx_byte;
        11 Duration time_to_first_downstream_tx_byte; 12 Duration time_to_last_downstream_tx_byte;
        13 Address upstream_remote_address; 14 Address upstream_local_address; 15 string upstream_cluster;
        16 ResponseFlags response_flags; 17 Metadata metadata; 18 string upstream_transport_failure_reason;
        19 string route_name; 20 Address downstream_direct_remote_address; 21 map Any filter_state_objects;
        22 map string custom_tags; 23 Duration duration; 24 uint32 upstream_request_attempt_count;
        25 string connection_termination_details; 26 string stream_id; 27 bool intermediate_log_entry;
        28 string downstream_transport_failure_reason; 29 uint64 downstream_wire_bytes_sent;
        30 uint64 downstream_wire_bytes_received; 31 uint64 upstream_wire_bytes_sent;
        32 uint64 upstream_wire_bytes_received; 33 enum access_log_type""",
    "ResponseFlags": """
        1 bool LH; 2 bool UH; 3 bool UT; 4 bool LR; 5 bool UR; 6 bool UF; 7 bool UC; 8 bool UO; 9 bool NR; 10 bool DI;
        11 bool FI; 12 bool RL; 13 Unauthorized UAEX; 14 bool RLSE; 15 bool DC; 16 bool URX; 17 bool SI; 18 bool IH;
        19 bool DPE; 20 bool UMSDR; 21 bool RFCF; 22 bool NFCF; 23 bool DT; 24 bool UPE; 25 bool NC; 26 bool OM;
        27 bool DF; 28 bool DR""",
    "Unauthorized": "1 enum reason",
    "Metadata": "1 map Struct filter_metadata; 2 map Any typed_filter_metadata",
    "TLSProperties": """
        1 enum tls_version; 2 UInt32Value tls_cipher_suite; 3 string tls_sni_hostname;
        4 Certificate local_certificate_properties; 5 Certificate peer_certificate_properties; 6 string tls_session_id;
        7 string ja3_fingerprint""",
    "Certificate": "1 repeated SubjectAltName subject_alt_name; 2 string subject; 3 string issuer",
    "SubjectAltName": "1 string uri; 2 string dns",
    "HTTPRequestProperties": """
        1 enum request_method; 2 string scheme; 3 string authority; 4 UInt32Value port; 5 string path;
        6 string user_agent; 7 string referer; 8 string forwarded_for; 9 string request_id; 10 string original_path;
        11 uint64 request_headers_bytes; 12 uint64 request_body_bytes; 13 map string request_headers;
        14 uint64 upstream_header_bytes_sent; 15 uint64 downstream_header_bytes_received""",
    "HTTPResponseProperties": """
        1 UInt32Value response_code; 2 uint64 response_headers_bytes; 3 uint64 response_body_bytes;
        4 map string response_headers; 5 map string response_trailers; 6 string response_code_details;
        7 uint64 upstream_header_bytes_received; 8 uint64 downstream_header_bytes_sent""",
    "Address": "1 SocketAddress socket_address; 2 Pipe pipe; 3 EnvoyInternalAddress envoy_internal_address",
    "SocketAddress": "2 string address; 3 uint32 port_value; 4 string named_port",
    "Pipe": "1 string path",
    "EnvoyInternalAddress": "1 string server_listener_name; 2 string endpoint_id",
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, package=_PACKAGE, syntax="proto3")
    for module in (any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        file.dependency.append(module.DESCRIPTOR.name)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for line in fields.split(";"):
            number, *kind, field = line.split()
            _add_field(message, int(number), kind, field)
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, kind: list[str], name: str) -> None:
    is_list = len(kind) > 1
    label = _Field.LABEL_REPEATED if is_list else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if kind[0] != "map":
        _set_type(field, kind[-1])
        return
    entry = message.nested_type.add(name="".join(map(str.capitalize, name.split("_"))) + "Entry")
    entry.options.map_entry = True
    for place, part, part_kind in ((1, "key", "string"), (2, "value", kind[1])):
        _set_type(entry.field.add(name=part, number=place, label=_Field.LABEL_OPTIONAL), part_kind)
    field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{message.name}.{entry.name}"


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, _LIBRARY.get(kind, f".{_PACKAGE}.{kind}")


def _classes() -> dict[str, type[Message]]:
    # A pool of its own: the names of Envoy's messages stay free for whoever brings the whole definitions along.
    pool = descriptor_pool.DescriptorPool()
    for module in (any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(_file().SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in MESSAGES
    }


#: Classes by message name.
CLASSES: Final[dict[str, Made]] = _classes()
