"""Errors of inputs. Every message names the file, what is wrong and what to do next."""

from __future__ import annotations


class InputError(Exception):
    """An input cannot be used; nothing of the batch it belongs to is committed."""


class ChangedError(InputError):
    """A file vanished, shrank or was replaced between planning and reading."""


class DamagedError(InputError):
    """Compressed data that cannot be unpacked any further; what came before it is good."""
