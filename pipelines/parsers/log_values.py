"""From a value of an access log to its column's: the rules of Envoy's operators, for JSON and OTLP logs alike."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipelines.parsers import access_log_patterns as patterns
from pipelines.parsers.log_times import time_us
from pipelines.parsers.otlp_values import compact_json
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[object], int | str]

#: `%RESPONSE_FLAGS_LONG%` by `%RESPONSE_FLAGS%`, from Envoy's list of response flags.
LONG_FLAGS: Final = {
    "NoHealthyUpstream": "UH",
    "UpstreamConnectionFailure": "UF",
    "UpstreamOverflow": "UO",
    "NoRouteFound": "NR",
    "UpstreamRetryLimitExceeded": "URX",
    "NoClusterFound": "NC",
    "DurationTimeout": "DT",
    "DownstreamConnectionTermination": "DC",
    "FailedLocalHealthCheck": "LH",
    "UpstreamRequestTimeout": "UT",
    "LocalReset": "LR",
    "UpstreamRemoteReset": "UR",
    "UpstreamConnectionTermination": "UC",
    "DelayInjected": "DI",
    "FaultInjected": "FI",
    "RateLimited": "RL",
    "UnauthorizedExternalService": "UAEX",
    "RateLimitServiceError": "RLSE",
    "InvalidEnvoyRequestHeaders": "IH",
    "StreamIdleTimeout": "SI",
    "DownstreamProtocolError": "DPE",
    "UpstreamProtocolError": "UPE",
    "UpstreamMaxStreamDurationReached": "UMSDR",
    "ResponseFromCacheFilter": "RFCF",
    "NoFilterConfigFound": "NFCF",
    "OverloadManagerTerminated": "OM",
    "DnsResolutionFailed": "DF",
    "DropOverload": "DO",
    "DownstreamRemoteReset": "DR",
    "UnconditionalDropOverload": "UDO",
}
#: gRPC's status names, in `%GRPC_STATUS%`'s camel case and compared without case and underscores, by number.
GRPC_STATUSES: Final = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)
_GRPC_NUMBERS: Final = {name.lower(): number for number, name in enumerate(GRPC_STATUSES)} | {"cancelled": 1}
# Some shippers make doubles of all numbers.
_WHOLE: Final = r"(?:\.0+)?"
_CODE: Final = re.compile(rf"({patterns.RESPONSE_CODE}){_WHOLE}")
_FLAGS: Final = re.compile(patterns.RESPONSE_FLAGS)
_COUNT: Final = re.compile(rf"({patterns.COUNT}){_WHOLE}")
_FIRST_TOO_BIG: Final = 10**18
_FIRST_TOO_BIG_32: Final = 2**31


class InvalidRecordError(ValueError):
    """Something that is no access-log record; the message says why."""


def text_of(value: object) -> str | None:
    """A value as text: numbers in decimal, arrays and objects as compact JSON; null for null and for Envoy's `-`."""
    if value is None or value == "-":
        return None
    if isinstance(value, str):
        return value
    return compact_json(value)


def read_value(column: str, value: object, divisor: int = 1) -> int | str | None:
    """A value in its column's own type: times in microseconds since 1970; null for null and for `-`.

    `divisor` is how many of a count's units make one of the column's. Raises InvalidRecordError where it is none of
    the column's values.
    """
    if value is None or value == "-":
        return None
    found = _READERS[column](value)
    return found // divisor if divisor != 1 and isinstance(found, int) else found


def _text(value: object) -> str:
    return value if isinstance(value, str) else compact_json(value)


def _cluster(value: object) -> str:
    # Istio's statistics name, which `%UPSTREAM_CLUSTER%` prints, ends with a semicolon.
    return _text(value).rstrip(";")


def _start_time(value: object) -> int:
    text = f"{value:.6f}" if isinstance(value, float) and math.isfinite(value) else _text(value)
    found = time_us(text)
    if found is None:
        raise InvalidRecordError("start_time is not an ISO 8601 time in UTC")
    return found


def _count(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _FIRST_TOO_BIG:
        return value
    if isinstance(value, str) and (matched := _COUNT.fullmatch(value)):
        return int(matched.group(1))
    raise InvalidRecordError("is not a whole number of at most 18 digits")


def _count_32(value: object) -> int:
    count = _count(value)
    if count >= _FIRST_TOO_BIG_32:
        raise InvalidRecordError("is not a whole number below 2147483648")
    return count


def _response_code(value: object) -> int:
    matched = _CODE.fullmatch(_text(value))
    if matched is None:
        raise InvalidRecordError("response_code is not 0 or a number from 100 to 999")
    return int(matched.group(1))


def _response_flags(value: object) -> str:
    text = _text(value)
    if not _FLAGS.fullmatch(text):
        text = ",".join(LONG_FLAGS.get(flag, "") for flag in text.split(","))
        if not _FLAGS.fullmatch(text):
            raise InvalidRecordError("response_flags are not Envoy's short names")
    return text


def _grpc_status(value: object) -> int:
    if isinstance(value, str):
        number = _GRPC_NUMBERS.get(value.replace("_", "").lower())
        if number is not None:
            return number
    return _count_32(value)


_SPECIAL: Final[dict[str, Reader]] = {
    "start_time": _start_time,
    "response_code": _response_code,
    "response_flags": _response_flags,
    "upstream_cluster": _cluster,
    "grpc_status": _grpc_status,
}
_BY_TYPE: Final[dict[pa.DataType, Reader]] = {pa.int64(): _count, pa.int32(): _count_32, pa.string(): _text}
_READERS: Final[dict[str, Reader]] = {
    field.name: _SPECIAL.get(field.name) or _BY_TYPE[field.type]
    for field in ACCESS_LOG_FIELDS
    if field.name != "attributes"
}
