from __future__ import annotations

import pytest
import yaml

from pipelines.parsers import yaml_values
from pipelines.parsers.kubernetes import parse_kubernetes_yaml
from tests.parsers.mesh_objects import as_json, names, objects, only_reject, pod


def _loaded(text: str) -> object:
    """What the object's `data` says after reading it as YAML."""
    document = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  {text}\n"
    parsed = parse_kubernetes_yaml(document.encode(), 0)
    assert parsed.rejected["reason"].to_pylist() == []
    return objects(parsed)[0]["data"]


def test_documents_are_cut_at_markers_and_offsets_point_at_them() -> None:
    stream = (
        b"# head\n%YAML 1.1\n---\n" + as_json(pod("a")) + b"\n--- # comment only\n# nothing\n---\n"
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata:\n  text: |\n    ---\n    kind: Fake\n    ---x\n"
        b"...\n# after\nkind: Service\napiVersion: v1\nmetadata:\n  name: c\n---"
    )
    parsed = parse_kubernetes_yaml(stream, 100)
    assert names(parsed) == ["a", "b", "c"]
    assert objects(parsed)[1]["data"] == {"text": "---\nkind: Fake\n---x\n"}
    starts = [stream[offset - 100 :] for offset in parsed.accepted["source_offset"].to_pylist()]
    assert [start.split()[0] for start in starts] == [b"---", b"---", b"#"]


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    lines = (
        "kind: Pod",
        "apiVersion: v1",
        "metadata:",
        "  name: a",
        "---",
        "kind: Pod",
        "apiVersion: v1",
        "metadata: {name: b}",
    )
    stream = b"\xef\xbb\xbf" + "\r\n".join(lines).encode()
    assert names(parse_kubernetes_yaml(stream, 0)) == ["a", "b"]


def test_a_broken_document_is_one_reject_with_its_bytes_and_the_others_are_read() -> None:
    first, broken, last = yaml.safe_dump(pod("a")).encode(), b"---\nkind: [Pod\nspec: }\n", b"---\n" + as_json(pod("b"))
    parsed = parse_kubernetes_yaml(first + broken + last, 10)
    assert names(parsed) == ["a", "b"]
    reject = only_reject(parsed)
    assert (reject["source_offset"], reject["raw"]) == (10 + len(first), broken)
    assert "line 3 of the document" in reject["reason"]


def test_alias_bombs_are_refused_and_honest_aliases_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12))
    bomb = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nl0: &l0 [lol]\n{levels}\n"
    assert "aliases expand the document" in only_reject(parse_kubernetes_yaml(bomb.encode(), 0))["reason"]
    long_text = f"a: &a {'x' * 1_000}\nb: [{', '.join(['*a'] * 100)}]\n"
    monkeypatch.setattr(yaml_values, "EXPANSION_SLACK_BYTES", 50_000)
    assert "aliases expand" in only_reject(parse_kubernetes_yaml(long_text.encode(), 0))["reason"]
    assert _loaded("a: &x {k: v}\n  b: *x\n  c: {<<: *x, d: e}\n  f: {<<: [*x, {k: w, l: m}], l: o}") == {
        "a": {"k": "v"},
        "b": {"k": "v"},
        "c": {"k": "v", "d": "e"},
        "f": {"k": "v", "l": "o"},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k: yes", {"k": True}),
        ("k: on", {"k": True}),
        ("k: y", {"k": True}),
        ("k: Off", {"k": False}),
        ('k: "yes"', {"k": "yes"}),
        ("k: yEs", {"k": "yEs"}),
        ("on: 1", {"true": 1}),
        ("8080: a", {"8080": "a"}),
        ("k: 2026-01-02", {"k": "2026-01-02"}),
        ("k: 2026-01-02T03:04:05Z", {"k": "2026-01-02T03:04:05Z"}),
        ("k: 12:30", {"k": "12:30"}),
        ("k: 0o17", {"k": 15}),
        ("k: 0755", {"k": 493}),
        ("k: -0x1F", {"k": -31}),
        ("k: 1_000", {"k": 1000}),
        ("k: 1e3", {"k": 1000}),
        ("k: 1.50", {"k": 1.5}),
        ("k: .5", {"k": 0.5}),
        ("k: 1.2.3", {"k": "1.2.3"}),
        ("k: +", {"k": "+"}),
        ("k: ~", {"k": None}),
        ("k:", {"k": None}),
        ("k: ''", {"k": ""}),
        ("k: !!str 5", {"k": "5"}),
        ("k: !!int '5'", {"k": 5}),
        ("k: !!binary aGk=", {"k": "hi"}),
        ("k: 18446744073709551615", {"k": 18446744073709551615}),
    ],
)
def test_yaml_scalars_mean_what_they_mean_to_kubernetes(text: str, value: object) -> None:
    assert _loaded(text) == value
