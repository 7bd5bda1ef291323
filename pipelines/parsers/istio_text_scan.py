"""Istio's default text format as what a compiled scan must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan import text_kinds as kinds
from pipelines.parsers.text_fields import ISTIO_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PADDING: Final = bytes(32)
_QUOTE, _SPACE = b'" '


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What stands between the values of a line, and what each value is.

    Args:
        columns: what each value fills.
        literals: the text before each value and after the last.
        kinds: of `pipelines/parsers/scan/text_kinds.py`, one a value.
        stops: the two bytes that no value holds, shape (values, 2); one of them begins the literal behind it.
    """

    columns: tuple[str, ...]
    literals: tuple[bytes, ...]
    kinds: NDArray[np.uint8]
    stops: NDArray[np.uint8]

    def packed(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The literals one after another, padded, and where each begins."""
        offsets = np.cumsum([0, *map(len, self.literals)], dtype=np.int64)
        return np.frombuffer(b"".join(self.literals) + _PADDING, np.uint8), offsets


_FORMAT: Final = (
    b'[start_time] "method path protocol" response_code response_flags response_code_details'
    b' connection_termination_details "upstream_transport_failure_reason" bytes_received bytes_sent duration_ms'
    b' upstream_service_time_ms "x_forwarded_for" "user_agent" "request_id" "authority" "upstream_host"'
    b" upstream_cluster upstream_local_address downstream_local_address downstream_remote_address"
    b" requested_server_name route_name"
)
_KINDS: Final[Mapping[str, int]] = {
    "method": kinds.METHOD,
    "path": kinds.TEXT,
    "protocol": kinds.PROTOCOL,
    "response_code": kinds.CODE,
    "response_flags": kinds.FLAGS,
    "upstream_transport_failure_reason": kinds.TEXT,
    "bytes_received": kinds.COUNT,
    "bytes_sent": kinds.COUNT,
    "duration_ms": kinds.COUNT_OR_DASH,
    "upstream_service_time_ms": kinds.COUNT_OR_DASH,
    "x_forwarded_for": kinds.TEXT,
    "user_agent": kinds.TEXT,
    "request_id": kinds.TEXT,
    "authority": kinds.TEXT,
    "upstream_host": kinds.ADDRESS,
    "upstream_local_address": kinds.ADDRESS,
    "downstream_local_address": kinds.ADDRESS,
    "downstream_remote_address": kinds.ADDRESS,
    "route_name": kinds.LAST_WORD,
}
#: Values in quotes that may hold spaces.
_SPACED: Final = frozenset({"upstream_transport_failure_reason", "x_forwarded_for", "user_agent", "request_id"})


def _plan_of(written: bytes) -> ScanPlan:
    columns: list[str] = []
    literals: list[bytes] = []
    rest = written
    for name in ISTIO_FIELDS.names:
        literal, found, after = rest.partition(name.encode())
        if found:
            columns.append(name)
            literals.append(literal)
            rest = after
    literals.append(rest)
    stops = [_stops(name, literal) for name, literal in zip(columns, literals[1:], strict=True)]
    numbers = [_KINDS.get(name, kinds.WORD) for name in columns]
    return ScanPlan(tuple(columns), tuple(literals), np.array(numbers, np.uint8), np.array(stops, np.uint8))


def _stops(column: str, literal: bytes) -> tuple[int, int]:
    """Only values in quotes may hold a space, and none a quote: with more quotes than the format's there is doubt."""
    first = literal[0] if literal else _SPACE
    if first == _QUOTE:
        return _QUOTE, _QUOTE if column in _SPACED else _SPACE
    return first, _SPACE if first not in (_QUOTE, _SPACE) else _QUOTE


#: The format of today, and that without CONNECTION_TERMINATION_DETAILS.
PLANS: Final = (_plan_of(_FORMAT), _plan_of(_FORMAT.replace(b" connection_termination_details", b"")))
