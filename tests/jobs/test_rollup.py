"""Rollups against the same question asked of the lines in SQL, and merging parts against doing it at once."""

from __future__ import annotations

import itertools

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.generated_logs import generate_logs
from pipelines.histogram import bucket_index
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.merged_rows import stacked
from pipelines.sql_files import statement
from pipelines.transforms.rollup import ROLLUP_SCHEMA, merge, roll_up
from pipelines.transforms.rows import table_rows
from tests.support.log_lines import START, text_line


def lines_of(text: bytes, source: str = "/logs/a") -> pa.Table:
    parsed = parse_istio_text(text, 0)
    return table_rows(parsed.accepted, "istio_text", source, ("shop", "cart-0"), 0)


@pytest.fixture(scope="module")
def lines() -> pa.Table:
    text = generate_logs(20_000, seed=3).text
    return stacked([lines_of(text), lines_of(text[: text.index(b"\n", 500_000) + 1], "/logs/b")])


def in_order(rollup: pa.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = rollup.to_pylist()
    return sorted(rows, key=lambda row: str([row[name] for name in ROLLUP_SCHEMA.names[:12]]))


def test_keys_are_unique_and_sums_are_those_of_the_lines(lines: pa.Table) -> None:
    rollup = roll_up(lines)
    assert rollup.schema == ROLLUP_SCHEMA
    keys = rollup.select(ROLLUP_SCHEMA.names[:12])
    assert keys.group_by(keys.column_names).aggregate([]).num_rows == rollup.num_rows
    assert pc.sum(rollup["calls"]).as_py() == lines.num_rows
    for total, column in (("bytes_sent", "bytes_sent"), ("duration_ms_sum", "duration_ms")):
        assert pc.sum(rollup[total]).as_py() == pc.sum(lines[column]).as_py()
    buckets, counts = np.unique(bucket_index(lines["duration_ms"].to_numpy()), return_counts=True)
    found = (
        duckdb.connect()
        .execute(
            """SELECT bucket, sum(count)::BIGINT
           FROM (SELECT unnest(latency_bucket) AS bucket, unnest(latency_count) AS count FROM rollup)
           GROUP BY ALL ORDER BY 1"""
        )
        .fetchall()
    )
    assert found == list(zip(buckets.tolist(), counts.tolist(), strict=True))


def test_the_same_as_grouping_in_sql(lines: pa.Table) -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(statement("address_ip").text)
    connection.register("lines", lines)
    expected = connection.sql(
        r"""
        WITH sided AS (
            SELECT *,
                CASE
                    WHEN upstream_cluster LIKE 'inbound|%' THEN 'destination'
                    WHEN upstream_cluster LIKE 'InboundPassthrough%' THEN 'destination'
                    WHEN upstream_cluster LIKE 'outbound|%' THEN 'source'
                    WHEN upstream_cluster IN ('PassthroughCluster', 'BlackHoleCluster') THEN 'source'
                    WHEN upstream_cluster IS NULL AND starts_with(requested_server_name, 'outbound_.')
                        THEN 'destination'
                    ELSE 'unknown'
                END AS reporter,
                coalesce(upstream_cluster LIKE 'outbound|%|%|_%', false) AS is_named,
                coalesce(starts_with(requested_server_name, 'outbound_.'), false) AS by_peer,
                method IS NOT NULL OR lines.protocol IS NOT NULL OR coalesce(response_code, 0) > 0 AS is_http
            FROM lines)
        SELECT
            date_trunc('minute', start_time) AS minute, source, reporter, upstream_cluster,
            CASE WHEN NOT is_named AND NOT by_peer THEN authority END AS authority,
            CASE WHEN NOT is_named THEN requested_server_name END AS requested_server_name,
            CASE
                WHEN reporter <> 'source' THEN address_ip(downstream_remote_address)
                WHEN NOT is_named THEN address_ip(upstream_host)
            END AS peer_address,
            CASE WHEN is_http THEN 'http' ELSE 'tcp' END AS protocol,
            CASE WHEN NOT is_http THEN 'none' WHEN coalesce(response_code, 0) = 0 THEN '0'
                 ELSE (response_code // 100) || 'xx' END AS code_class,
            response_flags, count(*) AS calls, sum(bytes_received)::BIGINT AS bytes_received
        FROM sided GROUP BY ALL"""
    ).fetchall()
    names = "minute source reporter upstream_cluster authority requested_server_name peer_address protocol code_class"
    columns = [*names.split(), "response_flags", "calls", "bytes_received"]
    connection.register("rollup", roll_up(lines))
    found = connection.sql(f"SELECT {', '.join(columns)} FROM rollup").fetchall()
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_merging_parts_is_doing_it_at_once(lines: pa.Table) -> None:
    whole = roll_up(lines)
    cuts = [0, 1, 777, 9_000, 9_001, lines.num_rows]
    parts = [roll_up(lines.slice(begin, end - begin)) for begin, end in itertools.pairwise(cuts)]
    assert in_order(merge(pa.concat_tables(parts))) == in_order(whole)
    assert merge(pa.concat_tables([whole])).equals(whole)
    assert roll_up(lines.slice(0, 0)).num_rows == merge(ROLLUP_SCHEMA.empty_table()).num_rows == 0


def test_a_duration_that_is_unknown_is_not_in_the_histogram() -> None:
    rows = lines_of(text_line(0) + text_line(1, duration_ms=0))
    position = rows.schema.get_field_index("duration_ms")
    rows = rows.set_column(position, "duration_ms", pa.array([None, 0], pa.int64()))
    (row,) = roll_up(rows).to_pylist()
    assert (row["calls"], row["latency_bucket"], row["latency_count"], row["duration_ms_sum"]) == (2, [0], [1], 0)
    assert row["minute"] == START


def test_keys_beyond_sixty_three_bits_still_differ() -> None:
    rows = lines_of(b"".join(text_line(number) for number in range(400)))
    distinct = pa.array([f"value-{number}" for number in range(400)])
    for name in ("source", "upstream_cluster", "authority", "requested_server_name", "response_flags", "reporter_pod"):
        rows = rows.set_column(rows.schema.get_field_index(name), name, distinct)
    rows = rows.append_column("reporter_extra", distinct).drop_columns(["reporter_extra"])
    assert roll_up(rows).num_rows == 400
