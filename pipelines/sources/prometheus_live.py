"""A live Prometheus as a source: range queries through prometheus-api-client, in parts that a server answers quickly.

What was asked for before is kept as checkpoints (one for each stretch of time: first and last moment in milliseconds
as `head_length` and `position`) and is not asked for again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
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
from pipelines.sources.prometheus_access import (
    CA_FILE_VARIABLE,
    CERTIFICATE_FILE_VARIABLE,
    KEY_FILE_VARIABLE,
    PASSWORD_VARIABLE,
    TOKEN_FILE_VARIABLE,
    TOKEN_VARIABLE,
    USER_VARIABLE,
    access_from_environment,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from urllib3.util import Retry

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
#: Queries of one commit: some minutes of work at the most that a failure loses.
_BATCH_QUERIES: Final = 240
#: How Prometheus, and Thanos and Mimir before it, say that a range is too long for it.
_TOO_MUCH: Final = re.compile(
    r"timed? ?out|too many samples|deadline exceeded|maximum resolution|exceeded.*limit|limit.*exceeded"
    r"|Status Code 50[34]|too long|out of memory",
    re.IGNORECASE,
)
#: How much of a server's own words is shown.
_SHOWN: Final = 500


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


def live_batches(work: Iterable[LiveQuery]) -> list[list[LiveQuery]]:
    """Queries in order of time, in batches that are committed one by one: what is in the lake is not asked for again.

    So a job over a long range that ends early goes on where it stopped.
    """
    ordered = sorted(work, key=lambda query: (query.start_s, query.path))
    return [ordered[start : start + _BATCH_QUERIES] for start in range(0, len(ordered), _BATCH_QUERIES)]


def read_live(work: LiveQuery) -> Iterator[Chunk | RangeEnd]:
    """Ask the server; each answer's series, as JSON, are a chunk.

    What takes the server too long, or is too much for it, is asked for in halves, down to single moments.

    Raises:
        InputError: the server cannot be reached or refuses.
    """
    answers = blake2b(digest_size=16)
    size = 0
    for start_s, answer in _answers(work):
        answers.update(answer)
        size += len(answer)
        yield Chunk(start_s * 1000, answer)
    checkpoint = Checkpoint(
        source=work.path,
        format=PROMETHEUS_LIVE,
        position=work.end_s * 1000,
        size=size,
        head_hash=content_hash(work.query.encode()),
        head_length=work.start_s * 1000,
        tail_hash=answers.hexdigest(),
        tail_length=size,
        modified_us=work.modified_us,
    )
    yield RangeEnd(checkpoint)


def _answers(work: LiveQuery) -> Iterator[tuple[int, bytes]]:
    """First moment and answer of each part."""
    try:
        answer = _ask(work)
    except _TooMuchError:
        halves = _halves(work)
        if len(halves) < 2:
            raise
        for half in halves:
            yield from _answers(half)
    else:
        yield work.start_s, answer


def _halves(work: LiveQuery) -> Sequence[LiveQuery]:
    steps = (work.end_s - work.start_s) // work.step_s
    if not steps:
        return [work]
    middle = work.start_s + steps // 2 * work.step_s
    return [replace(work, end_s=middle), replace(work, start_s=middle + work.step_s)]


class _TooMuchError(InputError):
    """The server would need too long or too much memory: a shorter range may do."""


def _ask(work: LiveQuery) -> bytes:
    from prometheus_api_client.exceptions import PrometheusApiClientException
    from prometheus_api_client.prometheus_connect import PrometheusConnect
    from requests import Session
    from requests.exceptions import ConnectionError as NoConnectionError
    from requests.exceptions import SSLError, Timeout

    access = access_from_environment()
    session = Session()
    session.verify, session.cert = access.verify, access.certificate
    try:
        with PrometheusConnect(
            url=work.address,
            headers=access.headers,
            auth=access.login,  # type: ignore[arg-type]  # null is its default, untyped
            session=session,
            retry=_retries(),
            timeout=_TIMEOUT_SECONDS,
        ) as server:
            return msgspec.json.encode(
                server.custom_query_range(
                    query=work.query,
                    start_time=datetime.fromtimestamp(work.start_s, UTC),
                    end_time=datetime.fromtimestamp(work.end_s, UTC),
                    step=str(work.step_s),
                    params={"timeout": f"{_TIMEOUT_SECONDS}s"},
                )
            )
    except PrometheusApiClientException as error:
        kind = _TooMuchError if _TOO_MUCH.search(str(error)) else InputError
        raise kind(f"{work.address}: {str(error)[:_SHOWN]}; the query was {work.query}") from None
    except Timeout:
        raise _TooMuchError(
            f"{work.address}: no answer within {_TIMEOUT_SECONDS} s for a single moment of the query {work.query}"
        ) from None
    except SSLError:
        raise InputError(
            f"{work.address}: TLS failed; {CA_FILE_VARIABLE} names the authority that signed the server's certificate, "
            f"{CERTIFICATE_FILE_VARIABLE} and {KEY_FILE_VARIABLE} the client's own"
        ) from None
    except (NoConnectionError, OSError, KeyError, ValueError) as error:  # all of requests' own errors are OSErrors
        raise InputError(
            f"{work.address}: no answer ({type(error).__name__}); check the address, and {TOKEN_VARIABLE} or "
            f"{TOKEN_FILE_VARIABLE} if it asks for a login"
        ) from None


def _retries() -> Retry:
    """Of what passes by itself: a proxy without a server, a server that starts. A query that timed out is no such."""
    from urllib3.util import Retry

    return Retry(total=3, read=False, backoff_factor=0.5, status_forcelist=(429, 502), raise_on_status=False)


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
