"""Which pod wrote a log file, where its path or the user says so. Anything else is resolved when read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME: Final = r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"
_NAMESPACE: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_UID: Final = r"(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
#: The kubelet's folder of a pod, `/var/log/pods/NAMESPACE_POD_UID`. A static pod's UID is a bare hash.
_POD_FOLDER: Final = re.compile(rf"(?P<namespace>{_NAMESPACE})_(?P<pod>{_NAME})_{_UID}")
#: The kubelet's link to a container's log, `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`.
_CONTAINER_LINK: Final = re.compile(rf"(?P<pod>{_NAME})_(?P<namespace>{_NAMESPACE})_{_NAMESPACE}-[0-9a-f]{{64}}\.log")
_POD: Final = re.compile(rf"(?P<namespace>{_NAMESPACE})/(?P<pod>{_NAME})")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod by namespace and name."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class PodRules:
    """What the user said: `pod` wrote every log; `by_glob` pairs of a path pattern and a pod come before it."""

    pod: Pod | None = None
    by_glob: tuple[tuple[str, Pod], ...] = ()


def pod_rules(pod: str | None, maps: Iterable[str]) -> PodRules:
    """Rules from `--pod NS/POD` and `--map GLOB=NS/POD`. Raises ValueError with the correct spelling."""
    by_glob: list[tuple[str, Pod]] = []
    for rule in maps:
        pattern, _, name = rule.rpartition("=")
        if not pattern:
            raise ValueError(f"--map {rule}: write GLOB=NAMESPACE/POD, e.g. --map 'logs/a*/*.log=shop/cart-0'")
        by_glob.append((pattern, _pod(name, f"--map {rule}")))
    return PodRules(None if pod is None else _pod(pod, f"--pod {pod}"), tuple(by_glob))


def pod_of_path(path: str, rules: PodRules | None = None, target: str | None = None) -> Pod | None:
    """The pod that wrote the log at `path` (`target`: what it links to), or None where nothing says so.

    A pattern matches the whole path, or its end from a folder on.
    """
    rules = rules or PodRules()
    for pattern, pod in rules.by_glob:
        if fnmatchcase(path, pattern) or fnmatchcase(path, f"*/{pattern.removeprefix('./')}"):
            return pod
    if rules.pod is not None:
        return rules.pod
    for name in (path, target):
        for part in reversed(PurePath((name or "").replace("!", "/")).parts):
            match = _POD_FOLDER.fullmatch(part) or _CONTAINER_LINK.fullmatch(part)
            if match is not None:
                return Pod(match["namespace"], match["pod"])
    return None


def _pod(text: str, option: str) -> Pod:
    match = _POD.fullmatch(text)
    if match is None:
        raise ValueError(f"{option}: {text!r} is no NAMESPACE/POD, e.g. shop/cart-5f8d7c9b4-x2x9k")
    return Pod(match["namespace"], match["pod"])
