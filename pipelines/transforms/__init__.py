"""Transforms: work units to Parquet files and small partial aggregates."""
