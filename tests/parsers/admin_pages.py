"""Admin pages read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.parsers.context import Context
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import PROXY_STATE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.parsers.result import Parsed

OBSERVED = Context(observed_us=1_700_000_000_000_000)
ADMIN = "type.googleapis.com/envoy.admin.v3."
NODE = {"id": "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local", "cluster": "web.shop"}
Json = dict[str, Any]  # Any: what JSON holds is looked at, not typed


def read(parse: Callable[[bytes, int, Context], Parsed], document: bytes) -> tuple[list[Json], list[Json]]:
    parsed = parse(document, 100, OBSERVED)
    assert parsed.accepted.schema == accepted_schema(PROXY_STATE_FIELDS)
    parsed.accepted.validate(full=True)
    return parsed.accepted.to_pylist(), parsed.rejected.to_pylist()
