"""Records of the corpora, one kind at a time: as many as their files have, and none when read again."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines.jobs.ingest import run_ingest
from pipelines.lake.session import open_session
from tests.support.corpora import each_corpus

if TYPE_CHECKING:
    from tests.support.corpora import Corpus

pytestmark = pytest.mark.corpus

KINDS = {"logs-text": "istio_text", "logs-json": "istio_json"}


def lines(folders: list[str]) -> int:
    count = 0
    for folder in folders:
        for path in filter(Path.is_file, Path(folder).rglob("*")):
            data = path.read_bytes()
            count += (gzip.decompress(data) if path.suffix == ".gz" else data).count(b"\n")
    return count


@each_corpus()
@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_a_row_and_again_adds_nothing(corpus: Corpus, kind: str, tmp_path: Path) -> None:
    folders = corpus.inputs(kind)
    if not folders:
        pytest.skip(f"{corpus.name} has no {kind}")
    lake = str(tmp_path / "lake")
    report = run_ingest(folders, lake)
    assert {file.format for file in report.files} == {KINDS[kind]}
    assert report.read == lines(folders)
    again = run_ingest(folders, lake)
    assert (again.run_id, again.read, len(again.unchanged)) == (None, 0, len(report.files))
    with open_session(lake) as session:
        session.require("access_logs", "edges_1m")
        counts = "SELECT (SELECT count(*) FROM access_logs), (SELECT sum(calls)::BIGINT FROM edges_1m)"
        assert session.connection.execute(counts).fetchone() == (report.accepted, report.accepted)


@each_corpus()
def test_what_is_not_read_is_listed(corpus: Corpus, tmp_path: Path) -> None:
    everything = corpus.path / "input"
    report = run_ingest([str(everything)], str(tmp_path / "lake"))
    said = {skip.path for skip in report.skipped} | {file.source for file in report.files}
    said |= {file.path for file in report.unchanged}
    assert said == {str(path) for path in everything.rglob("*") if path.is_file()}
    not_read = {skip.path: skip.reason for skip in report.skipped}
    for path, reason in not_read.items():
        if "proxies" in path:
            assert "not read yet" in reason
    assert report.rejected == 0
