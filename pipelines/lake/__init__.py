"""The lake: Delta tables that the driver commits to and DuckDB reads."""
