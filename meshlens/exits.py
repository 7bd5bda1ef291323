"""Exit codes, the same whatever the output format, and the one way to stop with an error."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

CLEAN: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
ERROR: Final = 3
SKIPPED: Final = 4


def fail(message: str, code: int = ERROR) -> NoReturn:
    """Print `message` (what failed, why, what to do next) on stderr and exit with `code`."""
    print(f"meshlens: {message}", file=sys.stderr)
    raise SystemExit(code)
