"""What HTTP routes do with requests: redirect, rewrite, retry, answer, fail, allow other origins."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.headers import header_name
from analyzers.configuration.validation.problems import Problem, at, doubt
from analyzers.configuration.validation.values import duration, nanoseconds, percentage, port, regular_expression
from analyzers.mesh.objects import integer, mapping, mappings, number, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"})
_RETRY_POLICIES: Final = frozenset(
    {
        *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx"),
        *("refused-stream", "retriable-status-codes", "retriable-headers", "envoy-ratelimited"),
        *("http3-post-connect-failure", "cancelled", "deadline-exceeded", "internal", "resource-exhausted"),
        "unavailable",
    }
)
_GRPC_STATUS: Final = frozenset(
    {
        *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
        *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"),
        *("UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
    }
)
#: Codes that have a text in Go's net/http and so pass as retry conditions.
_STATUS_CODES: Final = frozenset(str(status.value) for status in HTTPStatus)
_KIBIBYTE: Final = 1024
_LARGE_BODY: Final = 100 * _KIBIBYTE
_LARGEST_BODY: Final = _KIBIBYTE * _KIBIBYTE
_SECOND_NS: Final = 1_000_000_000


def string_match(value: Json, where: str) -> str | None:
    """A match of a text, whose prefix may not be empty."""
    if "prefix" in mapping(value) and not mapping(value).get("prefix"):
        return f"a prefix match of {where} cannot be empty"
    return string_regex(value, where)


def string_regex(value: Json, where: str) -> str | None:
    """A match of a text, whose prefix may be empty."""
    if "regex" not in mapping(value):
        return None
    pattern = text(mapping(value).get("regex")) or ""
    return regular_expression(pattern, where) if pattern else f"a regular expression of {where} cannot be empty"


def cors(path: str, value: Json) -> Problems:
    """`corsPolicy`."""
    policy = mapping(value)
    for position, origin in mappings(policy.get("allowOrigins")):
        given = next((text(origin.get(key)) for key in ("exact", "prefix", "regex") if key in origin), None)
        if not given:
            yield Problem(f"{path}/allowOrigins", "a match of allowOrigins cannot be empty")
        else:
            yield from at(f"{path}/allowOrigins[{position}]", string_regex(origin, "corsPolicy.allowOrigins"))
    for method in texts(policy.get("allowMethods")):
        if method not in _METHODS:
            yield Problem(f"{path}/allowMethods", f"{method!r} is no HTTP method")
    for key in ("allowHeaders", "exposeHeaders"):
        for name in texts(policy.get(key)):
            yield from at(f"{path}/{key}", None if name == "*" else header_name(name))
    if policy.get("maxAge") is not None:
        yield from at(f"{path}/maxAge", duration(policy.get("maxAge")))
        if (nanoseconds(text(policy.get("maxAge")) or "") or 0) % _SECOND_NS > 0:
            yield Problem(f"{path}/maxAge", "maxAge is in whole seconds")


def fault(path: str, value: Json) -> Problems:
    """`fault`: an abort, a delay or both."""
    if value is None:
        return
    abort, delay = mapping(value).get("abort"), mapping(value).get("delay")
    if abort is None and delay is None:
        yield Problem(path, "a fault needs an abort or a delay")
    if abort is not None:
        yield from _abort(f"{path}/abort", mapping(abort))
    if delay is not None:
        yield from at(f"{path}/delay/percentage", _share(mapping(delay)))
        for key in ("fixedDelay", "exponentialDelay"):
            if key in mapping(delay):
                yield from at(f"{path}/delay/{key}", duration(mapping(delay).get(key)))
        if "exponentialDelay" in mapping(delay):
            yield Problem(f"{path}/delay/exponentialDelay", "exponentialDelay is not supported")


def _abort(path: str, abort: Mapping[str, Json]) -> Problems:
    yield from at(f"{path}/percentage", _share(abort))
    if "grpcStatus" in abort:
        if abort.get("grpcStatus") not in _GRPC_STATUS:
            yield Problem(f"{path}/grpcStatus", f"{abort.get('grpcStatus')!r} is no gRPC status")
    elif "http2Error" in abort:
        yield Problem(f"{path}/http2Error", "http2Error is not supported")
    elif "httpStatus" in abort:
        yield from at(f"{path}/httpStatus", _status(integer(abort.get("httpStatus")) or 0))
    else:
        yield doubt(path, "an abort without a status does nothing")


def _share(value: Mapping[str, Json]) -> str | None:
    return percentage(number(mapping(value.get("percentage")).get("value")) or 0)


def _status(code: int) -> str | None:
    return None if 200 <= code <= 600 else f"HTTP status {code} is not in 200..599"


def retries(path: str, value: Json) -> Problems:
    """`retries`."""
    if value is None:
        return
    policy = mapping(value)
    attempts = integer(policy.get("attempts")) or 0
    if attempts < 0:
        yield Problem(f"{path}/attempts", "attempts cannot be negative")
    conditions = text(policy.get("retryOn")) or ""
    has_more = policy.get("perTryTimeout") is not None or policy.get("retryRemoteLocalities") is not None
    if attempts == 0 and (has_more or conditions):
        yield Problem(path, "retries are configured, and attempts is 0: there are none")
    if policy.get("perTryTimeout") is not None:
        yield from at(f"{path}/perTryTimeout", duration(policy.get("perTryTimeout")))
    for condition in conditions.split(",") if conditions else ():
        if condition not in _RETRY_POLICIES and condition not in _STATUS_CODES:
            yield Problem(f"{path}/retryOn", f"{condition!r} is no condition to retry on")
    if policy.get("backoff") is not None:
        yield from at(f"{path}/backoff", duration(policy.get("backoff")))


def redirect(path: str, value: Json) -> Problems:
    """`redirect`: the first thing wrong with it."""
    if value is None:
        return
    given = mapping(value)
    code, scheme = integer(given.get("redirectCode")) or 0, text(given.get("scheme")) or ""
    says_port = "port" in given or "derivePort" in given
    if not (given.get("uri") or given.get("authority") or says_port or scheme):
        yield Problem(path, "a redirect needs a URI, authority, port or scheme")
    elif code and not 300 <= code <= 399:
        yield Problem(f"{path}/redirectCode", f"{code} is no code of a redirect (3xx)")
    elif scheme not in {"", "http", "https"}:
        yield Problem(f"{path}/scheme", "the scheme of a redirect is http or https")
    elif integer(given.get("port")):
        yield from at(f"{path}/port", port(integer(given.get("port")) or 0))


def direct_response(path: str, value: Json) -> Problems:
    """`directResponse`: its status and the size of its body."""
    if value is None:
        return
    body = mapping(mapping(value).get("body"))
    size = max(len((text(body.get(key)) or "").encode()) for key in ("string", "bytes"))
    if size > _LARGEST_BODY:
        yield Problem(f"{path}/body", "the body is larger than 1 MiB")
    elif size > _LARGE_BODY:
        yield doubt(f"{path}/body", "the body is larger than 100 KiB, which burdens the control plane")
    yield from at(f"{path}/status", _status(integer(mapping(value).get("status")) or 0))


def rewrite(path: str, value: Json) -> Problems:
    """`rewrite`: the first thing wrong with it."""
    if value is None:
        return
    given = mapping(value)
    uri, pattern = text(given.get("uri")), given.get("uriRegexRewrite")
    if uri and pattern is not None:
        yield Problem(path, "a rewrite has either uri or uriRegexRewrite")
    elif not uri and pattern is None and not text(given.get("authority")):
        yield Problem(path, "a rewrite needs a uri, uriRegexRewrite or authority")
    elif pattern is not None:
        match, replacement = (text(mapping(pattern).get(key)) for key in ("match", "rewrite"))
        if not match or not replacement:
            yield Problem(f"{path}/uriRegexRewrite", "uriRegexRewrite needs both match and rewrite")
        else:
            yield from at(f"{path}/uriRegexRewrite/match", regular_expression(match, "uriRegexRewrite"))
