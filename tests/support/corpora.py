"""The Envoy corpora of the development data: input as a user has it, truth beside it."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(os.environ.get("ENVOY_CORPUS_DIR") or Path(__file__).parents[2].parent / "shared" / "envoy-corpus")

#: The lab's own recording of faults, which is always there.
FAULTS: Final = Path(__file__).parents[1] / "recordings" / "faults"

#: A call edge as both the truth and the topology name it: caller workload, called host, protocol.
EdgeKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus folder."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def truth(self) -> dict[str, object] | None:
        file = self.path / "ground_truth.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    @property
    def healthy(self) -> bool:
        """Whether the truth says that nothing was injected."""
        return self.truth is not None and not self.truth["faults"]

    def inputs(self, *kinds: str) -> list[str]:
        """Folders of the named kinds of input that this corpus has."""
        return [str(self.path / "input" / kind) for kind in kinds if (self.path / "input" / kind).exists()]

    def edges(self) -> Counter[EdgeKey]:
        """Calls by edge as the applications made them."""
        assert self.truth is not None
        edges = self.truth["edges"]
        assert isinstance(edges, list)
        return Counter({(edge["from"], edge["to"], edge["protocol"]): edge["count"] for edge in edges})


def corpora() -> list[Corpus]:
    """Every corpus there is; none where the development data is absent."""
    return [Corpus(path) for path in sorted(ROOT.iterdir()) if (path / "input").is_dir()] if ROOT.is_dir() else []


def diagnosable() -> list[Corpus]:
    """Every corpus with text logs, the lab's own recording of faults among them."""
    return [corpus for corpus in (Corpus(FAULTS), *corpora()) if corpus.inputs("logs-text")]


def each_corpus(*, healthy: bool | None = None) -> pytest.MarkDecorator:
    """Parametrise a test over the corpora with a truth (`healthy`: only those with, or without, faults)."""
    found = [
        corpus for corpus in corpora() if corpus.truth is not None and (healthy is None or corpus.healthy == healthy)
    ]
    absent = pytest.param(None, marks=pytest.mark.skip(reason=f"no corpora in {ROOT}; set ENVOY_CORPUS_DIR"))
    return pytest.mark.parametrize("corpus", found or [absent], ids=lambda corpus: corpus.name if corpus else "absent")
