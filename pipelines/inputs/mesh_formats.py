"""Log formats found in the inputs themselves: what a mesh's configuration says its proxies write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.inputs.opening import open_stream
from pipelines.parsers.mesh_layouts import MARKS, layouts_of

if TYPE_CHECKING:
    from pipelines.inputs.ranges import FilePlan

#: Formats that hold configuration.
CONFIGURATIONS: Final = frozenset({"kubernetes_yaml", "kubernetes_json", "kubernetes_watch", "envoy_config_dump"})
#: Larger files are not searched.
_MOST_BYTES: Final = 64 << 20
_PIECE_BYTES: Final = 4 << 20
_LONGEST_MARK: Final = max(map(len, MARKS))


def formats_in(plan: FilePlan) -> list[str]:
    """The log formats that a file of configuration sets.

    Raises:
        InputError: it cannot be read.
    """
    if plan.format not in CONFIGURATIONS:
        return []
    pieces: list[bytes] = []
    size = 0
    is_marked = False
    with open_stream(plan.file.path, plan.compression) as stream:
        while piece := stream.read(_PIECE_BYTES):
            seam = pieces[-1][-_LONGEST_MARK:] + piece[:_LONGEST_MARK] if pieces else b""
            is_marked = is_marked or any(mark in piece or mark in seam for mark in MARKS)
            pieces.append(piece)
            size += len(piece)
            if size > _MOST_BYTES:
                return []
    if not is_marked:
        return []
    data = b"".join(pieces)
    if plan.format == "kubernetes_watch":
        lines = (line for line in data.splitlines() if any(mark in line for mark in MARKS))
        return list(dict.fromkeys(layout for line in lines for layout in layouts_of(line)))
    return layouts_of(data)
