"""Whether JSON lines are an access log: by what their keys are called, or by what their values are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from pipelines.inputs.recognition import Recognition, json_value
from pipelines.parsers.log_layout import UNNAMED, Layout, layout_of, members, read_record
from pipelines.parsers.log_operators import known_key
from pipelines.parsers.log_times import time_us
from pipelines.parsers.log_values import InvalidRecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Columns that only a proxy's log has, under the names Istio and Envoy give them.
_PROXY: Final = frozenset(
    {
        "response_flags",
        "response_code_details",
        "connection_termination_details",
        "upstream_transport_failure_reason",
        "upstream_service_time_ms",
        "upstream_host",
        "upstream_cluster",
        "upstream_local_address",
        "downstream_local_address",
        "downstream_remote_address",
        "requested_server_name",
        "route_name",
    }
)
_COLUMNS_NEEDED: Final = 5
_INFERRED_NEEDED: Final = 3
_CLUSTER: Final = re.compile(r"(?:in|out)bound\|\d*\|[^|]*\|.*|(?:Inbound)?PassthroughCluster|BlackHoleCluster")


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


#: Operators whose values cannot be mistaken, in the order in which they are looked for.
_SHAPES: Final[dict[str, Callable[[str], bool]]] = {
    "%UPSTREAM_CLUSTER%": lambda text: _CLUSTER.fullmatch(text) is not None,
    "%REQUESTED_SERVER_NAME%": _matches(r"outbound_\.\d+_\..*"),
    "%PROTOCOL%": _matches(r"HTTP/(?:1\.[01]|2|3)"),
    "%REQ(:METHOD)%": _matches(r"GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE"),
    "%REQ(X-REQUEST-ID)%": _matches(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "%RESPONSE_CODE_DETAILS%": _matches(
        r"via_upstream|direct_response|route_not_found|no_healthy_upstream|[a-z_]+\{.*\}"
    ),
    "%RESPONSE_FLAGS%": _matches(r"(?:UF|UH|UO|NR|URX|NC|DC|UT|UC|LR|UR|DPE|UPE|UAEX|RL|SI|DI|FI|DR)(?:,[A-Z]+)*"),
    "%RESPONSE_CODE%": _matches(r"[1-5]\d\d"),
    "%START_TIME%": lambda text: not text.isdigit() and time_us(text) is not None,
}


def is_access_log(value: dict[str, object]) -> bool:
    """Whether an object is a record of a proxy's access log by what its keys are called and hold."""
    keys = [key for path, _ in members(value) if (key := known_key(path)) is not None]
    if len({column for column, _ in keys}) < _COLUMNS_NEEDED:
        return False
    return any(column in _PROXY and rank == 0 for column, rank in keys) and _is_record(value, UNNAMED)


def infer_layout(lines: Sequence[bytes]) -> Recognition | None:
    """JSON lines whose keys say nothing, but whose values are those of an access log: its layout from a sample."""
    values = [value for value in map(json_value, lines) if isinstance(value, dict)]
    columns: dict[str, list[str]] = {}
    for value in values:
        for path, member in members(value):
            if isinstance(member, str | int) and not isinstance(member, bool) and member not in {"", "-"}:
                columns.setdefault(path, []).append(str(member))
    layout = shapes_of(columns)
    if "%UPSTREAM_CLUSTER%" not in layout.values() or len(layout) < _INFERRED_NEEDED:
        return None
    text = json.dumps(layout)
    found = layout_of(text)
    records = sum(_is_record(value, found) for value in values)
    return Recognition("istio_json", layout=text) if 2 * records > len(values) else None


def shapes_of(columns: dict[str, list[str]]) -> dict[str, str]:
    """The operator of each path whose values alone have its shape: of two that might be, neither is."""
    layout: dict[str, str] = {}
    for operator, fits in _SHAPES.items():
        paths = [path for path, texts in columns.items() if path not in layout and _all(texts, fits)]
        if len(paths) == 1:
            layout[paths[0]] = operator
    return layout


def _all(texts: Iterable[str], fits: Callable[[str], bool]) -> bool:
    return all(map(fits, texts))


def _is_record(value: dict[str, object], layout: Layout) -> bool:
    try:
        read_record(members(value), layout)
    except InvalidRecordError:
        return False
    return True
