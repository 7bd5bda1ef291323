"""Whatever the lake holds is shown, never read as markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dashboards.models import formats
from tests.dashboards import shop, shop_results

if TYPE_CHECKING:
    from tests.dashboards.conftest import Open

#: A tag, an image or a link that no backslash takes its meaning from.
LIVE_MARKUP = re.compile(r"(?<!\\)<\s*/?(img|script|b)\b|(?<!\\)!\[|(?<!\\)\]\(")


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("overview", {}),
        ("topology", {"edge": f"shop/cart > {shop.PAYMENTS.host} http"}),
        ("findings", {"finding": shop_results.HOSTILE_FINGERPRINT}),
        ("findings", {"finding": shop.HOSTILE_NAME}),
        ("traces", {"trace": shop.trace_id(50), "span": "0000003200000003"}),
        ("traces", {"trace": shop.HOSTILE_PATH}),
        ("alerts", {"alert": shop.HOSTILE_NAME}),
        ("scoping", {"workload": shop.HOSTILE_NAME}),
        ("data", {"source_file": shop.HOSTILE_PATH}),
        ("topology", {"node": shop.HOSTILE_AGENT, "link": shop.HOSTILE_AGENT}),
    ],
)
def test_no_element_reads_data_as_markup(open_page: Open, page: str, parameters: dict[str, str]) -> None:
    app = open_page(page, None, **parameters)
    markdown = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.header]
    assert markdown
    for element in markdown:
        assert not getattr(element, "allow_html", False), element.value
        assert not LIVE_MARKUP.search(element.value), element.value
    for element in (*app.info, *app.warning, *app.error):
        assert not LIVE_MARKUP.search(element.value), element.value
    for element in app.get("bidi_component"):
        assert element.proto.html_content == '<div class="ml"></div>'
    assert not app.get("html")
    assert not app.get("iframe")


@pytest.mark.parametrize("text", [shop.HOSTILE_AGENT, shop.HOSTILE_PATH, shop.HOSTILE_NAME, "$x$ :red[y] `z` ~~a~~"])
def test_escaped_text_has_no_unescaped_punctuation(text: str) -> None:
    unescaped = re.sub(r"\\.", "", formats.markdown(text))
    assert not re.search(r"[`*_{}\[\]()<>#!|~$:&]", unescaped)


def test_control_and_direction_characters_are_shown_as_escapes() -> None:
    assert formats.plain("a\x1b[31m\u202eb\nc") == r"a\x1b[31m\x202eb\x0ac"
