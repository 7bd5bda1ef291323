"""exportTo: which namespaces see an object.

Source: istio/istio `pilot/pkg/model/push_context.go` (initServiceRegistry, initVirtualServices): `*` wins over all,
then `~` (nobody); of the mesh's defaults only `.` and `*` are honoured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERYWHERE: Final = "*"
HERE: Final = "."
NOBODY: Final = "~"

_ALL: Final = frozenset({EVERYWHERE})
_NONE: Final[frozenset[str]] = frozenset()


def exported_to(stated: Sequence[str], namespace: str, default: Sequence[str] = (EVERYWHERE,)) -> frozenset[str]:
    """The namespaces that see an object of `namespace` that states this exportTo; `*` for all, empty for none."""
    if not stated:
        if HERE in default:
            return frozenset({namespace})
        return _ALL if EVERYWHERE in default else _NONE
    if EVERYWHERE in stated:
        return _ALL
    if NOBODY in stated:
        return _NONE
    return frozenset(namespace if scope == HERE else scope for scope in stated)
