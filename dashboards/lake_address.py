"""Which lake the dashboard shows."""

from __future__ import annotations

import os
from typing import Final

#: Where `meshlens dashboard` says it to the pages, which run in the same process.
VARIABLE: Final = "MESHLENS_LAKE"


def lake_uri() -> str:
    """The lake to show: a folder or an object-storage address."""
    return os.environ.get(VARIABLE) or "lake"
