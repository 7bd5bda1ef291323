"""Istio's own table of analyzer cases, against the mode that reproduces its analyzers.

The folder (`ISTIO_ANALYSIS_DIR`, else beside the checkout) holds `cases.json`, whose `harness` says how a case is run,
and `testdata/`. A case that names an analyzer which is not known here fails.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from analyzers.configuration.compatibility import analyze
from analyzers.mesh.load import objects_of_text
from analyzers.mesh.model import Mesh
from analyzers.mesh.settings import settings_of

ROOT: Final = Path(
    os.environ.get("ISTIO_ANALYSIS_DIR") or Path(__file__).parents[2].parent / "shared" / "istio-analysis"
)

#: What Istio adds to every case of one cluster, where its ingress controller is not switched off.
DEFAULT_RESOURCES: Final = """
apiVersion: v1
kind: Pod
metadata: {name: istio-ingressgateway-dummypod, namespace: istio-system, labels: {istio: ingressgateway}}
spec: {containers: [{name: istio-proxy, image: proxyv2}]}
status: {phase: Running}
---
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  ports:
  - {name: http2, port: 80, protocol: TCP}
  - {name: https, port: 443, protocol: TCP}
  - {name: tcp, port: 31400, protocol: TCP}
  - {name: tls, port: 15443, protocol: TCP}
"""


def grid() -> list[dict[str, Any]]:
    if not (ROOT / "cases.json").exists():
        return []
    return list(json.loads((ROOT / "cases.json").read_text(encoding="utf-8"))["cases"])


def loaded(name: str | None) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "testdata" / name).read_bytes()) if name else {}


def mesh_of(case: dict[str, Any]) -> Mesh:
    config = loaded(case["mesh_config_file"])
    networks = loaded(case["mesh_networks_file"]).get("networks", {})
    clusters: dict[str, list[str]] = case.get("clusters") or {"": case["input_files"]}
    found = [
        item
        for cluster, files in clusters.items()
        for file in files
        for item in objects_of_text((ROOT / "testdata" / file).read_bytes(), file, cluster)
    ]
    if not case["multicluster"] and config.get("ingressControllerMode") != "OFF":
        found = [*objects_of_text(DEFAULT_RESOURCES), *found]
    return Mesh.of(found, settings_of(config, networks=networks))


def origin(identity: str) -> str:
    """`Kind namespace/name`, or `Kind name`, as Istio writes an object."""
    kind, namespace, name = identity.split("/")
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def istio_alias(code: str) -> str:
    from analyzers.framework.registry import codes

    (alias,) = (alias for alias in codes()[code][1].aliases if alias.startswith("IST"))
    return alias


@pytest.mark.corpus
@pytest.mark.parametrize("case", grid(), ids=lambda case: case["id"])
def test_case(case: dict[str, Any]) -> None:
    found = analyze(mesh_of(case), case["analyzer"])
    told = Counter((istio_alias(item.code), origin(item.object or "//")) for item in found)
    assert told == Counter((code, where) for code, where in case["expected"])


@pytest.mark.corpus
@pytest.mark.skipif(not (ROOT / "analyzers.json").exists(), reason="the development data is absent")
def test_every_analyzer_of_istio_is_known() -> None:
    from analyzers.configuration.istio_names import ISTIO_ANALYZERS

    named = json.loads((ROOT / "analyzers.json").read_text(encoding="utf-8"))
    assert not set(named) - set(ISTIO_ANALYZERS)
