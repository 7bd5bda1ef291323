"""Envoy's `/server_info`: one row, whose name is the node's id and whose version is Envoy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.parsers.context import DEFAULT, Context
from pipelines.parsers.json_pieces import JSON_ERRORS, fields_of, text_of
from pipelines.parsers.proxy_rows import ProxyRows, Thing, reporter_of

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed

#: Envoy's states in the words of configuration.
_STATES: Final = {"LIVE": "active", "DRAINING": "draining", "PRE_INITIALIZING": "warming", "INITIALIZING": "warming"}


def parse_server_info(document: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Read one answer. `context.observed_us` is when it was given."""
    rows = ProxyRows(context.observed_us)
    try:
        fields = fields_of(document)
        node = fields.get("node")
        rows.reporter = reporter_of(node)
        name = None if node is None else text_of(fields_of(node).get("id"))
        # A field that has its type's first value is left out of JSON: that of the state is LIVE.
        state = _STATES.get(text_of(fields.get("state")) or "LIVE")
        version = text_of(fields.get("version"))
        if version is None:
            raise ValueError("a server_info without its version")  # noqa: TRY301 - one way out for what is no answer
        rows.add(base_offset, Thing("server_info", name, state, document, len(document), version))
    except (*JSON_ERRORS, ValueError) as error:
        rows.reject(base_offset, error, document)
    return rows.parsed()
