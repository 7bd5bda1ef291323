from __future__ import annotations

import base64

import pytest
import yaml

from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_watch, parse_kubernetes_yaml
from tests.parsers.mesh_objects import as_json, names, objects, only_reject

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/tls",
    "metadata": {
        "name": "tls",
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": '{"data":"c3VwZXJzZWNyZXQ="}',
            "keep": "me",
        },
        "managedFields": [{"manager": "kubectl"}],
    },
    "data": {"tls.key": base64.b64encode(b"supersecret").decode(), "broken": "supersecret!", "none": None},
    "stringData": {"password": "supersecret"},
}


def test_secrets_keep_key_names_and_sizes_only() -> None:
    listed = {"apiVersion": "v1", "kind": "SecretList", "items": [{k: v for k, v in SECRET.items() if k != "kind"}]}
    template = {"apiVersion": "t/v1", "kind": "Template", "metadata": {"name": "tls"}, "objects": [SECRET]}
    event = {"type": "ADDED", "object": SECRET}
    for parsed in (
        parse_kubernetes_yaml(yaml.safe_dump(SECRET).encode(), 0),
        parse_kubernetes_json(as_json(SECRET), 0),
        parse_kubernetes_json(as_json(listed), 0),
        parse_kubernetes_json(as_json(template), 0),
        parse_kubernetes_watch(as_json(event), 0),
        parse_kubernetes_json(as_json({**SECRET, "kind": "secret"}), 0),
    ):
        assert names(parsed) == ["tls"]
        everything = str(parsed.accepted.to_pylist())
        assert "supersecret" not in everything
        assert "c3VwZXJzZWNyZXQ" not in everything
        value = objects(parsed)[0]
        secret = value["objects"][0] if value["kind"] == "Template" else value
        assert secret["data"] == {
            "tls.key": {"redacted_bytes": 11},
            "broken": {"redacted_bytes": 12},
            "none": {"redacted_bytes": 0},
        }
        assert secret["stringData"] == {"password": {"redacted_bytes": 11}}
        assert secret["metadata"]["annotations"] == {"keep": "me"}


@pytest.mark.parametrize(
    "document",
    [
        b"apiVersion: v1\nkind: Secret\ndata: {a: b}\n",
        b"apiVersion: v1\ndata:\n  password: aHVudGVyMg==\n",
        b'{"apiVersion":"v1","kind":"Secret","metadata":{},"data":{"a":"b"}}',
        b"apiVersion: v1\nkind: Config\nclusters: []\nusers: [{user: {client-key-data: x}}]\n",
        b"kind: Pod\nspec: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t\n",
    ],
)
def test_rejects_carry_no_key_material(document: bytes) -> None:
    for parsed in (
        parse_kubernetes_yaml(document, 0),
        parse_kubernetes_json(document, 0),
        parse_kubernetes_watch(document.replace(b"\n", b" "), 0),
    ):
        reject = only_reject(parsed)
        assert reject["raw"] == b""
        assert "withheld" in reject["reason"]
