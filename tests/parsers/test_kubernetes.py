from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import yaml

from pipelines.parsers import kubernetes
from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_watch, parse_kubernetes_yaml
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import MESH_OBJECT_FIELDS
from tests.parsers.mesh_objects import as_json, names, objects, only_reject, pod

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "shop-1",
        "namespace": "web",
        "uid": "u-1",
        "resourceVersion": "42",
        "generation": 3,
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {"app": "shop"},
        "annotations": {"note": "é"},
        "ownerReferences": [
            {"kind": "Node", "name": "node-1", "controller": False},
            {"kind": "ReplicaSet", "name": "shop-abc", "controller": True},
        ],
    },
    "spec": {"nodeName": "node-1"},
}


@pytest.mark.parametrize("form", ["yaml", "json", "watch"])
def test_an_object_becomes_a_row_with_every_column(form: str) -> None:
    match form:
        case "yaml":
            parsed = parse_kubernetes_yaml(yaml.safe_dump(POD).encode(), 9)
        case "json":
            parsed = parse_kubernetes_json(as_json(POD), 9)
        case _:
            parsed = parse_kubernetes_watch(as_json(POD), 9)
    assert parsed.accepted.schema == accepted_schema(MESH_OBJECT_FIELDS)
    [row] = parsed.accepted.to_pylist()
    text = row.pop("object_json")
    assert json.loads(text) == POD
    assert text == json.dumps(POD, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row == {
        "source_offset": 9,
        "api_version": "v1",
        "kind": "Pod",
        "namespace": "web",
        "name": "shop-1",
        "uid": "u-1",
        "resource_version": "42",
        "generation": 3,
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "observed_at": None,
        "observed_at_exact": False,
        "event": "SNAPSHOT",
        "labels": [("app", "shop")],
        "annotations": [("note", "é")],
        "owner_kind": "ReplicaSet",
        "owner_name": "shop-abc",
        "cluster": None,
    }


def test_an_event_may_name_its_cluster() -> None:
    events = [{"type": "ADDED", "cluster": name, "object": pod("a")} for name in ("east", "")]
    parsed = parse_kubernetes_watch(b"\n".join(json.dumps(event).encode() for event in events), 0)
    assert parsed.accepted.column("cluster").to_pylist() == ["east", None]


def test_lists_typed_lists_and_nested_lists_are_taken_apart() -> None:
    nested = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            pod("a"),
            {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [{"metadata": {"name": "b"}}]},
            {"apiVersion": "networking.istio.io/v1", "kind": "GatewayList", "items": [{"metadata": {"name": "c"}}]},
            {"apiVersion": "v1", "kind": "PodList", "items": None},
        ],
    }
    for parsed in (
        parse_kubernetes_json(as_json(nested), 0),
        parse_kubernetes_yaml(yaml.safe_dump(nested).encode(), 0),
    ):
        assert parsed.rejected.num_rows == 0
        rows = [(row["api_version"], row["kind"], row["name"]) for row in parsed.accepted.to_pylist()]
        assert rows == [("v1", "Pod", "a"), ("v1", "Pod", "b"), ("networking.istio.io/v1", "Gateway", "c")]
        assert [value["kind"] for value in objects(parsed)] == ["Pod", "Pod", "Gateway"]


def test_an_object_whose_kind_ends_in_list_but_has_no_items_is_an_object() -> None:
    allow_list = {"apiVersion": "example.org/v1", "kind": "AllowList", "metadata": {"name": "x"}, "spec": {"items": []}}
    assert names(parse_kubernetes_json(as_json(allow_list), 0)) == ["x"]


def test_a_bad_item_of_a_list_is_one_reject_with_its_own_bytes() -> None:
    document = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- kind: Pod\n  apiVersion: v1\n  metadata: {name: ä}\n"
        "- kind: Pod\n  apiVersion: v1\n  metadata: {labels: {a: ö}}\n"
        "- {kind: Pod, apiVersion: v1, metadata: {name: b}}\n"
    ).encode()
    parsed = parse_kubernetes_yaml(document, 0)
    assert names(parsed) == ["ä", "b"]
    reject = only_reject(parsed)
    assert reject["reason"] == "Pod has no metadata.name"
    bad = {"kind": "Pod", "apiVersion": "v1", "metadata": {"labels": {"a": "ö"}}}
    assert yaml.safe_load(reject["raw"]) == [bad]
    in_json = only_reject(parse_kubernetes_json(as_json(yaml.safe_load(document)), 0))
    assert json.loads(in_json["raw"]) == bad


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("replicaCount: 1\nimage: {tag: x}\n", "neither apiVersion nor kind"),
        ("kind: Pod\nmetadata: {name: a}\n", "no apiVersion"),
        ("apiVersion: v2\nname: chart\n", "no kind"),
        ("apiVersion: 1.2\nkind: Pod\nmetadata: {name: a}\n", "apiVersion is a number"),
        ("apiVersion: v1\nkind: Pod\n", "no metadata"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: ''}\n", "no metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", "only a generateName"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 123}\n", "a number, not text: quote it"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: [x]}\n", "metadata.labels is a list"),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n", "build it first"),
        ("apiVersion: v1\nkind: Status\nmetadata: {}\nmessage: pods not found\n", "pods not found"),
        ("just text\n", "text"),
        ("42\n", "a number"),
        ("kind: Service\nmetadata:\n  name: {{ .Values.name }}\n", "render it first"),
        ("{{- if .Values.on }}\nkind: Service\n{{- end }}\n", "render it first"),
        ('apiVersion: v1\nkind: Pod\nmetadata:\n  name: "{{ .Release.Name }}-x"\n', "render it first"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  a: 1\n  b: 2\n  a: 3\n",
            "'a' is there twice (line 7",
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {1: a, '1': b}\n", "'1' is there twice"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: !Ref a}\n", "tag !Ref"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {a: .inf}\n", "no form in JSON"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: *missing\n", "no anchor before it"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: &a [*a]\n", "no anchor before it"),
        ("a: " + "[" * 1_000, "nested deeper"),
        ("- " * 1_000, "nested deeper"),
        ("a: \x00\n", "not YAML"),
    ],
)
def test_what_is_no_object_is_one_reject_with_a_reason(document: str, reason: str) -> None:
    reject = only_reject(parse_kubernetes_yaml(document.encode(), 0))
    assert reason in reject["reason"]
    assert reject["raw"] == document.encode()


def test_bytes_that_are_no_utf8_are_one_reject() -> None:
    assert "not UTF-8" in only_reject(parse_kubernetes_yaml(b"kind: \xff\xfe\n", 0))["reason"]
    assert "not JSON" in only_reject(parse_kubernetes_json(b'{"kind":"\xff"}', 0))["reason"]


def test_labels_that_are_no_text_are_kept_as_written_in_json() -> None:
    [row] = parse_kubernetes_json(as_json(pod("a", labels={"n": 1, "b": True, "null": None})), 0).accepted.to_pylist()
    assert row["labels"] == [("n", "1"), ("b", "true"), ("null", None)]


def test_json_documents_one_after_another() -> None:
    pretty = b"".join(json.dumps(pod(name), indent=4, ensure_ascii=False).encode() + b"\n" for name in ("ä", "b"))
    parsed = parse_kubernetes_json(pretty, 0)
    assert names(parsed) == ["ä", "b"]
    assert (
        pretty[parsed.accepted["source_offset"][1].as_py() :] == pretty[pretty.index(b"{", 1 + pretty.index(b"\n}")) :]
    )
    broken = parse_kubernetes_json(pretty + b'{"a": [1,\n' + as_json(pod("c")) + b"\n" + b"[" * 3_000, 0)
    assert names(broken) == ["ä", "b", "c"]
    assert broken.rejected.num_rows == 2


def test_a_repeated_key_in_json_is_refused_and_other_spellings_are_not() -> None:
    twice = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"x":1,"x":1}}'
    assert "'x' is there twice" in only_reject(parse_kubernetes_json(twice, 0))["reason"]
    spelled = rb'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"x":1.0e2,"y":"\u003cb\u003e"}}'
    assert objects(parse_kubernetes_json(spelled, 0))[0]["spec"] == {"x": 100.0, "y": "<b>"}


def test_a_document_over_the_limit_is_one_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "MAX_MESSAGE_BYTES", 100)
    large = as_json(pod("x" * 200))
    parsed = parse_kubernetes_yaml(large + b"\n---\n" + as_json(pod("a")), 0)
    assert names(parsed) == ["a"]
    assert "over the limit" in only_reject(parsed)["reason"]


def test_an_empty_stream_has_no_records() -> None:
    for parse in (parse_kubernetes_yaml, parse_kubernetes_json, parse_kubernetes_watch):
        parsed = parse(b" \n\n", 0)
        assert (parsed.read, parsed.accepted.schema) == (0, accepted_schema(MESH_OBJECT_FIELDS))
