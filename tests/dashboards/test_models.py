"""What pages compute: layouts, span trees, evidence, manifests, axes, formats."""

from __future__ import annotations

import io
import itertools
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dashboards.models import evidence, formats, manifests, time_axis
from dashboards.models.call_graph import call_graph
from dashboards.models.graph_layout import layered
from dashboards.models.span_tree import span_tree
from tests.dashboards import shop_results

if TYPE_CHECKING:
    from dashboards.models.rows import Row

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_layers_follow_the_calls_and_share_no_place() -> None:
    layout = layered(list("abcd"), [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")])
    columns = {node: x for node, (x, _) in layout.centres.items()}
    assert columns["a"] < columns["b"] < columns["c"] < columns["d"]
    assert len(set(layout.centres.values())) == 4
    ((bend_x, _),) = layout.bends["a", "c"]  # past b, not through it
    assert bend_x == columns["b"]
    assert layout.bends["a", "c"][0] != layout.centres["b"]


def test_cycles_and_loops_are_laid_out() -> None:
    layout = layered(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")])
    assert set(layout.centres) == {"a", "b", "c"}
    assert layout.centres["a"][0] < layout.centres["b"][0] < layout.centres["c"][0]


def test_a_long_chain_needs_no_recursion() -> None:
    names = [f"n{number:04}" for number in range(3_000)]
    layout = layered(names, list(itertools.pairwise(names)))
    assert layout.centres[names[-1]][0] > layout.centres[names[0]][0]


def test_layers_are_ordered_to_avoid_crossings() -> None:
    layout = layered(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    rows = {node: y for node, (_, y) in layout.centres.items()}
    assert (rows["a"] < rows["b"]) == (rows["y"] < rows["x"])


def _edge(caller: str | None, callee: str, calls: int, errors: int = 0, **more: object) -> Row:
    base = {"caller_namespace": "shop", "caller_kind": "workload", "callee_namespace": "shop", "callee_kind": "service"}
    return {**base, "caller": caller, "callee": callee, "protocol": "http", "calls": calls, "errors": errors, **more}


def test_the_versions_of_a_service_are_one_node_and_their_edges_one_link() -> None:
    hosts: list[Row] = [
        {"namespace": "shop", "workload": f"web-v{version}", "host": "web.shop.svc.x"} for version in (1, 2)
    ]
    graph = call_graph([_edge("web-v1", "db.shop.svc.x", 3), _edge("web-v2", "db.shop.svc.x", 4, 1)], hosts, 10)
    assert set(graph.nodes) == {"web.shop.svc.x", "db.shop.svc.x"}
    (link,) = graph.links.values()
    assert (link.calls, link.errors, len(link.edges)) == (7, 1, 2)


def test_unknown_callers_are_one_node_of_their_own_kind() -> None:
    graph = call_graph([_edge(None, "db.shop.svc.x", 3, caller_namespace=None)], [], 10)
    assert {node.kind for node in graph.nodes.values()} == {"unknown", "service"}


def test_links_that_fail_are_drawn_first_where_there_are_too_many() -> None:
    edges = [_edge("a", f"h{number}.shop.svc.x", 100 + number) for number in range(5)] + [
        _edge("a", "bad.shop.svc.x", 1, 1)
    ]
    graph = call_graph(edges, [], 2)
    assert {link.target for link in graph.links.values()} == {"bad.shop.svc.x", "h4.shop.svc.x"}
    assert graph.links_left_out == 4
    assert "h0.shop.svc.x" not in graph.nodes


def _span(identity: str, parent: str | None, start_ms: int, end_ms: int) -> Row:
    return {
        "span_id": identity,
        "parent_span_id": parent,
        "start_time": START + timedelta(milliseconds=start_ms),
        "end_time": START + timedelta(milliseconds=end_ms),
    }


def test_spans_nest_in_time_order_with_the_parents_own_time() -> None:
    tree = span_tree(
        [_span("c", "a", 60, 80), _span("b", "a", 10, 40), _span("a", None, 0, 100), _span("d", "b", 15, 20)]
    )
    assert [(bar.row["span_id"], bar.depth) for bar in tree.bars] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]
    assert list(tree.bars[0].gaps) == [(0.0, 10.0), (40.0, 60.0), (80.0, 100.0)]
    assert tree.duration_ms == 100


def test_overlapping_children_leave_no_false_gap() -> None:
    tree = span_tree([_span("a", None, 0, 100), _span("b", "a", 0, 90), _span("c", "a", 20, 50)])
    assert list(tree.bars[0].gaps) == [(90.0, 100.0)]


def test_spans_outside_their_parent_and_without_it_say_so() -> None:
    tree = span_tree([_span("a", None, 10, 20), _span("b", "a", 5, 30), _span("c", "lost", 12, 14)])
    notes = {bar.row["span_id"]: bar.note for bar in tree.bars}
    assert notes["a"] == ""
    assert notes["b"].startswith("outside its parent")
    assert notes["c"] == "parent span not recorded"


def test_spans_that_name_each_other_as_parents_all_appear_once() -> None:
    tree = span_tree([_span("a", "b", 0, 10), _span("b", "a", 1, 9), _span("c", "c", 2, 3)])
    assert sorted(str(bar.row["span_id"]) for bar in tree.bars) == ["a", "b", "c"]


def test_evidence_of_any_shape_becomes_tables() -> None:
    content = evidence.parsed(
        '{"rate": 0.123456, "p95_ms": 12, "flags": {"UF": 3}, "rows": [{"a": 1}, {"b": [1, 2]}], "none": null}'
    )
    facts, flags, rows = evidence.sections(content)
    assert facts.rows == (("rate", "0.1235"), ("p95 (ms)", "12"), ("none", formats.NOTHING))
    assert (flags.title, flags.rows) == ("flags", (("UF", "3"),))
    assert (rows.columns, rows.rows) == (("a", "b"), (("1", formats.NOTHING), (formats.NOTHING, "1, 2")))


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]", "3"])
def test_evidence_that_is_no_object_is_kept(text: str) -> None:
    assert evidence.sections(evidence.parsed(text))


def test_evidence_names_its_requests_wherever_they_stand() -> None:
    content = {
        "samples": [
            {"source": "a.log", "source_offset": 5, "request_id": "r1"},
            {"source": "a.log", "source_offset": 5},
        ],
        "deep": {"deeper": [{"request_ids": ["r2", "r1"], "trace_id": "t1"}]},
    }
    found = evidence.requests(content)
    assert found.places == (("a.log", 5),)
    assert set(found.request_ids) == {"r1", "r2"}
    assert found.trace_ids == ("t1",)


def test_long_evidence_is_cut_and_says_so() -> None:
    (section,) = evidence.sections({"values": [{"a": number} for number in range(250)]})
    assert (len(section.rows), section.left_out) == (100, 150)


def _recommendation(**more: object) -> Row:
    return {"kind": "Sidecar", "namespace": "shop", "name": "cart", "manifest": shop_results.MANIFEST, **more}


def _sidecar(name: str, spec: str) -> Row:
    return {"namespace": "shop", "name": name, "api_version": "networking.istio.io/v1", "spec": spec}


def test_a_manifest_is_compared_with_the_sidecar_that_rules_its_pods() -> None:
    selecting = _sidecar("other", '{"workloadSelector": {"labels": {"app": "cart"}}, "egress": [{"hosts": ["*/*"]}]}')
    default = _sidecar("default", '{"egress": [{"hosts": ["./*"]}]}')
    assert "other" in compared_against([default, selecting])
    assert "default" in compared_against([default])
    assert "cart" in compared_against([default, selecting, _sidecar("cart", "{}")])


def compared_against(sidecars: list[Row]) -> str:
    comparison = manifests.compared(_recommendation(), sidecars)
    assert comparison is not None
    return comparison.against


def test_a_manifest_without_a_sidecar_is_compared_with_the_one_before() -> None:
    assert manifests.compared(_recommendation(), []) is None
    comparison = manifests.compared(_recommendation(earlier_manifest=shop_results.MANIFEST), [])
    assert comparison is not None
    assert comparison.diff == ""


def test_a_patch_keeps_the_fields_it_does_not_name() -> None:
    present = _sidecar("cart", '{"ingress": [{"port": {"number": 1}}], "egress": [{"hosts": ["./*"]}]}')
    comparison = manifests.compared(_recommendation(kind="SidecarPatch"), [present])
    assert comparison is not None
    changed = [line for line in comparison.diff.splitlines()[2:] if line[:1] in {"+", "-"}]
    assert "-    - ./*" in changed
    assert not any("ingress" in line for line in changed)


def test_a_bundle_holds_each_manifest_once_under_a_safe_name() -> None:
    rows = [
        _recommendation(),
        _recommendation(),
        _recommendation(name="../../etc/passwd"),
        _recommendation(manifest=None),
    ]
    archive = zipfile.ZipFile(io.BytesIO(manifests.bundle(rows)))
    names = archive.namelist()
    assert archive.read(names[0]).decode() == shop_results.MANIFEST
    assert len(names) == len(set(names)) == 3
    assert not any("/" in name or name.startswith(".") for name in names)
    assert manifests.bundle(rows) == manifests.bundle(rows)


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(30, 1), (600, 10), (3_600, 60), (86_400, 1_800), (365 * 86_400, 604_800)]
)
def test_buckets_are_round_and_few(seconds: int, bucket: int) -> None:
    assert time_axis.bucket_seconds(START, START + timedelta(seconds=seconds)) == bucket


def test_axis_marks_are_round_and_reach_the_highest_value() -> None:
    ticks = time_axis.value_ticks(86.0, str)
    assert [tick.at for tick in ticks] == [0, 50, 100]
    assert [tick.at for tick in time_axis.value_ticks(1.0, str, whole=True)] == [0, 1]
    assert time_axis.value_ticks(0.0, str)[-1].at == 1.0
    texts = [tick.text for tick in time_axis.time_ticks(START, START + timedelta(minutes=10))]
    assert texts == ["09:00", "09:02", "09:04", "09:06", "09:08", "09:10"]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0.0, "0 ms"),
        (0.423, "0.42 ms"),
        (3.456, "3.46 ms"),
        (999.6, "1.00 s"),
        (61_000.0, "1.0 min"),
        (None, formats.NOTHING),
    ],
)
def test_durations_carry_their_unit(milliseconds: float | None, text: str) -> None:
    assert formats.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.00001, "<0.01 %"), (0.0025, "0.25 %"), (0.125, "12.5 %"), (1.0, "100 %")]
)
def test_a_share_above_nothing_never_reads_as_nothing(share: float, text: str) -> None:
    assert formats.percent(share) == text


def test_bytes_are_escaped_without_ambiguity_and_cut() -> None:
    assert formats.escaped_bytes(b"a\\x00\x00\xc3") == "a\\\\x00\\x00\\xc3"
    assert formats.escaped_bytes(b"ab", limit=1).endswith("(1 more bytes)")
