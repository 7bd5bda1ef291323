"""What can go wrong with a lake, said so that a user knows what to do next."""

from __future__ import annotations


class LakeError(RuntimeError):
    """A lake cannot be read or written; the message names it, the reason and the next step."""


class NoLakeError(LakeError):
    """There is no lake at this address."""


class NewerLakeError(LakeError):
    """The lake was written by a newer Meshlens than this one."""
