"""Text access-log lines that are plainly of a known format, read by compiled code, a block and a column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.blocks import BLOCK_LINES
from pipelines.parsers.dictionary_texts import DictionaryTexts
from pipelines.parsers.lines import MAX_RECORD_BYTES
from pipelines.parsers.scan.columns import read_numbers, read_times
from pipelines.parsers.scan.json_lines import PLAIN
from pipelines.parsers.scan.text_kinds import check_kinds
from pipelines.parsers.scan.text_lines import match_fields
from pipelines.parsers.text_fields import strip_cluster_delimiter
from pipelines.parsers.value_columns import Values, integers, texts_of, timestamps
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.istio_text_scan import ScanPlan
    from pipelines.parsers.lines import Lines

#: Columns whose texts hardly ever come twice.
_DISTINCT: Final = frozenset({"request_id", "upstream_local_address", "downstream_remote_address"})


class Finder:
    """Finds the values of lines that have a plan's structure."""

    def __init__(self, plan: ScanPlan, most_lines: int) -> None:
        self._stops = plan.stops
        self._literals, self._literal_offsets = plan.packed()
        shape = (len(plan.columns), most_lines)
        self._starts, self._ends = np.empty(shape, np.int32), np.empty(shape, np.int32)
        self._kinds = np.full(shape, PLAIN, np.uint8)

    def find(self, lines: Lines) -> tuple[Values, NDArray[np.bool_]]:
        """The values, until lines are looked at again, and which lines have them."""
        matched = np.empty(len(lines), np.uint8)
        data = lines.bytes_array()
        count = match_fields(
            data,
            lines.starts,
            lines.ends,
            self._literals,
            self._literal_offsets,
            self._stops,
            MAX_RECORD_BYTES,
            self._starts,
            self._ends,
            matched,
        )
        found = Values(data, self._starts[:, :count], self._ends[:, :count], self._kinds[:, :count])
        return found, matched.view(np.bool_)


class TextReader:
    """Reads the lines of a chunk that fit a plan, and keeps their rows."""

    def __init__(self, plan: ScanPlan) -> None:
        self._plan = plan
        self._finder = Finder(plan, BLOCK_LINES)
        self._time = plan.columns.index("start_time")
        self._offsets: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        kinds = [ACCESS_LOG_FIELDS.field(name).type for name in plan.columns]
        texts = [place for place, kind in enumerate(kinds) if kind == pa.string()]
        self._encoded = [place for place in texts if plan.columns[place] not in _DISTINCT]
        self._dictionaries = DictionaryTexts(self._encoded)
        self._plain: dict[int, list[pa.Array]] = {place: [] for place in texts if plan.columns[place] in _DISTINCT}
        self._numbers = [place for place, kind in enumerate(kinds) if pa.types.is_integer(kind)]
        self._counts = [np.empty((len(self._numbers), 0), np.int64)]
        self._there = [np.empty((len(self._numbers), 0), np.bool_)]
        self._moments = [np.empty(0, np.int64)]

    def read(self, lines: Lines) -> NDArray[np.bool_]:
        """Keep the rows of the lines that fit, and say which those are."""
        values, fits = self._finder.find(lines)
        data, count = values.data, values.starts.shape[1]
        moments, bad = np.empty(count, np.int64), np.zeros(count, np.uint8)
        check_kinds(data, self._plan.kinds, values.starts, values.ends, bad)
        read_times(data, values.starts[self._time], values.ends[self._time], values.kinds[self._time], moments, bad)
        if bad.any():
            good = bad == 0
            fits[np.flatnonzero(fits)[~good]] = False
            moments = moments[good]
            values = Values(data, values.starts[:, good], values.ends[:, good], values.kinds[:, good])
        self._keep(values, moments)
        self._offsets.append(lines.offset + lines.starts[fits])
        return fits

    def _keep(self, values: Values, moments: NDArray[np.int64]) -> None:
        self._dictionaries.add(values)
        for place, texts in self._plain.items():
            texts.append(texts_of(values, place, keep_dash=False))
        shape = (len(self._numbers), len(moments))
        counts, there = np.empty(shape, np.int64), np.empty(shape, np.bool_)
        read_numbers(values.data, np.array(self._numbers), values.starts, values.ends, counts, there)
        self._counts.append(counts)
        self._there.append(there)
        self._moments.append(moments)

    def table(self) -> pa.Table:
        """`source_offset` and a column each; those of text may have a dictionary."""
        columns = dict(zip(self._encoded, self._dictionaries.finish(), strict=True))
        columns |= {place: pa.chunked_array(texts, pa.string()) for place, texts in self._plain.items()}
        counts, there = np.concatenate(self._counts, axis=1), np.concatenate(self._there, axis=1)
        for row, place in enumerate(self._numbers):
            kind = ACCESS_LOG_FIELDS.field(self._plan.columns[place]).type
            columns[place] = integers(counts[row], ~there[row], kind)
        columns[self._time] = timestamps(np.concatenate(self._moments))
        cluster = self._plan.columns.index("upstream_cluster")
        columns[cluster] = _stripped(columns[cluster])
        arrays = [columns[place] for place in range(len(self._plan.columns))]
        return pa.table([pa.array(np.concatenate(self._offsets)), *arrays], ["source_offset", *self._plan.columns])


def _stripped(clusters: pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices, strip_cluster_delimiter(chunk.dictionary))
        if pa.types.is_dictionary(chunk.type)
        else strip_cluster_delimiter(chunk)
        for chunk in clusters.chunks
    ]
    return pa.chunked_array(chunks, clusters.type)
