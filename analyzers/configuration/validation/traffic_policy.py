"""Traffic policies: connection pools, outlier detection, client TLS, tunnels, and the same for single ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.load_balancer import load_balancer
from analyzers.configuration.validation.problems import Problem, at, doubt, refusals
from analyzers.configuration.validation.shared import elements
from analyzers.configuration.validation.values import address, duration, fqdn, nanoseconds, port, whole_percent
from analyzers.mesh.objects import integer, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json

_PORT_FIELDS: Final = ("outlierDetection", "connectionPool", "loadBalancer", "tls")
_FIELDS: Final = (*_PORT_FIELDS, "portLevelSettings", "tunnel", "proxyProtocol")
_CONFIG_MAP: Final = "configmap://"
_MILLISECOND_NS: Final = 1_000_000
_HTTP_COUNTS: Final = (
    "http1MaxPendingRequests",
    "http2MaxRequests",
    "maxRequestsPerConnection",
    "maxRetries",
    "maxConcurrentStreams",
)


def traffic_policy(path: str, value: Json, namespace: str) -> Problems:
    """Every problem of a traffic policy of an object of `namespace`."""
    if value is None:
        return
    policy = mapping(value)
    if all(policy.get(key) is None for key in _FIELDS):
        yield Problem(path, "a traffic policy needs at least one field")
        return
    if policy.get("tunnel") is not None and policy.get("proxyProtocol") is not None:
        yield Problem(path, "tunnel and proxyProtocol cannot both be set")
        return
    yield from _of_any_port(path, policy, namespace)
    for position, setting in enumerate(elements(policy.get("portLevelSettings"))):
        where = f"{path}/portLevelSettings[{position}]"
        yield from refusals(_of_port(where, setting, namespace))
    yield from _tunnel(f"{path}/tunnel", policy.get("tunnel"))
    version = mapping(policy.get("proxyProtocol")).get("version")
    if version not in {None, "V1", "V2", 0, 1}:
        yield Problem(f"{path}/proxyProtocol/version", f"version {version} of the proxy protocol is not known")


def _of_port(path: str, value: Json, namespace: str) -> Problems:
    if value is None:
        yield Problem(path, "settings of a port may not be null")
        return
    setting = mapping(value)
    if setting.get("port") is None:
        yield Problem(path, "settings of a port need a port")
    if all(setting.get(key) is None for key in _PORT_FIELDS):
        yield Problem(path, "settings of a port need at least one field")
    else:
        yield from _of_any_port(path, setting, namespace)


def _of_any_port(path: str, policy: Mapping[str, Json], namespace: str) -> Problems:
    outlier = policy.get("outlierDetection")
    yield from _outlier_detection(f"{path}/outlierDetection", outlier)
    yield from connection_pool(f"{path}/connectionPool", policy.get("connectionPool"))
    yield from load_balancer(f"{path}/loadBalancer", policy.get("loadBalancer"), has_outlier=outlier is not None)
    yield from client_tls(f"{path}/tls", policy.get("tls"), namespace)


def _outlier_detection(path: str, value: Json) -> Problems:
    if value is None:
        return
    given = mapping(value)
    yield from _durations(path, given, ("baseEjectionTime", "interval"))
    if integer(given.get("consecutiveErrors")):
        yield doubt(f"{path}/consecutiveErrors", "consecutiveErrors is deprecated; use consecutive5xxErrors")
    if given.get("splitExternalLocalOriginErrors") is not True and integer(given.get("consecutiveLocalOriginFailures")):
        message = "consecutiveLocalOriginFailures needs splitExternalLocalOriginErrors"
        yield Problem(f"{path}/consecutiveLocalOriginFailures", message)
    for key in ("maxEjectionPercent", "minHealthPercent"):
        yield from at(f"{path}/{key}", whole_percent(integer(given.get(key)) or 0))


def connection_pool(path: str, value: Json) -> Problems:
    """`connectionPool`, also that of Sidecars."""
    if value is None:
        return
    http, tcp = (mapping(value).get(key) for key in ("http", "tcp"))
    if http is None and tcp is None:
        yield Problem(path, "a connection pool needs at least one field")
    yield from _http_pool(f"{path}/http", mapping(http))
    yield from _tcp_pool(f"{path}/tcp", mapping(tcp))


def _http_pool(path: str, http: Mapping[str, Json]) -> Problems:
    for key in _HTTP_COUNTS:
        if (integer(http.get(key)) or 0) < 0:
            yield Problem(f"{path}/{key}", f"{key} cannot be negative")
    yield from _durations(path, http, ("idleTimeout",))
    if http.get("h2UpgradePolicy") == "UPGRADE" and http.get("useClientProtocol") is True:
        yield Problem(f"{path}/useClientProtocol", "useClientProtocol does not go with h2UpgradePolicy UPGRADE")


def _tcp_pool(path: str, tcp: Mapping[str, Json]) -> Problems:
    if (integer(tcp.get("maxConnections")) or 0) < 0:
        yield Problem(f"{path}/maxConnections", "maxConnections cannot be negative")
    yield from _durations(path, tcp, ("connectTimeout", "maxConnectionDuration"))
    idle = nanoseconds(text(tcp.get("idleTimeout")) or "")
    # Less than a millisecond means that there is no such timeout.
    if idle is None or abs(idle) >= _MILLISECOND_NS:
        yield from _durations(path, tcp, ("idleTimeout",))
    yield from _durations(f"{path}/tcpKeepalive", mapping(tcp.get("tcpKeepalive")), ("time", "interval"))


def _durations(path: str, value: Mapping[str, Json], keys: Sequence[str]) -> Problems:
    for key in keys:
        if value.get(key) is not None:
            yield from at(f"{path}/{key}", duration(value.get(key)))


def client_tls(path: str, value: Json, namespace: str) -> Problems:
    """`tls` of a traffic policy."""
    tls = mapping(value)
    mode, credential = text(tls.get("mode")) or "DISABLE", text(tls.get("credentialName")) or ""
    if credential.startswith(_CONFIG_MAP) and not _names_config_map(credential, namespace):
        yield Problem(f"{path}/credentialName", f"{credential!r} names no ConfigMap of namespace {namespace}")
    if tls.get("insecureSkipVerify") is True:
        names_authority = bool(tls.get("caCertificates")) or "subjectAltNames" in tls
        if mode == "SIMPLE" and (names_authority or credential):
            yield Problem(path, "insecureSkipVerify does not go with caCertificates, credentialName or subjectAltNames")
        if mode == "MUTUAL" and names_authority:
            yield Problem(path, "insecureSkipVerify does not go with caCertificates or subjectAltNames")
    if mode in {"SIMPLE", "MUTUAL"} and credential:
        if any(text(tls.get(key)) for key in ("clientCertificate", "caCertificates", "privateKey", "caCrl")):
            yield Problem(f"{path}/credentialName", "credentialName does not go with files of certificates")
    elif mode == "MUTUAL":
        for key in ("clientCertificate", "privateKey"):
            if not text(tls.get(key)):
                yield Problem(f"{path}/{key}", f"mutual TLS needs {key}")


def _names_config_map(credential: str, namespace: str) -> bool:
    parts = credential.removeprefix(_CONFIG_MAP).split("/")
    if len(parts) == 1:
        return bool(parts[0] and namespace)
    return len(parts) == 2 and all(parts) and parts[0] == namespace


def _tunnel(path: str, value: Json) -> Problems:
    if value is None:
        return
    tunnel = mapping(value)
    if tunnel.get("protocol") not in {None, "", "CONNECT", "POST"}:
        yield Problem(f"{path}/protocol", "the protocol of a tunnel is CONNECT or POST")
    host = text(tunnel.get("targetHost")) or ""
    if fqdn(host) is not None and address(host) is not None:
        yield Problem(f"{path}/targetHost", f"{host!r} is neither a full name nor an IP address")
    yield from at(f"{path}/targetPort", port(integer(tunnel.get("targetPort")) or 0))
