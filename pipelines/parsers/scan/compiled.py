"""Compilation of the functions that scan bytes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_PARSERS: Final = Path(__file__).parent.parent


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function when it is first called; it runs outside Python's lock, and is kept on disk for next time.

    It must not read past the end of an array: nothing checks that.
    """
    dispatcher = numba.njit(nogil=True, cache=True, boundscheck=False)(function)
    # Numba looks only at the file of the function itself, but what it calls lies in other files and is compiled in.
    # There is no public way to say so.
    kept = dispatcher._cache._cache_file  # type: ignore[attr-defined]  # noqa: SLF001
    kept._source_stamp = sources_digest(_PARSERS)  # noqa: SLF001
    return cast("Callable[P, R]", dispatcher)


@cache
def sources_digest(folder: Path) -> str:
    """A digest of all Python sources below a folder: compiled code is used again only where none of them changed."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
