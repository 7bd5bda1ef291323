"""Ingest: sources, parsers, Beam jobs and the lake. Knows nothing of analyzers or dashboards."""
