"""An object of one of Istio's API groups, before it has an identity in the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.model import JsonObject


@dataclass(frozen=True, slots=True)
class IstioObject:
    """Kind, place and spec."""

    kind: str
    name: str
    namespace: str
    spec: JsonObject
    group: str = "networking.istio.io"
    version: str = "v1"
