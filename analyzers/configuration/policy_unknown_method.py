"""AuthorizationPolicies that name methods no request has.

**What.** A value of `methods` or `notMethods` that is no HTTP method and, with its `*`, takes in none either.

**Why it matters.** Methods are compared as written, capitals included: `get` matches nothing. An ALLOW rule then
refuses everybody, a DENY rule nobody. Calls of gRPC have the method POST; their names belong into `paths`.

**Evidence.** The value and its place.

**Fix.** The method in capitals, or the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.authorization_fields import operations, values
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.policy_matches import matches_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

UNKNOWN: Final = kiali_code("KIA0102", "Unknown HTTP method", "warning", "A policy names a method that is none.")

#: The methods of https://www.iana.org/assignments/http-methods that applications use.
METHODS: Final = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"),
    *("ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY"),
    *("MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PRI", "PROPFIND", "PROPPATCH"),
    *("PURGE", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF"),
    "VERSION-CONTROL",
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every method of every policy."""
    del rules
    for item in mesh.of_kind("AuthorizationPolicy"):
        for path, operation in operations(item):
            for where, value in values(path, operation, "methods", "notMethods"):
                if not any(matches_text(value, method) for method in METHODS):
                    meant = f"; {value.upper()} is meant" if value.upper() in METHODS else ""
                    yield finding(UNKNOWN, item, f"{value!r} is no HTTP method{meant}", path=where)


ANALYZER: Final = configuration_analyzer(
    "policy_unknown_method",
    kinds=("AuthorizationPolicy",),
    codes=(UNKNOWN,),
    check=check,
    documentation=__doc__ or "",
)
