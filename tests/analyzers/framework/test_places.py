"""Findings on files name the line and column of the YAML path at fault, and no wrong one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.finding import Finding, Place
from analyzers.framework.places import with_places
from pipelines.parsers.yaml_documents import document_bounds
from pipelines.parsers.yaml_positions import compose, find

if TYPE_CHECKING:
    from pathlib import Path

STREAM = """\
# Before anything.
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop, annotations: {a.io/b/c: x}}
spec:
  ports: [{port: 80}, {port: 81}]
---
apiVersion: v1
kind: List
items:
- kind: VirtualService
  metadata:
    name: cart
    namespace: shop
  spec:
    http:
    - route:
      - destination:
          host: card
    -   match: &same
        - uri: {exact: /a}
        route: *same
- kind: VirtualService
  metadata: {name: cart, namespace: bank}
  spec:
    defaults: &defaults {timeout: 5s}
    merged:
      <<: *defaults
      8080: on
"""

OFFSETS = [bounds.start for bounds in document_bounds(STREAM.encode())]


def place(item: str, path: str | None, offset: int, content: bytes = STREAM.encode()) -> Place | None:
    evidence = {"source": "x", "source_offset": offset}
    finding = Finding("a", "ML1", "error", "s", "m", "f", evidence, side="configuration", object=item, path=path)
    return with_places([finding], {"x": content})[0].place


@pytest.mark.parametrize(
    ("item", "document", "path", "line", "column"),
    [
        ("Service/shop/cart", 0, "spec/ports[1]/port", 6, 24),
        ("Service/shop/cart", 0, "metadata/annotations/a.io/b/c", 4, 55),
        ("Service/shop/cart", 0, None, 2, 1),
        ("Service/shop/cart", 0, "spec/ports[7]/port", 6, 3),
        ("Service/shop/cart", 0, "spec/selector/app", 5, 1),
        ("VirtualService/shop/cart", 1, "spec/http[0]/route[0]/destination/host", 19, 11),
        ("VirtualService/shop/cart", 1, "spec/http[1]/match[0]/uri/exact", 21, 17),
        ("VirtualService/shop/cart", 1, "spec/http[1]/route[0]/uri", 21, 11),
        ("VirtualService/bank/cart", 1, "spec/merged/timeout", 26, 26),
        ("VirtualService/bank/cart", 1, "spec/merged/8080", 29, 7),
    ],
)
def test_a_path_has_its_line_and_column(item: str, document: int, path: str | None, line: int, column: int) -> None:
    assert place(item, path, OFFSETS[document]) == Place("x", line, column)


def test_json_has_lines_as_well() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}, "spec": {"ports": [{"port": 1}]}}
    data = (json.dumps(service) + "\n" + json.dumps({"kind": "List", "items": [service]}, indent=2)).encode()
    second = data.index(b"\n") + 1
    assert place("Service//cart", "spec/ports[0]/port", 0, data) == Place("x", 1, 1 + data.index(b'"port":'))
    found = place("Service//cart", "spec/ports[0]/port", second, data)
    assert found is not None
    assert found.line is not None
    assert '"port": 1' in data.decode().splitlines()[found.line - 1]


def test_what_is_no_longer_there_has_no_line(tmp_path: Path) -> None:
    assert place("Service/shop/other", None, OFFSETS[0]) == Place("x")
    assert place("Service/bank/cart", None, OFFSETS[0]) == Place("x")
    assert place("Service/shop/cart", None, 10**6) == Place("x")
    assert place("Service/shop/cart", None, 0, b"a: [") == Place("x")
    gone = Finding("a", "ML1", "error", "s", "m", "f", {"object_source": str(tmp_path / "x.yaml")}, object="A/b/c")
    assert with_places([gone])[0].place == Place(str(tmp_path / "x.yaml"))
    nowhere = Finding("a", "ML1", "error", "s", "m", "f", object="A/b/c")
    assert with_places([nowhere])[0].place is None


def test_deep_and_cyclic_documents_end() -> None:
    deep = compose(b"[" * 1000 + b"]" * 1000)
    assert deep is not None
    assert find(deep, "[0]" * 400) is not deep
    assert compose(b"&a [*a, *b]") is not None
    assert compose(b"\xff") is None
    assert compose(b"") is None
