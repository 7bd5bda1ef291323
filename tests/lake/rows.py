"""Small, real rows for lake tests."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

MOMENT = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


def access_logs(count: int, *, source: str = "app.log", start: dt.datetime = MOMENT, first: int = 0) -> pa.Table:
    """`count` lines of one source, a second apart."""
    return pa.table(
        {
            "source": [source] * count,
            "source_offset": list(range(first, first + count)),
            "format": ["istio_text"] * count,
            "start_time": [start + dt.timedelta(seconds=number) for number in range(count)],
            "method": ["GET"] * count,
            "duration_ms": list(range(count)),
        }
    )


def spans(count: int) -> pa.Table:
    """`count` spans with labels."""
    labels = [("zone", "a"), ("empty", None)]
    return pa.table(
        {
            "source": ["traces.pb"] * count,
            "source_offset": list(range(count)),
            "format": ["otlp_traces"] * count,
            "trace_id": [f"{number:032x}" for number in range(count)],
            "span_id": [f"{number:016x}" for number in range(count)],
            "name": ["GET /"] * count,
            "kind": ["SERVER"] * count,
            "start_time": [MOMENT] * count,
            "end_time": [MOMENT] * count,
            "attributes": pa.array([labels] * count, pa.map_(pa.string(), pa.string())),
        }
    )


def rejects(count: int, run_id: str) -> pa.Table:
    """`count` rejected records."""
    return pa.table(
        {
            "source": ["app.log"] * count,
            "format": ["istio_text"] * count,
            "source_offset": list(range(count)),
            "reason": ["no such field"] * count,
            "raw": [b"\xff"] * count,
            "raw_length": [1] * count,
            "run_id": [run_id] * count,
        }
    )


def sources(position: int, *, source: str = "app.log") -> pa.Table:
    """How far a source was read; the run's id is left to the batch."""
    return pa.table(
        {
            "source": [source],
            "format": ["istio_text"],
            "position": [position],
            "size": [position],
            "head_hash": ["h"],
            "head_length": [16],
            "tail_hash": ["t"],
            "tail_length": [16],
            "read": [position],
            "accepted": [position],
            "rejected": [0],
            "recorded_at": [MOMENT + dt.timedelta(seconds=position)],
        }
    )
