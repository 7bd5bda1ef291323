"""The log formats that a mesh's own objects set.

`accessLogFormat` of a MeshConfig (in the ConfigMap `istio`, or in an IstioOperator), `logFormat` of its providers
(`envoyFileAccessLog`, `envoyOtelAls`), and `log_format` of an EnvoyFilter or a proxy's configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pipelines.parsers.log_layout import layout_of
from pipelines.parsers.text_program import program_of
from pipelines.parsers.yaml_documents import document_bounds
from pipelines.parsers.yaml_values import RefusedYamlError, load_yaml_document

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One of these is in every object that sets a format.
MARKS: Final = (b"accessLogFormat", b"logFormat", b"log_format", b"json_format", b"text_format")
_MOST_NODES: Final = 1_000_000
_BEFORE_CLUSTER: Final = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
    '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" '
    '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" '
)
#: Istio's own text formats, which need no layout: with the cluster's statistics name and, since 1.27, its own.
ISTIO_TEXT: Final = frozenset(
    f"{_BEFORE_CLUSTER}{cluster} %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%"
    for cluster in ("%UPSTREAM_CLUSTER%", "%UPSTREAM_CLUSTER_RAW%")
)


def layouts_of(document: bytes) -> list[str]:
    """The usable log formats that a YAML or JSON document sets, each once: format strings, and JSON objects of them."""
    found: dict[str, None] = {}
    for value in _values(document):
        for layout in _walk(value):
            if layout.strip() not in ISTIO_TEXT and _is_usable(layout):
                found[layout] = None
    return list(found)


def _values(document: bytes) -> Iterator[object]:
    try:
        yield msgspec.json.decode(document)
    except (msgspec.DecodeError, ValueError, RecursionError):
        for start, end in document_bounds(document):
            part = document[start:end]
            if any(mark in part for mark in MARKS):
                try:
                    yield load_yaml_document(part).value
                except RefusedYamlError:
                    continue


def _walk(root: object) -> Iterator[str]:
    waiting = [root]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            yield from _stated(value)
            waiting += value.values()
        elif isinstance(value, str) and "\n" in value and any(mark in value.encode() for mark in MARKS):
            # A whole configuration as text, as in the ConfigMap.
            waiting += _values(value.encode())


def _stated(value: dict[str, object]) -> Iterator[str]:
    """The formats that this object itself sets."""
    mesh = value.get("accessLogFormat")
    if isinstance(mesh, str) and mesh.strip():
        yield mesh
    for name in ("logFormat", "log_format"):
        form = value.get(name)
        if isinstance(form, dict):
            yield from _formats(form)
    # As Envoy had it before `log_format`.
    if "@type" in value or "path" in value:
        yield from _formats(value)


def _formats(form: dict[str, object]) -> Iterator[str]:
    source = form.get("text_format_source")
    inline = source.get("inline_string") if isinstance(source, dict) else None
    for text in (form.get("text"), form.get("text_format"), inline):
        if isinstance(text, str):
            yield text
    for members in (form.get("labels"), form.get("json_format"), form.get("typed_json_format")):
        if isinstance(members, dict) and members:
            yield msgspec.json.encode(members).decode()


def _is_usable(layout: str) -> bool:
    try:
        if layout.lstrip().startswith("{"):
            return bool(layout_of(layout).named)
        return bool(program_of(layout).fields)
    except ValueError:
        return False
