"""How a Prometheus server is entered: who asks, and whom to trust. Only from the environment and the files it names.

So no log, plan or lake ever holds a token: workers look it up when they ask. Files are read anew for every query, since
tokens of service accounts are replaced while a job runs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipelines.inputs.errors import InputError

#: A bearer token or a file that holds one; user and password or a file that holds the password.
TOKEN_VARIABLE: Final = "MESHLENS_PROMETHEUS_TOKEN"  # noqa: S105 - the variable's name
TOKEN_FILE_VARIABLE: Final = "MESHLENS_PROMETHEUS_TOKEN_FILE"  # noqa: S105 - as above
USER_VARIABLE: Final = "MESHLENS_PROMETHEUS_USER"
PASSWORD_VARIABLE: Final = "MESHLENS_PROMETHEUS_PASSWORD"  # noqa: S105 - as above
PASSWORD_FILE_VARIABLE: Final = "MESHLENS_PROMETHEUS_PASSWORD_FILE"  # noqa: S105 - as above
#: PEM files: the authorities that may have signed the server's certificate, and the client's own certificate and key.
CA_FILE_VARIABLE: Final = "MESHLENS_PROMETHEUS_CA_FILE"
CERTIFICATE_FILE_VARIABLE: Final = "MESHLENS_PROMETHEUS_CERTIFICATE_FILE"
KEY_FILE_VARIABLE: Final = "MESHLENS_PROMETHEUS_KEY_FILE"

_MAX_SECRET_BYTES: Final = 64 << 10
_TOKEN: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Headers and `(user, password)` of a request, neither of which a message may show; `verify` and `certificate` are
    paths, as `requests` takes them.
    """

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    verify: str | bool = True
    certificate: str | tuple[str, str] | None = None


def access_from_environment() -> Access:
    """What the environment says.

    Raises:
        InputError: a file cannot be used or variables exclude one another; the message never has a secret in it.
    """
    token = _secret(TOKEN_VARIABLE, TOKEN_FILE_VARIABLE)
    user = os.environ.get(USER_VARIABLE)
    if token is not None and user:
        raise InputError(f"{USER_VARIABLE} and a token are both set: a server takes one of them")
    if token is not None and not _TOKEN.fullmatch(token):
        raise InputError(
            f"the token of {_set_one(TOKEN_VARIABLE, TOKEN_FILE_VARIABLE)} has characters no header may have"
        )
    password = _secret(PASSWORD_VARIABLE, PASSWORD_FILE_VARIABLE) or ""
    certificate, key = _file(CERTIFICATE_FILE_VARIABLE), _file(KEY_FILE_VARIABLE)
    if key is not None and certificate is None:
        raise InputError(f"{KEY_FILE_VARIABLE} is set without {CERTIFICATE_FILE_VARIABLE}")
    return Access(
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
        login=(user, password) if user else None,
        verify=_file(CA_FILE_VARIABLE) or True,
        certificate=(certificate, key) if certificate is not None and key is not None else certificate,
    )


def _secret(variable: str, file_variable: str) -> str | None:
    value = os.environ.get(variable)
    path = _file(file_variable)
    if value and path is not None:
        raise InputError(f"{variable} and {file_variable} are both set: leave one out")
    if path is None:
        return value or None
    try:
        with Path(path).open(encoding="utf-8") as file:
            secret = file.read(_MAX_SECRET_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {file_variable} names a file that cannot be read ({type(error).__name__})") from None
    if not secret:
        raise InputError(f"{path}: {file_variable} names a file that is empty")
    return secret


def _file(variable: str) -> str | None:
    path = os.environ.get(variable)
    if not path:
        return None
    if not Path(path).is_file():
        raise InputError(f"{path}: {variable} names a file that does not exist")
    return path


def _set_one(variable: str, file_variable: str) -> str:
    return variable if os.environ.get(variable) else file_variable
