"""Where tables are printed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: Width of what is not a terminal (a pipe, a file, a CI log): wide enough that names are not folded.
PIPE_WIDTH = 200


def console() -> Console:
    """Stdout as a rich console: as wide as the terminal or `COLUMNS`, and wide where there is neither."""
    from rich.console import Console

    narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if narrow else PIPE_WIDTH)
