"""A certificate authority for one run, and a SPIFFE certificate per service account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.lab.model import TRUST_DOMAIN, Workload

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.proxy.files import LabFiles

VALID_FOR = timedelta(days=1)


def write_certificates(workloads: tuple[Workload, ...], files: LabFiles) -> None:
    """Makes the root and one certificate with key per service account, valid for a day."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, TRUST_DOMAIN)])
    authority = (
        _builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    files.authority_certificate.parent.mkdir(parents=True, exist_ok=True)
    files.authority_certificate.write_bytes(_pem(authority))
    for workload in workloads:
        path = files.certificate(workload)
        if path.exists():
            continue
        key = ec.generate_private_key(ec.SECP256R1())
        identity = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(workload.identity)])
        certificate = (
            _builder(x509.Name([]), authority_name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(identity, critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        path.write_bytes(_pem(certificate))
        _write_key(files.private_key(workload), key)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + VALID_FOR)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(pem)
