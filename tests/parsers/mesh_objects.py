"""Kubernetes objects for the tests of their parsers, and what those made of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed


def pod(name: str, **metadata: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def names(parsed: Parsed) -> list[str]:
    names: list[str] = parsed.accepted["name"].to_pylist()
    return names


def objects(parsed: Parsed) -> list[dict[str, Any]]:
    return [json.loads(text) for text in parsed.accepted["object_json"].to_pylist()]


def only_reject(parsed: Parsed) -> dict[str, Any]:
    [reject] = parsed.rejected.to_pylist()
    return dict(reject)
