"""Compilation of the functions that scan bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function when it is first called; it runs outside Python's lock, and is kept on disk for next time.

    It must not read past the end of an array: nothing checks that.
    """
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True, boundscheck=False)(function))
