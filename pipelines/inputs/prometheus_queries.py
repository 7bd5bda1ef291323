"""Which metric an answer of Prometheus is about, where its series do not say so: from the query that gave it."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from pipelines.parsers.promql import metric_of_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

QUERIES_FILE: Final = "queries.json"
_MAX_BYTES: Final = 1 << 20
#: `--query answer.json=sum by (le) (foo_bucket)`: a query for one file, told by its name.
_FOR_FILE: Final = re.compile(r"(?P<file>[^\s{}()\[\]=]+\.json(?:\.gz)?)=(?P<query>.+)", re.DOTALL)


class Queries:
    """Queries by answer: what the user said (`--query`), then the `queries.json` beside the answer."""

    def __init__(self, given: Iterable[str] = ()) -> None:
        self._by_file: dict[str, str] = {}
        self.expressions: list[str] = []
        self._folders: dict[Path, Mapping[str, str]] = {}
        for text in given:
            match = _FOR_FILE.fullmatch(text)
            if match is not None:
                self._by_file[match["file"]] = match["query"]
            else:
                self.expressions.append(text)

    def metric_of(self, path: str) -> str | None:
        """The metric that nameless series of the answer at `path` belong to; None where nothing says so."""
        query = self._query_of(PurePath(path))
        return None if query is None else metric_of_query(query)

    def _query_of(self, path: PurePath) -> str | None:
        names = (path.name, path.name.removesuffix(".gz"))
        beside = self._beside(Path(path.parent))
        for known in (self._by_file, beside):
            for name in names:
                if name in known:
                    return known[name]
        # One query without a file name can only be meant for all answers; of several none can be chosen.
        return self.expressions[0] if len(self.expressions) == 1 else None

    def _beside(self, folder: Path) -> Mapping[str, str]:
        if folder not in self._folders:
            self._folders[folder] = _read(folder / QUERIES_FILE)
        return self._folders[folder]


def _read(path: Path) -> Mapping[str, str]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {name: query for name, query in value.items() if isinstance(query, str)}
