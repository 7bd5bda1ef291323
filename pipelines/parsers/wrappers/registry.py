"""The wrappers by name. Several around one another are written from the outside in: `fluent_bit+cri`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.wrappers.container_lines import (
    cri_record_ends,
    docker_record_ends,
    unwrap_cri,
    unwrap_docker,
)
from pipelines.parsers.wrappers.json_records import FIELDS, unwrap_document, unwrap_lines, unwrap_streams
from pipelines.parsers.wrappers.originals import original_rejects
from pipelines.parsers.wrappers.prefixed_lines import unwrap_kubectl, unwrap_stern
from pipelines.parsers.wrappers.unwrapped import Unwrapped, line_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

Unwrap = Callable[["NDArray[np.uint8]"], Unwrapped]


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How a wrapper is taken off.

    `record_ends`: where lines end behind which no record waits for its rest, where a record may be several lines.
    """

    unwrap: Unwrap
    record_ends: Callable[[NDArray[np.uint8]], NDArray[np.int64]] | None = None


_LINES: Final = {name: Wrapper(partial(unwrap_lines, fields=fields)) for name, fields in FIELDS.items()}
_DOCUMENTS: Final = {
    f"{name}_document": Wrapper(partial(unwrap_document, fields=fields)) for name, fields in FIELDS.items()
}

WRAPPERS: Final[dict[str, Wrapper]] = {
    "cri": Wrapper(unwrap_cri, record_ends=cri_record_ends),
    "docker": Wrapper(unwrap_docker, record_ends=docker_record_ends),
    "kubectl": Wrapper(unwrap_kubectl),
    "stern_text": Wrapper(partial(unwrap_stern, words=2)),
    "stern_text_namespaces": Wrapper(partial(unwrap_stern, words=3)),
    **_LINES,
    **_DOCUMENTS,
    "loki_streams": Wrapper(unwrap_streams),
    "cloudwatch_events": Wrapper(partial(unwrap_document, fields=FIELDS["cloudwatch"], holder=b"events")),
    "cloudwatch_subscription": Wrapper(partial(unwrap_document, fields=FIELDS["cloudwatch"], holder=b"logEvents")),
}


def record_ends(wrapper: str, data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where lines end behind which no record waits for its rest."""
    ends = WRAPPERS[wrapper.partition("+")[0]].record_ends
    return line_bounds(data)[1] if ends is None else ends(data)


def unwrap(wrapper: str, data: NDArray[np.uint8]) -> Unwrapped:
    """Take a wrapper, or several from the outside in, off a chunk."""
    outer, _, inner = wrapper.partition("+")
    unwrapped = WRAPPERS[outer].unwrap(data)
    return _inside(unwrapped, unwrap(inner, np.frombuffer(unwrapped.text, np.uint8)), data) if inner else unwrapped


def _inside(outer: Unwrapped, inner: Unwrapped, data: NDArray[np.uint8]) -> Unwrapped:
    """Lines of a wrapper within a wrapper, in terms of the chunk. A line of several parts is at its first one."""
    lines = outer.lines_at(inner.part_begins)
    parts = outer.first_parts(lines)
    firsts = lines if inner.first_part is None else lines[inner.first_part[:-1]]
    rejected = original_rejects(outer, inner.rejected, data)
    return replace(
        inner,
        part_begins=outer.part_begins[parts],
        part_ends=outer.part_ends[parts + outer.part_counts(lines) - 1],
        identity=inner.identity.or_else(outer.identity.take(firsts)),
        rejected=pa.concat_tables([outer.rejected, rejected]).sort_by("source_offset"),
    )
