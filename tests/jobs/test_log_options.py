"""Options of logs: the layout they have, the cluster they are of, and whether credentials are hidden."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from meshlens.__main__ import build
from meshlens.ingest import log_options
from pipelines.inputs.layouts import with_layout
from pipelines.inputs.options import InputOptions
from pipelines.inputs.recognise import recognise
from pipelines.jobs.ingest import IngestOptions, run_ingest
from pipelines.lake.session import open_session
from tests.support.log_lines import json_line, text_line, text_log
from tests.support.wrapped_logs import cri, fluent_bit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYOUT = json.dumps({"ts": "%START_TIME%", "status": "%RESPONSE_CODE%", "p": "%REQ(:PATH)%", "fl": "%RESPONSE_FLAGS%"})
LINE = b'{"ts":"2026-01-01T12:00:00.000Z","status":200,"p":"/items","fl":"-"}\n'


@pytest.mark.parametrize("wrap", [lambda line: line, cri, lambda line: json.dumps(fluent_bit(line)).encode() + b"\n"])
def test_a_layout_makes_a_log_of_what_is_none(wrap: Callable[[bytes], bytes]) -> None:
    data = b"".join(wrap(LINE) for _ in range(5))
    found = with_layout(data, recognise(data, "/f", is_whole=True), ['{"time": "%START_TIME%"}', LAYOUT])
    assert (found.format, found.layout) == ("istio_json", LAYOUT)


def test_a_layout_leaves_alone_what_it_does_not_read() -> None:
    for data in (text_log(5), json_line(0), b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", b"hello\n"):
        recognised = recognise(data, "/f", is_whole=True)
        assert with_layout(data, recognised, ["[%START_TIME%] %BYTES_SENT% only"]) == recognised


def test_rows_have_the_cluster_and_credentials_are_hidden_unless_asked_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.log").write_bytes(text_line(0).replace(b"/items/0", b"/items/0?token=hunter2"))
    (folder / "pod.yaml").write_bytes(b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
    for redact, expected in ((True, "/items/0?token=[redacted]"), (False, "/items/0?token=hunter2")):
        lake = str(tmp_path / str(redact))
        run_ingest([str(folder)], lake, IngestOptions(InputOptions(cluster="east", redact=redact)))
        with open_session(lake) as session:
            assert session.query("access_logs").select(["path", "cluster"]).to_pylist() == [
                {"path": expected, "cluster": "east"}
            ]
            assert session.query("mesh_objects")["cluster"].to_pylist() == ["east"]


def test_a_layout_comes_from_a_file_or_says_why_not(tmp_path: Path) -> None:
    layout = tmp_path / "layout.json"
    layout.write_text(LAYOUT + "\n")
    assert log_options([f"@{layout}", "%START_TIME%"], None, redact=True)["layouts"] == (LAYOUT, "%START_TIME%")
    with pytest.raises(typer.BadParameter, match="cannot be read"):
        log_options([f"@{tmp_path}/none"], None, redact=True)
    (tmp_path / "a.log").write_bytes(LINE * 3)
    command = ["ingest", str(tmp_path / "a.log"), "--lake", str(tmp_path / "lake"), "--log-format", f"@{layout}"]
    done = CliRunner().invoke(build(["ingest"]), [*command, "--cluster", "west", "--no-redact", "-o", "json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["formats"]["istio_json"]["accepted"] == 3
    with open_session(str(tmp_path / "lake")) as session:
        assert (
            session.query("access_logs").select(["path", "cluster"]).to_pylist()
            == [{"path": "/items", "cluster": "west"}] * 3
        )
