"""`meshlens dashboard`: the lake in a browser."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from meshlens.exits import fail
from meshlens.options import DEFAULT_LAKE, LakeOption


def dashboard(
    lake: LakeOption = DEFAULT_LAKE,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes a free one.")] = 8501,
    host: Annotated[
        str,
        typer.Option(help="The address to listen on. The pages have no log-in: whoever reaches it reads the lake."),
    ] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,  # noqa: FBT002 - typer makes it an option, nobody calls it
) -> None:
    """Serve the dashboard until interrupted; its URL is printed once it answers."""
    from dashboards.server import PortTakenError, serve

    result = sys.stdout
    try:
        with redirect_stdout(sys.stderr):  # what Streamlit has to say is no result
            serve(lake, host, port, ready=lambda url: print(url, file=result, flush=True), open_browser=not no_browser)
    except PortTakenError as error:
        fail(str(error))
