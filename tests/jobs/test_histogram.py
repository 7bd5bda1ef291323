"""Quantiles of the log histogram against exact ones, in numpy and in SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.histogram import RELATIVE_ACCURACY, bucket_index, bucket_value

MACROS = Path(__file__).parents[2] / "sql" / "macros"
QUANTILES = (0.0, 0.5, 0.9, 0.95, 0.99, 1.0)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("bucket", "value", "quantile", "merge"):
        connection.execute((MACROS / f"histogram_{name}.sql").read_text())
    return connection


def durations(seed: int) -> npt.NDArray[np.int64]:
    random = np.random.default_rng(seed)
    body = np.exp(random.normal(2.5, 1.5, 5000)).astype(np.int64)
    return np.concatenate([body, np.zeros(50, np.int64), random.integers(10_000, 3_600_000, 40)])


def exact(values: npt.NDArray[np.int64], quantile: float) -> int:
    return int(np.quantile(values, quantile, method="inverted_cdf"))


@given(st.lists(st.integers(min_value=1, max_value=2**53), min_size=1))
def test_every_value_is_within_one_percent_of_its_bucket(values: list[int]) -> None:
    array = np.array(values, np.int64)
    estimate = bucket_value(bucket_index(array))
    assert np.all(np.abs(estimate - array) <= array * RELATIVE_ACCURACY * (1 + 1e-9))


def test_zero_is_exact_and_buckets_are_in_order() -> None:
    array = np.array([0, 1, 2, 3, 1000, 2**62], np.int64)
    index = bucket_index(array)
    assert index.dtype == np.int32
    assert index[0] == 0
    assert bucket_value(index)[0] == 0.0
    assert np.all(np.diff(index) > 0)


def test_sql_buckets_and_values_equal_numpy(connection: duckdb.DuckDBPyConnection) -> None:
    values = np.unique(durations(1))
    rows = connection.execute(
        "SELECT latency_bucket(v), latency_value(latency_bucket(v)) FROM unnest($values) AS t(v) ORDER BY v",
        {"values": values.tolist()},
    ).fetchall()
    index = bucket_index(values)
    assert [bucket for bucket, _ in rows] == index.tolist()
    assert [value for _, value in rows] == pytest.approx(bucket_value(index).tolist())
    assert connection.execute("SELECT latency_bucket(NULL), latency_value(NULL)").fetchone() == (None, None)


def test_sql_quantiles_of_merged_rows_are_within_two_percent(connection: duckdb.DuckDBPyConnection) -> None:
    groups = [durations(seed) for seed in (2, 3, 4)]
    connection.execute("CREATE OR REPLACE TEMP TABLE h (latency_bucket INT[], latency_count BIGINT[])")
    for group in groups:
        buckets, counts = np.unique(bucket_index(group), return_counts=True)
        connection.execute("INSERT INTO h VALUES ($b, $c)", {"b": buckets.tolist(), "c": counts.tolist()})
    values = np.concatenate(groups)
    for quantile in QUANTILES:
        merged, flat = connection.execute(
            """SELECT latency_quantile(m.bucket, m.count, $q), latency_quantile(b, c, $q) FROM (
                 SELECT latency_merge(list(latency_bucket), list(latency_count)) AS m,
                        flatten(list(latency_bucket)) AS b, flatten(list(latency_count)) AS c FROM h)""",
            {"q": quantile},
        ).fetchall()[0]
        assert merged == flat
        assert merged == pytest.approx(exact(values, quantile), rel=0.02)


def test_sql_quantile_of_nothing_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute(
        "SELECT latency_quantile([]::INT[], []::BIGINT[], 0.5), latency_quantile(NULL::INT[], NULL::BIGINT[], 0.5)"
    ).fetchone()
    assert row == (None, None)
