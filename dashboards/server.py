"""Serves the dashboard: one Streamlit server on one address, quiet, without telemetry, ready when it says so."""

from __future__ import annotations

import os
import socket
import sys
import threading
import webbrowser
from contextlib import closing
from importlib import import_module
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Final
from urllib.error import URLError
from urllib.request import urlopen

from dashboards import lake_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

APP: Final = Path(__file__).parent / "entry" / "app.py"

#: Streamlit's settings. Nothing watches files, nothing is sent anywhere, errors show no source code to visitors.
SETTINGS: Final[Mapping[str, object]] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "type",
    "client.showErrorLinks": False,
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "theme.headingFontSizes": ["1.75rem", "1.25rem", "1.1rem"],
    "theme.headingFontWeights": [650, 600, 600],
    "theme.metricValueFontSize": "1.4rem",
    "theme.baseRadius": "0.4rem",
    "theme.paddingTop": "1rem",
    "theme.light.primaryColor": "#2b6cb0",
    "theme.dark.primaryColor": "#6aa9e9",
}

#: What drawing a page imports, Streamlit's own needs included.
_NEEDED: Final = (
    "pandas",
    "PIL.Image",
    "networkx",
    "pyarrow.dataset",
    "pipelines.lake.session",
    "dashboards.navigation",
)

_READY_WITHIN_SECONDS: Final = 60


class PortTakenError(RuntimeError):
    """Another program listens on the address."""


def serve(lake: str, host: str, port: int, *, ready: Callable[[str], None], open_browser: bool) -> None:
    """Serve until interrupted.

    Args:
        lake: The lake's address.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        ready: Called with the URL once the server answers.
        open_browser: Open the URL in a browser where there is a screen.

    Raises:
        PortTakenError: the port is taken.
    """
    from streamlit.web import bootstrap

    port = _free(host, port)
    os.environ[lake_address.VARIABLE] = lake
    flags = {name.replace(".", "_"): value for name, value in SETTINGS.items()}
    flags |= {"server_address": host, "server_port": port}
    url = f"http://{_reachable(host)}:{port}"
    threading.Thread(target=_announce, args=(url, ready), kwargs={"open_browser": open_browser}, daemon=True).start()
    _warm_up()
    bootstrap.load_config_options(flag_options=flags)
    bootstrap.run(str(APP), is_hello=False, args=[], flag_options=flags)


def _free(host: str, port: int) -> int:
    """`port` if nobody listens there, or a free one for 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port"
            ) from error
        return int(probe.getsockname()[1])


def _reachable(host: str) -> str:
    """`host` as a browser on this machine writes it."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared with, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _warm_up() -> None:
    """Import what the pages need, so that the first visitor does not wait for it."""
    for name in _NEEDED:
        import_module(name)


def _announce(url: str, ready: Callable[[str], None], *, open_browser: bool) -> None:
    for _ in range(_READY_WITHIN_SECONDS * 10):
        try:
            with urlopen(f"{url}/_stcore/health", timeout=1) as answer:  # noqa: S310 - our own http address
                if answer.status == 200:
                    break
        except (URLError, OSError):
            sleep(0.1)
    ready(url)
    if open_browser and _has_screen():
        webbrowser.open(url)


def _has_screen() -> bool:
    """Whether a browser would have somewhere to appear; without one a text browser might take the terminal."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
