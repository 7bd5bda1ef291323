from __future__ import annotations

from datetime import UTC, datetime

from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_watch
from tests.parsers.mesh_objects import as_json, pod


def test_managed_fields_are_dropped_and_tell_the_time() -> None:
    fields = [{"time": "2026-01-02T03:04:05Z"}, {"time": "2026-02-02T03:04:05Z"}, {"time": "junk"}, {}]
    [row] = parse_kubernetes_json(as_json(pod("a", managedFields=fields)), 0).accepted.to_pylist()
    assert (row["observed_at"], row["observed_at_exact"]) == (datetime(2026, 2, 2, 3, 4, 5, tzinfo=UTC), True)
    assert "managedFields" not in row["object_json"]


def test_watch_events() -> None:
    fields = [{"time": "2026-01-02T03:04:05Z"}]
    lines = [
        {"type": "ADDED", "object": pod("a"), "observed_at": "2026-01-01T00:00:00.123456789+01:00"},
        {"type": "MODIFIED", "object": pod("b", managedFields=fields)},
        {"type": "DELETED", "object": pod("c", managedFields=fields)},
        {"type": "DELETED", "object": pod("d", deletionTimestamp="2026-03-03T00:00:00Z")},
        {"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}}},
        {"type": "ERROR", "object": {"kind": "Status", "message": "too old resource version", "code": 410}},
        {"type": "RENAMED", "object": pod("e")},
        {"type": "ADDED", "object": pod("f"), "observed_at": "yesterday"},
        {"type": "ADDED", "object": {"kind": "Pod"}},
    ]
    texts = [as_json(line) for line in lines]
    parsed = parse_kubernetes_watch(b"\n".join(texts) + b'\n\n{"type":"ADD', 20)
    rows = parsed.accepted.to_pylist()
    assert [(row["name"], row["event"], row["observed_at"], row["observed_at_exact"]) for row in rows] == [
        ("a", "ADDED", datetime(2025, 12, 31, 23, 0, 0, 123456, tzinfo=UTC), True),
        ("b", "MODIFIED", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), True),
        ("c", "DELETED", None, False),
        ("d", "DELETED", datetime(2026, 3, 3, tzinfo=UTC), False),
    ]
    assert rows[1]["source_offset"] == 20 + len(texts[0]) + 1
    reasons = parsed.rejected["reason"].to_pylist()
    expected = ["too old resource version", "'RENAMED'", "'yesterday'", "no apiVersion", "not JSON"]
    assert all(part in reason for part, reason in zip(expected, reasons, strict=True))
