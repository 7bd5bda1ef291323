"""The shop's lake, once for all tests of the dashboard, and the application over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import lake_address
from dashboards.server import APP
from tests.dashboards.shop_results import make_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: Generous: the first page of a process imports everything, on machines that do other things meanwhile.
TIMEOUT_SECONDS = 120


class Open(Protocol):
    """Runs one page of the application with URL parameters."""

    def __call__(self, page: str, lake: Path | None = None, **parameters: str) -> AppTest: ...


@pytest.fixture(scope="session")
def shop_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of `shop_results`; tests do not write to it."""
    return make_lake(tmp_path_factory.mktemp("dashboards") / "lake")


@pytest.fixture
def open_page(shop_lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a page, over the shop's lake unless another is given."""
    import streamlit as st

    def opened(page: str, lake: Path | None = None, **parameters: str) -> AppTest:
        monkeypatch.setenv(lake_address.VARIABLE, str(lake or shop_lake))
        app = AppTest.from_file(str(APP), default_timeout=TIMEOUT_SECONDS)
        app.query_params.update(parameters)
        app.run()
        if page != "overview":
            app.switch_page(f"../pages/{page}.py")
            app.query_params.update(parameters)
            app.run()
        assert not app.exception, app.exception[0].message
        return app

    yield opened
    st.cache_data.clear()
    st.cache_resource.clear()
