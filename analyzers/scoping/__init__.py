"""Sidecar scoping: which hosts each workload needs, how well that is known, and the manifest that says so."""
