from __future__ import annotations

import pytest

from analyzers.scoping.names import (
    covers,
    imports,
    is_local_address,
    namespace_covers,
    normalised,
    printable,
    spellings,
    visible,
)


def test_normal_form_is_sorted_without_doubles_and_without_what_a_whole_namespace_covers() -> None:
    entries = [
        "b/x.b",
        "a/y.a",
        "b/x.b",
        "istio-system/*",
        "istio-system/zipkin.istio-system.svc.cluster.local",
        "c/*.c",
    ]
    assert normalised(entries) == ("a/y.a", "b/x.b", "c/*.c", "istio-system/*")


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*", "anything", True),
        ("a.example", "a.example", True),
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", True),
        ("*.example", "*.b.example", True),
        ("*.example", "example", False),
        ("*.example", "aexample", False),
        ("a.example", "*.example", False),
        ("*.b.example", "*.example", False),
    ],
)
def test_host_patterns(pattern: str, host: str, *, expected: bool) -> None:
    assert covers(pattern, host) is expected


@pytest.mark.parametrize(
    ("pattern", "namespace", "expected"),
    [("*", "a", True), ("a", "a", True), (".", "own", True), (".", "a", False), ("~", "a", False), ("b", "a", False)],
)
def test_namespace_patterns(pattern: str, namespace: str, *, expected: bool) -> None:
    assert namespace_covers(pattern, namespace, "own") is expected


def test_imports() -> None:
    assert imports(["./*", "a/x"], "own", "anything", "own")
    assert imports(["./*", "a/x"], "a", "x", "own")
    assert not imports(["./*", "a/x"], "a", "y", "own")
    assert not imports(["~/*"], "a", "x", "own")
    assert imports(["*/*.example"], "a", "www.example", "own")


@pytest.mark.parametrize(
    ("export_to", "client", "expected"),
    [
        ((), "b", True),
        (("*",), "b", True),
        ((".",), "b", False),
        ((".",), "a", True),
        (("b", "c"), "b", True),
        (("b", "c"), "d", False),
        (("~",), "a", False),
    ],
)
def test_export_to(export_to: tuple[str, ...], client: str, *, expected: bool) -> None:
    assert visible(export_to, "a", client) is expected


def test_short_names_mean_what_they_mean_in_the_callers_namespace() -> None:
    assert spellings("Reviews", "shop", "cluster.local")[-1] == "reviews.shop.svc.cluster.local"
    assert spellings("reviews.prod", "shop", "cluster.local")[-1] == "reviews.prod.svc.cluster.local"
    assert spellings("reviews.prod.svc", "shop", "cluster.local")[-1] == "reviews.prod.svc.cluster.local"
    assert spellings("www.example.com", "shop", "cluster.local") == ("www.example.com",)


def test_local_addresses() -> None:
    assert is_local_address("169.254.169.254")
    assert is_local_address("127.0.0.1")
    assert is_local_address("::1")
    assert not is_local_address("10.0.0.1")
    assert not is_local_address("localhost.example")


def test_names_from_telemetry_cannot_end_a_line() -> None:
    assert printable("a\nkind: Evil\x1b[31m") == "a?kind: Evil?[31m"
