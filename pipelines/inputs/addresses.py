"""Inputs that are no paths: standard input, object stores, web servers, a Prometheus."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

#: Standard input as the user names it, and what its content is called.
STANDARD_INPUT: Final = "-"
STANDARD_INPUT_PREFIX: Final = "stdin:"

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_WEB: Final = frozenset({"http", "https"})
#: Documents that proxies, Prometheus and Loki answer with, whose names have no dot.
_DOCUMENTS: Final = re.compile(r".*/(?:config_dump|clusters|server_info|stats/prometheus|metrics|query|query_range)")
_SECRETS: Final = re.compile(
    r"(?:.*[-_.])?(?:sig|signature|token|secret|password|passwd|credential|key|apikey|api-key|auth|sas|jwt|code)",
    re.IGNORECASE,
)


def scheme_of(path: str) -> str | None:
    """The scheme of an address, lower case; None of a path."""
    matched = _SCHEME.match(path)
    return matched.group(1).lower() if matched else None


def is_web(path: str) -> bool:
    """Whether an input is asked from a web server."""
    return scheme_of(path) in _WEB


def is_address(path: str) -> bool:
    """Whether an input is the address of a Prometheus to be asked, rather than a file.

    A file's address has a query, or ends with a name that has a dot or that proxies and servers give their documents.
    """
    if not is_web(path):
        return False
    parts = urlsplit(path)
    name = parts.path.rpartition("/")[2]
    return not (parts.query or "." in name or _DOCUMENTS.fullmatch(parts.path))


def is_remote(path: str) -> bool:
    """Whether an input is a file on another machine."""
    return scheme_of(path) is not None and not is_address(path)


def is_complete(path: str) -> bool:
    """Whether an input is never being written while it is read: objects are put whole, standard input has ended."""
    return is_remote(path) or path.startswith(STANDARD_INPUT_PREFIX)


def has_credentials(address: str) -> bool:
    """Whether an address holds a password or a signature: it would be stored with all that is read from it."""
    parts = urlsplit(address)
    user = parts.netloc.rpartition("@")[0]
    # Containers of Azure are written like a user.
    return ":" in user or bool(user and is_web(address)) or any(map(_SECRETS.fullmatch, dict(parse_qsl(parts.query))))
