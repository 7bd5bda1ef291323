"""JSON access-log lines read one at a time: any keys, nested objects, any JSON that Envoy or a shipper may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from pipelines.parsers.limits import MAX_DEPTH
from pipelines.parsers.lines import MAX_RECORD_BYTES, TOO_LONG
from pipelines.parsers.log_layout import members, read_record
from pipelines.parsers.log_values import InvalidRecordError
from pipelines.parsers.result import accepted_schema
from pipelines.parsers.row_batches import RowBatches
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from pipelines.parsers.lines import Lines
    from pipelines.parsers.log_layout import Layout

SCHEMA = accepted_schema(ACCESS_LOG_FIELDS)
_PREFIX = "not Istio's JSON access log: "
_DECODER = msgspec.json.Decoder()


def read_singly(lines: Lines, layout: Layout) -> tuple[pa.Table, pa.Array]:
    """The lines that are records (`source_offset`, `ACCESS_LOG_FIELDS`), and a reason for each line, "" for those.

    Of two members of an object with one key the last counts.
    """
    rows = RowBatches(SCHEMA)
    reasons = ["" for _ in range(len(lines))]
    for index, (start, end) in enumerate(zip(lines.starts.tolist(), lines.ends.tolist(), strict=True)):
        try:
            value = _decode(lines.data[start:end])
            row = read_record(members(value), layout).row(lines.offset + start)
        except InvalidRecordError as error:
            reasons[index] = str(error) if str(error).startswith(("not JSON", TOO_LONG)) else f"{_PREFIX}{error}"
        else:
            rows.append(row, end - start)
    return rows.table(), pa.array(reasons, pa.string())


def _decode(line: memoryview) -> dict[str, object]:
    if len(line) > MAX_RECORD_BYTES:
        raise InvalidRecordError(TOO_LONG)
    try:
        value: object = _DECODER.decode(str(line, "utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidRecordError(f"not valid UTF-8 (byte {error.start} of the line)") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidRecordError(f"not JSON: {error}") from None
    except RecursionError:
        raise InvalidRecordError(f"nested too deep, over {MAX_DEPTH} levels") from None
    if not isinstance(value, dict):
        raise InvalidRecordError("not an object")
    return value
