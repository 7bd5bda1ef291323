"""Style sheets and scripts of the components, which lie beside them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def style(name: str) -> str:
    """The shared style sheet followed by that of component `name`."""
    return (_FOLDER / "base.css").read_text("utf-8") + (_FOLDER / f"{name}.css").read_text("utf-8")


@cache
def script(name: str) -> str:
    """The module of component `name`, after what all components share."""
    return (_FOLDER / "base.js").read_text("utf-8") + (_FOLDER / f"{name}.js").read_text("utf-8")
