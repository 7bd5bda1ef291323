"""Beam sources: where work units come from."""
