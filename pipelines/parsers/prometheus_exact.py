"""Lines of a text exposition read one by one, by the exact grammar, into rows and rejects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from pipelines.parsers.lines import MAX_RECORD_BYTES, TOO_LONG
from pipelines.parsers.prometheus_lines import read_sample, read_type, type_of
from pipelines.parsers.result import Reject, accepted_schema
from pipelines.parsers.row_batches import RowBatches
from pipelines.schemas import METRIC_SAMPLE_FIELDS

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.parsers.prometheus_lines import Exemplar, Sample

_SCHEMA: Final = accepted_schema(METRIC_SAMPLE_FIELDS)
_TRACE_LABELS: Final = {"trace_id": "trace_id", "traceID": "trace_id", "span_id": "span_id", "spanID": "span_id"}
_NO_TIME: Final = "a sample without a timestamp, in an input whose own time is not known"


@dataclass(frozen=True, slots=True)
class Family:
    """What the last TYPE line said, for the samples behind it."""

    name: str = ""
    kind: str = "untyped"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What holds for a whole exposition: the unit of timestamps, and the time (microseconds) of samples without one."""

    is_open_metrics: bool
    observed_us: int | None


@dataclass(slots=True)
class ExactReader:
    """Collects what lines say; `rejects` has one entry for each line that cannot be read."""

    dialect: Dialect
    rejects: list[Reject] = field(default_factory=list)
    _rows: RowBatches = field(default_factory=lambda: RowBatches(_SCHEMA))

    def read(self, line: bytes, offset: int, family: Family) -> Family:
        """Take a line without its newline; returns what TYPE line holds for the next."""
        stripped = line.strip(b" \t\r")
        if not stripped:
            return family
        if len(line) > MAX_RECORD_BYTES:
            self.rejects.append(Reject(offset, TOO_LONG, line))
            return Family() if stripped.startswith(b"#") else family
        try:
            if stripped.startswith(b"#"):
                found = read_type(stripped)
                return family if found is None else Family(*found)
            self._append(read_sample(stripped, is_open_metrics=self.dialect.is_open_metrics), line, offset, family)
        except ValueError as error:
            self.rejects.append(Reject(offset, str(error), line))
            return Family() if stripped.startswith(b"#") else family
        return family

    def table(self) -> pa.Table:
        """Every row collected so far."""
        return self._rows.table()

    def _append(self, sample: Sample, line: bytes, offset: int, family: Family) -> None:
        time_us = self.dialect.observed_us if sample.time_us is None else sample.time_us
        if time_us is None:
            raise ValueError(_NO_TIME)
        histogram = None if sample.histogram is None else asdict(sample.histogram)
        exemplars = None if sample.exemplar is None else [exemplar_row(sample.exemplar)]
        kind = type_of(sample.metric, family.name, family.kind)
        row = (offset, sample.metric, sample.labels, time_us, sample.value, kind, histogram, exemplars)
        self._rows.append(row, len(line))


def exemplar_row(exemplar: Exemplar) -> dict[str, object]:
    """An exemplar as a value of `EXEMPLAR`: the trace and span that it names are columns, the rest are labels."""
    named = {_TRACE_LABELS[name]: value for name, value in exemplar.labels.items() if name in _TRACE_LABELS}
    labels = [(name, value) for name, value in exemplar.labels.items() if name not in _TRACE_LABELS]
    return {
        "time": exemplar.time_us,
        "value": exemplar.value,
        "trace_id": named.get("trace_id"),
        "span_id": named.get("span_id"),
        "labels": labels,
    }
