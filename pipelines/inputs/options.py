"""How inputs are planned and read."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.inputs.path_identity import PodRules
from pipelines.inputs.ranges import RANGE_BYTES


@dataclass(frozen=True, slots=True)
class InputOptions:
    """How inputs are planned.

    `quiet_seconds`: a file's last record without an end counts once the file has not changed for so long.
    `limit_bytes`: about how much of one file is taken at once; None for all of it.
    `excluded`: folders that are not looked into (the lake). `layouts`: what access logs may look like beside Istio's
    defaults, format strings or JSON. `cluster`: the name of the cluster that everything is of. `redact`: whether
    credentials are hidden.
    """

    rules: PodRules = field(default_factory=PodRules)
    queries: tuple[str, ...] = ()
    quiet_seconds: float = 1.0
    limit_bytes: int | None = None
    range_bytes: int = RANGE_BYTES
    excluded: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    cluster: str | None = None
    redact: bool = True
