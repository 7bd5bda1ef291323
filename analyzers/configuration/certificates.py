"""Whether a Secret's certificate can serve a gateway, from the metadata that is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from analyzers.mesh.objects import at, integer, mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.mesh.objects import Json, MeshObject

#: Keys that hold certificate and key, in istiod's order (istio/istio `pilot/pkg/credentials`).
_PAIRS: Final = (("cert", "key"), ("tls.crt", "tls.key"))


def certificate_problem(secret: MeshObject, rules: Rules) -> str | None:
    """Why a Secret cannot serve a gateway; null where it can, as far as its metadata tells."""
    data = {**mapping(secret.document.get("data")), **mapping(secret.document.get("stringData"))}
    for certificate, key in _PAIRS:
        if certificate in data or key in data:
            for name in (certificate, key):
                if not integer(at(data.get(name), "redacted_bytes")):
                    return f"{name} is missing or empty"
            return _judge(certificate, mapping(at(data[certificate], "certificate")), rules.now or datetime.now(UTC))
    return "it holds neither tls.crt and tls.key nor cert and key"


def _judge(name: str, facts: Mapping[str, Json], now: datetime) -> str | None:
    problem = text(facts.get("problem"))
    if problem is not None:
        return f"{name}: {problem}"
    start, end = (_time(facts.get(key)) for key in ("not_before", "not_after"))
    if end is not None and now > end:
        return f"{name} expired at {end:%Y-%m-%dT%H:%M:%SZ}"
    if start is not None and now < start:
        return f"{name} is not in force before {start:%Y-%m-%dT%H:%M:%SZ}"
    return None


def _time(value: Json) -> datetime | None:
    found = text(value)
    return datetime.fromisoformat(found) if found else None
