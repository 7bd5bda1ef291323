"""Diagnosis, topology, alerts and scoping, computed from the lake."""
