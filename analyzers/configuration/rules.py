"""How the checks are to judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """`istio`: reproduce Istio's own analyzers exactly, their known faults included; else be right.

    `namespaces` narrows what is reported (empty: all); `now` is the moment that certificates are judged at.
    """

    istio: bool = False
    namespaces: tuple[str, ...] = ()
    now: datetime | None = None


DEFAULT = Rules()
