"""Where we differ from Istio's analyzers on purpose, and false positives that users reported: a case each.

A file of `istio_differences/` holds objects, the code it is about, and the objects that Istio's analyzers name and ours
do. `docs/istio-differences.md` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import TypeAdapter

from analyzers.framework.analyzer import Options
from analyzers.framework.registry import codes
from meshlens.diagnose_input import diagnose_paths

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Compat

CASES = sorted(Path(__file__).with_name("istio_differences").glob("*.yaml"))
DOCUMENT = Path(__file__).parents[2] / "docs" / "istio-differences.md"


@dataclass(frozen=True, slots=True)
class Case:
    """`istio` and `ours` name the objects (`Kind/namespace/name`) that have a finding of the code `about`."""

    about: str
    thread: str | None
    why: str
    objects: str
    istio: list[str] = field(default_factory=list)
    ours: list[str] = field(default_factory=list)


def named(case: Case, folder: Path, compat: Compat | None) -> list[str]:
    """The objects that findings with the case's code as an alias are about."""
    file = folder / "objects.yaml"
    file.write_text(case.objects, encoding="utf-8")
    report, _ = diagnose_paths([str(file)], None, Options(compat=compat), ())
    known = codes()
    return sorted({item.object or "" for item in report.findings if case.about in known[item.code][1].aliases})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_istio_says_and_we_say(path: Path, tmp_path: Path) -> None:
    case = TypeAdapter(Case).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert named(case, tmp_path, "istio") == sorted(case.istio)
    assert named(case, tmp_path, None) == sorted(case.ours)


def test_the_document_lists_every_case() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [path.stem for path in CASES if path.stem not in text] == []
