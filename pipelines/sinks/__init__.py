"""Sinks: rollups and manifests written once the shuffle has brought them together."""
