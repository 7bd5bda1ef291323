"""Parsers: pure functions from the bytes of a chunk to Arrow rows and rejects. No IO, no clock, no state."""
