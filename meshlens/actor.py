"""Who runs a command, for the audit of exports."""

from __future__ import annotations

import os


def actor() -> str:
    """`MESHLENS_ACTOR` where it is set (a pipeline's name, a person behind a shared account), else `user@host`."""
    import getpass
    import socket

    named = os.environ.get("MESHLENS_ACTOR", "").strip()
    if named:
        return named[:200]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())  # a container's user without a name
    return f"{user}@{socket.gethostname()}"
