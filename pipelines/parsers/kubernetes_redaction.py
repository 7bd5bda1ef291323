"""What must not be kept of an object: the values of Secrets, and bytes of rejects that may hold some."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

import msgspec

from pipelines.parsers.certificates import certificate_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.yaml_values import Value

#: Keys of Secrets that hold certificates: those that Istio and cert-manager write.
_CERTIFICATES = frozenset({"tls.crt", "cert", "ca.crt", "cacert", "cert-chain.pem", "root-cert.pem", "ca-cert.pem"})

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WITHHELD = "its bytes are withheld, for they may hold key material"

_NAMES_SECRET = re.compile(rb'"kind":"secret"', re.IGNORECASE)

# A broken record is not decoded, so its text is all there is to go by: a Secret or kubeconfig by its kind, keys by
# their names or by how PEM begins (in base64 too), and data whose kind was cut off.
_SENSITIVE = re.compile(
    rb"""kind["']?\s*:\s*["']?(?:Secret|Config)(?:List)?\b|client-key-data|tls\.key|PRIVATE KEY|LS0tLS1CRUdJTi""",
    re.IGNORECASE,
)
_DATA = re.compile(rb"""\b(?:data|stringData)["']?\s*:""")
_KIND = re.compile(rb"""\bkind["']?\s*:\s*["']?\w""")


def may_hold_secrets(raw: bytes) -> bool:
    """Whether the bytes of a record that could not be read are better not kept."""
    return bool(_SENSITIVE.search(raw)) or bool(_DATA.search(raw) and not _KIND.search(raw))


def object_json(value: Mapping[str, Value]) -> str:
    """The object as compact JSON, keys sorted, without `metadata.managedFields` and without any Secret's values.

    A Secret keeps its key names, each with the size of its value: `{"tls.key": {"redacted_bytes": 1704}}`, and what a
    certificate is for. So does a Secret within another object, such as a template's.
    """
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        value = {**value, "metadata": {key: entry for key, entry in metadata.items() if key != "managedFields"}}
    encoded = msgspec.json.encode(value, order="sorted")
    if _NAMES_SECRET.search(encoded):
        encoded = msgspec.json.encode(redacted(dict(value)), order="sorted")
    return encoded.decode()


def redacted(value: Value) -> Value:
    """A copy in which no Secret, at any depth, has values or the annotation that repeats them."""
    if isinstance(value, list):
        return [redacted(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if is_secret(value):
        return _without_values(value)
    return {key: redacted(entry) for key, entry in value.items()}


def is_secret(value: Mapping[str, Value]) -> bool:
    """Whether a mapping says that it is a Secret, however it writes that."""
    kind = value.get("kind")
    return isinstance(kind, str) and kind.lower() == "secret"


def _without_values(secret: Mapping[str, Value]) -> Value:
    copy = dict(secret)
    for field in ("data", "stringData"):
        entries = copy.get(field)
        if isinstance(entries, dict):
            copy[field] = {key: _told(key, entry, field) for key, entry in entries.items()}
        elif entries is not None:
            copy[field] = {}
    metadata = copy.get("metadata")
    if isinstance(metadata, dict) and isinstance(annotations := metadata.get("annotations"), dict):
        kept = {key: entry for key, entry in annotations.items() if key != LAST_APPLIED}
        copy["metadata"] = {**metadata, "annotations": kept}
    return copy


def _told(key: str, value: Value, field: str) -> Value:
    """What is kept of one value: its size and, of a certificate, whom it is for and when it is in force."""
    if isinstance(value, dict) and "redacted_bytes" in value:
        return {key: value[key] for key in ("redacted_bytes", "certificate") if key in value}
    size: dict[str, Value] = {"redacted_bytes": _size(value, field)}
    if key not in _CERTIFICATES or not isinstance(value, str):
        return size
    try:
        data = base64.b64decode(value, validate=True) if field == "data" else value.encode()
    except (binascii.Error, ValueError):
        return {**size, "certificate": {"problem": "not base64"}}
    return {**size, "certificate": certificate_facts(data)}


def _size(value: Value, field: str) -> int:
    if value is None:
        return 0
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if field == "data":
        try:
            return len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            pass  # not what the API would accept: the size of the text as it stands
    return len(text.encode())
