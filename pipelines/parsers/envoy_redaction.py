"""What must not be kept of an Envoy's configuration: keys, passwords and tokens, wherever they stand.

Envoy itself hides what its API marks as sensitive; other tools' dumps and older versions do not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.parsers.yaml_values import Value

WITHHELD: Final = "its bytes are withheld, for they may hold key material"

#: Fields of Envoy's API (and their JSON names) whose strings, at any depth, are secrets.
_SECRET_FIELDS: Final = re.compile(
    r"private_?key|password|passphrase|session_?ticket_?keys|generic_?secret|secret_?access_?key|session_?token"
    r"|access_?token|client_?secret|hmac_?secret|api_?key|token_?secret|keytab",
    re.IGNORECASE,
)
#: Strings under them that are names or places, not secrets.
_PLACES: Final = frozenset(
    {"name", "filename", "path", "environment_variable", "@type", "type_url", "resource_api_version", "cluster_name"}
)
_CREDENTIAL_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_KEY_TEXT: Final = re.compile(r"PRIVATE KEY|LS0tLS1CRUdJTi")
_SUSPECT: Final = re.compile(_SECRET_FIELDS.pattern + "|PRIVATE KEY|LS0tLS1CRUdJTi|authorization|cookie", re.IGNORECASE)
_SUSPECT_BYTES: Final = re.compile(_SUSPECT.pattern.encode(), re.IGNORECASE)


def may_hold_secrets(raw: bytes) -> bool:
    """Whether JSON has to be looked through, and whether bytes that could not be read are better not kept."""
    return _SUSPECT_BYTES.search(raw) is not None


def redacted(value: Value, *, is_secret: bool = False) -> Value:
    """A copy in which every secret string is `{"redacted_bytes": its length}`; Envoy's own `[redacted]` stays."""
    if isinstance(value, list):
        return [redacted(entry, is_secret=is_secret) for entry in value]
    if isinstance(value, dict):
        return _redacted_fields(value, is_secret=is_secret)
    if isinstance(value, str) and (is_secret or _KEY_TEXT.search(value)) and not value.startswith("[redacted"):
        return {"redacted_bytes": len(value.encode())}
    return value


def _redacted_fields(fields: dict[str, Value], *, is_secret: bool) -> Value:
    name = fields.get("key")
    if isinstance(name, str) and name.lower() in _CREDENTIAL_HEADERS and isinstance(fields.get("value"), str):
        return {**fields, "value": redacted(fields["value"], is_secret=True)}
    return {
        key: redacted(entry, is_secret=key not in _PLACES and (is_secret or _SECRET_FIELDS.search(key) is not None))
        for key, entry in fields.items()
    }
