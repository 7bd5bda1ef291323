"""Options that every command spells alike."""

from __future__ import annotations

from typing import Annotated

import typer

LakeOption = Annotated[
    str,
    typer.Option(
        "--lake",
        envvar="MESHLENS_LAKE",
        help="The lake: a folder or an object-storage address.",
        show_default=True,
    ),
]
DEFAULT_LAKE = "lake"
