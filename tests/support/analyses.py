"""What one analyzer finds in calls and other rows written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.framework.analyzer import Options
from analyzers.framework.registry import load
from tests.support.calls import session_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.framework.finding import Finding


def found(
    analyzer: str,
    calls: Iterable[Mapping[str, object]],
    options: Options | None = None,
    **tables: Iterable[Mapping[str, object]],
) -> list[Finding]:
    """The findings of the analyzer over these calls, with the rows of other relations by name."""
    (asked,) = load(analyzer)
    with session_of(calls, **tables) as session:
        return list(asked.run(session, options or Options()))
