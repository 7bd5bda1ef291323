"""A live Prometheus as a source: range queries through prometheus-api-client, in parts that a server answers quickly.

What was asked for before is kept as checkpoints (one for each stretch of time: first and last moment in milliseconds
as `head_length` and `position`) and is not asked for again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from pipelines.inputs.bundles import LiveQuery
from pipelines.inputs.checkpoints import Checkpoint, content_hash
from pipelines.inputs.errors import InputError
from pipelines.inputs.formats import PROMETHEUS_LIVE
from pipelines.inputs.ranges import RangeEnd
from pipelines.inputs.records import Chunk
from pipelines.parsers.promql import metric_of_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A bearer token, or user and password, for the server. Only from the environment, so that no log or lake holds them.
TOKEN_VARIABLE: Final = "MESHLENS_PROMETHEUS_TOKEN"  # noqa: S105 - the variable's name
USER_VARIABLE: Final = "MESHLENS_PROMETHEUS_USER"
PASSWORD_VARIABLE: Final = "MESHLENS_PROMETHEUS_PASSWORD"  # noqa: S105 - as above

_PEERS: Final = (
    "reporter, source_workload, source_workload_namespace, source_canonical_service, destination_workload, "
    "destination_workload_namespace, destination_service, destination_service_name, destination_service_namespace, "
    "request_protocol, response_code, response_flags"
)
#: Istio's standard metrics; buckets are summed over pods, which keeps their number bearable.
DEFAULT_QUERIES: Final = (
    "istio_requests_total",
    f"sum by ({_PEERS}, le) (istio_request_duration_milliseconds_bucket)",
    "istio_tcp_sent_bytes_total",
    "istio_tcp_received_bytes_total",
    "istio_tcp_connections_opened_total",
    "istio_tcp_connections_closed_total",
)
#: Points of a series in one answer; Prometheus refuses more than 11,000.
_POINTS: Final = 720
_TIMEOUT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked of a server: first and last moment (seconds since 1970) and the step between samples."""

    since_s: int
    until_s: int
    step_s: int = 15


def plan_live(address: str, queries: Iterable[str], period: Period, known: Iterable[Checkpoint]) -> list[LiveQuery]:
    """The queries that fetch what `known` does not have yet, sample times on multiples of the step.

    Raises:
        InputError: the address has credentials in it.
    """
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        raise InputError(
            f"{parts.scheme}://{parts.hostname}: leave user and password out of the address and set {USER_VARIABLE} "
            f"and {PASSWORD_VARIABLE}, or {TOKEN_VARIABLE}"
        )
    covered = list(known)
    found: list[LiveQuery] = []
    for query in queries:
        unit = LiveQuery(address.rstrip("/"), query, metric_of_query(query), 0, 0, period.step_s)
        done = [
            (checkpoint.head_length // 1000, checkpoint.position // 1000)
            for checkpoint in covered
            if checkpoint.source == unit.path
        ]
        for start, end in _missing(period, done):
            found += _split(unit, start, end)
    return found


def read_live(work: LiveQuery) -> Iterator[Chunk | RangeEnd]:
    """Ask the server. The answer's series, as JSON, are one chunk.

    Raises:
        InputError: the server cannot be reached or refuses.
    """
    answer = msgspec.json.encode(_ask(work))
    yield Chunk(work.start_s * 1000, answer)
    checkpoint = Checkpoint(
        source=work.path,
        format=PROMETHEUS_LIVE,
        position=work.end_s * 1000,
        size=len(answer),
        head_hash=content_hash(work.query.encode()),
        head_length=work.start_s * 1000,
        tail_hash=content_hash(answer),
        tail_length=len(answer),
        modified_us=work.modified_us,
    )
    yield RangeEnd(checkpoint)


def _ask(work: LiveQuery) -> list[object]:
    from prometheus_api_client.exceptions import PrometheusApiClientException
    from prometheus_api_client.prometheus_connect import PrometheusConnect

    token = os.environ.get(TOKEN_VARIABLE)
    headers = {"Authorization": f"Bearer {token}"} if token else None
    user = os.environ.get(USER_VARIABLE)
    try:
        server = PrometheusConnect(
            url=work.address,
            headers=headers,  # type: ignore[arg-type]  # null is its default, untyped
            auth=(user, os.environ.get(PASSWORD_VARIABLE, "")) if user else None,  # type: ignore[arg-type]  # as above
            timeout=_TIMEOUT_SECONDS,
        )
        answer: list[object] = server.custom_query_range(
            query=work.query,
            start_time=datetime.fromtimestamp(work.start_s, UTC),
            end_time=datetime.fromtimestamp(work.end_s, UTC),
            step=str(work.step_s),
        )
    except PrometheusApiClientException as error:
        raise InputError(f"{work.address}: {error}; the query was {work.query}") from error
    except (OSError, KeyError, ValueError) as error:  # all of requests' own errors are OSErrors
        raise InputError(
            f"{work.address}: no answer ({type(error).__name__}); check the address, and {TOKEN_VARIABLE} if it asks "
            "for a login"
        ) from error
    return answer


def _missing(period: Period, done: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches (first and last sample time) of the period that are not done."""
    step = period.step_s
    start = -(-period.since_s // step) * step
    last = period.until_s // step * step
    found: list[tuple[int, int]] = []
    for begin, end in sorted(done):
        if begin > start and min(begin - step, last) >= start:
            found.append((start, min(begin - step, last)))
        start = max(start, end + step)
    if start <= last:
        found.append((start, last))
    return found


def _split(unit: LiveQuery, start: int, end: int) -> Iterator[LiveQuery]:
    span = _POINTS * unit.step_s
    while start <= end:
        last = min(end, start + span - unit.step_s)
        yield LiveQuery(unit.address, unit.query, unit.default_metric, start, last, unit.step_s)
        start = last + unit.step_s
