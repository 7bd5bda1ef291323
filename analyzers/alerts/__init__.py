"""Edges that behave otherwise than in their own recent past."""
