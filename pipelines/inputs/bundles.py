"""Work units: byte ranges, or queries to a server, that one worker reads one after the other into one set of files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from pipelines.inputs.formats import PROMETHEUS_LIVE
from pipelines.inputs.ranges import RANGE_BYTES, Range
from pipelines.parsers.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Files of one format at most in a bundle; each costs an open and a look at its beginning.
_RANGES: Final = 2000


@dataclass(frozen=True, slots=True)
class LiveQuery:
    """A range query to a Prometheus server: PromQL, first and last moment (seconds since 1970) and step.

    The metric names series that have no name. What a `Range` says of its file it has too, as far as it makes sense.
    """

    address: str
    query: str
    default_metric: str | None
    start_s: int
    end_s: int
    step_s: int
    weight: int = 1

    @property
    def path(self) -> str:
        """The address that answers it, the time left out: the name of the source."""
        return f"{self.address}/api/v1/query_range?{urlencode({'query': self.query, 'step': self.step_s})}"

    @property
    def format(self) -> str:
        """The name of the format."""
        return PROMETHEUS_LIVE

    @property
    def namespace(self) -> None:
        """No one pod wrote it."""

    @property
    def pod(self) -> None:
        """No one pod wrote it."""

    @property
    def modified_us(self) -> int:
        """The last moment asked for."""
        return self.end_s * 1_000_000

    @property
    def context(self) -> Context:
        """What the parser must know."""
        return Context(default_metric=self.default_metric)


Work = Range | LiveQuery


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one worker does at a time. `index` is its number in the batch and names the files it writes."""

    index: int
    work: tuple[Work, ...]

    @property
    def weight(self) -> int:
        """Bytes of input, about."""
        return sum(work.weight for work in self.work)


def pack(work: Iterable[Work], bundle_bytes: int = RANGE_BYTES) -> list[Bundle]:
    """Pack work into bundles of about `bundle_bytes`, small files together, order kept, one format a bundle."""
    by_format: dict[str, list[Work]] = {}
    for unit in work:
        by_format.setdefault(unit.format, []).append(unit)
    bundles: list[Bundle] = []
    for units in by_format.values():
        held: list[Work] = []
        size = 0
        for unit in units:
            if held and (size + unit.weight > bundle_bytes or len(held) >= _RANGES):
                bundles.append(Bundle(len(bundles), tuple(held)))
                held, size = [], 0
            held.append(unit)
            size += unit.weight
        bundles.append(Bundle(len(bundles), tuple(held)))
    return bundles


def encode(bundle: Bundle) -> bytes:
    """A bundle as JSON: the same bytes for the same bundle, whatever the Python."""
    work = [{"kind": type(unit).__name__, **asdict(unit)} for unit in bundle.work]
    return json.dumps({"index": bundle.index, "work": work}).encode()


def decode(data: bytes) -> Bundle:
    """The bundle that `encode` gave."""
    value = json.loads(data)
    return Bundle(value["index"], tuple(_unit(unit) for unit in value["work"]))


def _unit(value: Mapping[str, object]) -> Work:
    fields = {name: field for name, field in value.items() if name != "kind"}
    if value["kind"] != "Range":
        return LiveQuery(**fields)  # type: ignore[arg-type]  # JSON we wrote ourselves; a wrong key fails here
    context = Context(**value["context"])  # type: ignore[arg-type]  # as above
    return Range(**fields | {"context": context})  # type: ignore[arg-type]  # JSON we wrote ourselves; a wrong key fails here
