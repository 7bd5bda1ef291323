from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from analyzers.scoping.export import ExportError, export
from analyzers.scoping.manifest import patch, sidecar
from analyzers.scoping.model import Coverage, Reason, Recommendation, Verdict
from tests.analyzers.scoping.meshes import workload

if TYPE_CHECKING:
    from pathlib import Path

COVERAGE = Coverage(None, None, 1, 1, 10, 10, 10, 10, 0, None, "full")


def recommendation(
    name: str, verdict: Verdict = "EMIT", host: str = "shop/a.shop", kind: str = "Sidecar"
) -> Recommendation:
    web = workload({"app": name})
    written = sidecar(web, name, [host], {}, {}) if kind == "Sidecar" else patch(web, name, [{"hosts": [host]}], None)
    return Recommendation(
        kind=kind,  # type: ignore[arg-type]  # one of its kinds
        namespace="shop",
        name=name,
        workload=name,
        controllers=(name,),
        selector={"app": name},
        verdict=verdict,
        reasons=(Reason(verdict, "because of\nkind: Secret"),),
        hosts=(host,),
        base=(),
        decisions=(),
        refusals=(),
        coverage=COVERAGE,
        recommendation_id="0123456789abcdef",
        manifest=None if verdict == "ABSTAIN" else written,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_what_may_be_applied_is_a_resource(tmp_path: Path) -> None:
    items = [
        recommendation("b"),
        recommendation("a"),
        recommendation("c", "EMIT_REVIEW"),
        recommendation("d", "ABSTAIN"),
        recommendation("e", "EMIT_REVIEW", kind="SidecarPatch"),
    ]
    done = export(items, tmp_path)
    assert done.written == ["shop/a.yaml", "shop/b.yaml", "shop/c.yaml", "shop/e.patch.yaml", "kustomization.yaml"]
    text = (tmp_path / "kustomization.yaml").read_text()
    assert yaml.safe_load(text) == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["shop/a.yaml", "shop/b.yaml"],
    }
    assert "# review first: shop/c.yaml\n# apply by hand: shop/e.patch.yaml\n" in text
    export(items, tmp_path, include_review=True)
    reviewed = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())
    assert reviewed["resources"] == ["shop/a.yaml", "shop/b.yaml", "shop/c.yaml"]


def test_reasons_stay_comments(tmp_path: Path) -> None:
    item = recommendation("a")
    export([item], tmp_path)
    assert list(yaml.safe_load_all((tmp_path / "shop/a.yaml").read_text())) == [item.manifest]


def test_a_second_export_touches_only_what_changed(tmp_path: Path) -> None:
    export([recommendation("a"), recommendation("b")], tmp_path)
    before = contents(tmp_path)
    assert export([recommendation("a"), recommendation("b")], tmp_path).written == []
    assert contents(tmp_path) == before
    changed = export([recommendation("a"), recommendation("b", host="shop/z.shop")], tmp_path)
    assert changed.written == ["shop/b.yaml"]
    assert changed.unchanged == ["shop/a.yaml", "kustomization.yaml"]


def test_what_is_no_longer_recommended_stays_unless_pruned(tmp_path: Path) -> None:
    export([recommendation("a"), recommendation("b")], tmp_path)
    left = export([recommendation("a")], tmp_path)
    assert left.stale == ["shop/b.yaml"]
    assert yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["resources"] == ["shop/a.yaml", "shop/b.yaml"]
    assert export([recommendation("a")], tmp_path, complete=False).stale == []
    pruned = export([recommendation("a")], tmp_path, prune=True)
    assert pruned.removed == ["shop/b.yaml"]
    assert yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["resources"] == ["shop/a.yaml"]


def test_files_of_others_are_neither_written_nor_pruned(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/theirs.yaml").write_text("kind: Sidecar\n")
    export([recommendation("a")], tmp_path, prune=True)
    assert (tmp_path / "shop/theirs.yaml").read_text() == "kind: Sidecar\n"
    with pytest.raises(ExportError, match=r"theirs\.yaml was not written by meshlens"):
        export([recommendation("theirs")], tmp_path)
    assert (tmp_path / "shop/theirs.yaml").read_text() == "kind: Sidecar\n"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ExportError, match="choose another --out"):
        export([recommendation("a")], tmp_path / "out")
