"""What may be kept of a certificate: whom it is for and when it is in force. Keys are never looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.parsers.yaml_values import Value

_MAX_BYTES: Final = 1 << 20
_MAX_NAMES: Final = 32


def certificate_facts(data: bytes) -> dict[str, Value]:
    """The first certificate of a PEM file: `not_before` and `not_after` (RFC 3339, UTC), `names`, `issuer`, `serial`.

    Where there is none that can be read: `problem` alone, which says why.
    """
    # Loading it takes a while, and only Secrets with certificates need it.
    from cryptography import x509

    if b"-----BEGIN" not in data:
        return {"problem": "no PEM block"}
    if len(data) > _MAX_BYTES:
        return {"problem": f"over {_MAX_BYTES} bytes"}
    end = data.find(b"-----END")
    line = data.find(b"\n", end)
    first = data[: len(data) if line < 0 else line + 1]
    try:
        found = x509.load_pem_x509_certificate(first)
        names = _names(found)
        issuer = found.issuer.rfc4514_string()
    except ValueError:
        return {"problem": "no certificate that can be read"}
    return {
        "not_before": found.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
        "not_after": found.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        "names": list(names[:_MAX_NAMES]),
        "issuer": issuer,
        "serial": f"{found.serial_number:x}",
    }


def _names(certificate: object) -> list[str]:
    from cryptography import x509

    if not isinstance(certificate, x509.Certificate):
        return []
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return [certificate.subject.rfc4514_string()]
    kinds = (x509.DNSName, x509.UniformResourceIdentifier)
    return [str(name) for kind in kinds for name in extension.get_values_for_type(kind)]
