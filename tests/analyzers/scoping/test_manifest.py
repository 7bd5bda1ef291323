from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from analyzers.scoping.manifest import ManifestError, patch, sidecar, to_yaml, validate
from analyzers.scoping.resource_definitions import problem_of, read_definitions
from analyzers.scoping.service_entries import drafts
from tests.analyzers.scoping.meshes import call, workload

if TYPE_CHECKING:
    from collections.abc import Mapping

CRDS = Path(os.environ.get("ISTIO_CRDS_DIR", Path(__file__).parents[4] / "shared" / "istio-crds")) / "crd-all.gen.yaml"
HOSTS = ["egress/*.example.com", "istio-system/*", "shop/a.shop.svc.cluster.local"]
CARRIED = {
    "inboundConnectionPool": {"http": {"http1MaxPendingRequests": 64}},
    "ingress": [{"port": {"number": 8080, "name": "http", "protocol": "HTTP"}, "defaultEndpoint": "127.0.0.1:8080"}],
    "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
}


def manifests() -> list[Mapping[str, object]]:
    web = workload({"app": "web"}, istio_version=(1, 27))
    old = workload({"app": "web"}, istio_version=(1, 21))
    entries = drafts("shop", [call("api.example.org", port=443, protocol="tcp"), call("repo.example.org", port=80)])
    return [
        sidecar(web, "web", HOSTS, {}, {"meshlens.io/verdict": "EMIT"}),
        sidecar(old, "web", HOSTS, CARRIED, {}),
        sidecar(web, "web", ["~/*"], {}, {}),
        patch(web, "web", [{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["./*"]}], {"mode": "ALLOW_ANY"}),
        *entries,
    ]


@pytest.mark.parametrize("manifest", manifests())
def test_what_we_write_fits_our_schema(manifest: Mapping[str, object]) -> None:
    validate(manifest)
    assert yaml.safe_load(to_yaml(manifest)) == manifest


@pytest.mark.corpus
@pytest.mark.skipif(not CRDS.is_file(), reason=f"{CRDS} is not there")
def test_what_we_write_fits_istios_own_schema() -> None:
    schemas = read_definitions([CRDS])
    for manifest in manifests():
        group, _, version = str(manifest["apiVersion"]).partition("/")
        assert version in schemas.kinds[group, str(manifest["kind"])]
        assert problem_of(manifest, schemas) is None


@pytest.mark.parametrize(
    "entry", ["shop", "shop/a/b", "*/", "/a", "shop/a b", "../etc/x", "shop/a.*.b", "shop/a\nb", "Shop/a", ""]
)
def test_a_host_that_istio_would_refuse_is_refused(entry: str) -> None:
    with pytest.raises(ManifestError, match="Sidecar at spec/egress/0/hosts/0"):
        validate(sidecar(workload({"app": "web"}), "web", [entry], {}, {}))


@pytest.mark.parametrize("name", ["../web", ".web", "Web", "", "a/b"])
def test_a_name_that_leaves_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ManifestError, match="metadata/name"):
        validate(sidecar(workload({"app": "web"}), name, HOSTS, {}, {}))


def test_a_field_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(ManifestError, match="egres"):
        validate(sidecar(workload({"app": "web"}), "web", HOSTS, {"egres": []}, {}))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ManifestError, match="no schema for kind 'Secret'"):
        validate({"kind": "Secret"})


def test_versions_before_1_22_get_the_api_version_they_serve() -> None:
    versions = [manifest["apiVersion"] for manifest in manifests()[:2]]
    assert versions == ["networking.istio.io/v1", "networking.istio.io/v1beta1"]


def test_a_draft_never_takes_a_name_that_is_none() -> None:
    names = ["10.0.0.1", "a b", "-x.example", "x", "evil\n.example", "a.example"]
    found = drafts("shop", [call(name, port=80) for name in names])
    assert [entry["spec"] for entry in found] == [
        {
            "exportTo": ["."],
            "hosts": ["a.example"],
            "location": "MESH_EXTERNAL",
            "ports": [{"name": "http-80", "number": 80, "protocol": "HTTP"}],
            "resolution": "DNS",
        }
    ]
