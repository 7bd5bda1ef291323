"""An index by host pattern: what covers a host, the most specific first, without looking at every pattern.

Patterns are a name, `*.suffix` or `*`, as Istio's validation allows. Source: istio/istio `pkg/config/host/name.go` and
`MostSpecificHostMatch` in `pilot/pkg/model/config.go`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


class HostIndex(Generic[Item]):
    """Items by pattern. Of one pattern they keep the order in which they were given."""

    def __init__(self, pairs: Iterable[tuple[str, Item]]) -> None:
        by_pattern: defaultdict[str, list[Item]] = defaultdict(list)
        for pattern, item in pairs:
            by_pattern[pattern].append(item)
        self._by_pattern = {pattern: tuple(items) for pattern, items in by_pattern.items()}
        self._by_suffix: dict[str, list[str]] | None = None

    def of(self, pattern: str) -> tuple[Item, ...]:
        """The items of exactly this pattern."""
        return self._by_pattern.get(pattern, ())

    def covering(self, host: str) -> Iterator[tuple[str, tuple[Item, ...]]]:
        """Pattern and items of every pattern that takes in `host` (a name or a pattern), the most specific first."""
        for pattern in _patterns(host):
            found = self._by_pattern.get(pattern)
            if found is not None:
                yield pattern, found

    def best(self, host: str) -> tuple[Item, ...]:
        """The items of the most specific pattern that takes in `host`."""
        return next((items for _, items in self.covering(host)), ())

    def covered_by(self, pattern: str) -> Iterator[tuple[str, tuple[Item, ...]]]:
        """Pattern and items of everything that `pattern` takes in, itself included."""
        if not pattern.startswith("*"):
            if pattern in self._by_pattern:
                yield pattern, self._by_pattern[pattern]
            return
        for known in self._suffixes().get(pattern[1:], ()):
            yield known, self._by_pattern[known]

    def overlapping(self, pattern: str) -> Iterator[tuple[str, tuple[Item, ...]]]:
        """Pattern and items of everything that shares a host with `pattern`."""
        yield from self.covered_by(pattern)
        for known, items in self.covering(pattern):
            if known != pattern:
                yield known, items

    def values(self) -> Iterator[Item]:
        """Every item."""
        for items in self._by_pattern.values():
            yield from items

    def _suffixes(self) -> dict[str, list[str]]:
        if self._by_suffix is None:
            found: defaultdict[str, list[str]] = defaultdict(list)
            for pattern in self._by_pattern:
                for wildcard in _patterns(pattern):
                    if wildcard.startswith("*"):
                        found[wildcard[1:]].append(pattern)
            self._by_suffix = dict(found)
        return self._by_suffix


def _patterns(host: str) -> Iterator[str]:
    """The host itself, then the wildcards that take it in, longest first."""
    yield host
    place = host.find(".", 2 if host.startswith("*.") else 0)
    while place >= 0:
        yield f"*{host[place:]}"
        place = host.find(".", place + 1)
    if host != "*":
        yield "*"
