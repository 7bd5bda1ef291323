"""Logs of one pod in two formats most likely record the same requests, which nothing merges yet."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from pipelines.inputs.formats import FORMATS
from pipelines.inputs.path_identity import pod_of_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.inputs.path_identity import PodRules

_NAMED: Final = 3


def double_counts(sources: Iterable[tuple[str, str]], rules: PodRules) -> list[str]:
    """A warning where log files (path, format) of one pod, or one folder, are of more than one format."""
    formats = defaultdict[str, set[str]](set)
    for path, format_name in sources:
        if format_name in FORMATS and FORMATS[format_name].is_log:
            pod = pod_of_path(path, rules)
            place = PurePath(path).parent.name if pod is None else f"{pod.namespace}/{pod.name}"
            formats[place].add(format_name)
    twice = sorted(place for place, kinds in formats.items() if len(kinds) > 1)
    if not twice:
        return []
    kinds = " and ".join(sorted(set().union(*(formats[place] for place in twice))))
    names = ", ".join(twice[:_NAMED]) + (f" and {len(twice) - _NAMED} more" if len(twice) > _NAMED else "")
    return [
        (
            f"logs of {names} are read as {kinds}: where both record the same requests, each is counted twice; "
            "ingest one kind at a time"
        )
    ]
