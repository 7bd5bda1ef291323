"""The format of an access log: from the mesh's own objects, well known, or told from its values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.layouts import layout_problem, with_known_layout
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_inputs
from pipelines.inputs.recognise import recognise
from pipelines.inputs.recognition import Recognition
from pipelines.inputs.text_logs import WELL_KNOWN
from pipelines.jobs.ingest import IngestOptions, run_ingest
from pipelines.lake.session import open_session
from pipelines.parsers.mesh_layouts import ISTIO_TEXT, layouts_of
from tests.support.log_lines import json_line, text_log
from tests.support.wrapped_logs import cri

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = "%REQ(:METHOD)%|%REQ(:PATH)%|%START_TIME(%s.%3f)%|%RESPONSE_CODE%|%DURATION%|%REQ(X-TEAM)%"
LINES = b"".join(b"GET|/items/%d|%d.086|200|12|shop\n" % (number, 1795385106 + number) for number in range(5))
JSON_LAYOUT = {"t": "%START_TIME%", "rc": "%RESPONSE_CODE%", "took": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%"}


def mesh(configuration: str) -> bytes:
    indented = "".join(f"    {line}\n" for line in configuration.splitlines())
    return (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |-\n"
        + indented
    ).encode()


TEXT_MESH = mesh(f"accessLogFile: /dev/stdout\naccessLogFormat: |\n  {LAYOUT}\n")
JSON_MESH = mesh(f"accessLogEncoding: JSON\naccessLogFormat: |\n  {json.dumps(JSON_LAYOUT)}\n")


@pytest.mark.parametrize(
    ("document", "layouts"),
    [
        (TEXT_MESH, [LAYOUT]),
        (JSON_MESH, [json.dumps(JSON_LAYOUT)]),
        (mesh(f"accessLogFormat: '{next(iter(ISTIO_TEXT))}'"), []),
        (mesh("accessLogFormat: ''"), []),
        (mesh("accessLogFormat: 'no operator'"), []),
        (
            mesh(f"extensionProviders:\n- name: a\n  envoyFileAccessLog:\n    logFormat: {{text: '{LAYOUT}'}}\n"),
            [LAYOUT],
        ),
        (
            mesh("extensionProviders:\n- name: a\n  envoyOtelAls: {logFormat: {labels: {rc: '%RESPONSE_CODE%'}}}\n"),
            ['{"rc":"%RESPONSE_CODE%"}'],
        ),
        (
            json.dumps(
                {"kind": "EnvoyFilter", "log_format": {"text_format_source": {"inline_string": LAYOUT}}}
            ).encode(),
            [LAYOUT],
        ),
        (b"kind: ConfigMap\ndata: {accessLogFormat: [1, 2", []),
        (b"{" * 100_000, []),
    ],
)
def test_formats_that_objects_set(document: bytes, layouts: list[str]) -> None:
    assert layouts_of(document) == layouts


@pytest.mark.parametrize("mesh_file", ["a.yaml", "z.txt"])
def test_a_log_is_read_by_the_format_that_the_mesh_beside_it_sets(tmp_path: Path, mesh_file: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / mesh_file).write_bytes(TEXT_MESH)
    (folder / "m.log").write_bytes(LINES)
    (folder / "n.log").write_bytes(b"".join(cri(line) for line in LINES.splitlines(keepends=True)))
    (folder / "o.log").write_bytes(text_log(3))
    lake = str(tmp_path / "lake")
    report = run_ingest([str(folder)], lake)
    assert report.skipped == []
    assert {file.source.rsplit("/", 1)[1]: (file.accepted, file.rejected) for file in report.files} == {
        mesh_file: (1, 0), "m.log": (5, 0), "n.log": (5, 0), "o.log": (3, 0)
    }  # fmt: skip
    with open_session(lake) as session:
        rows = session.query("access_logs").select(["path", "duration_ms", "attributes"]).to_pylist()
    assert rows.count({"path": "/items/4", "duration_ms": 12, "attributes": [("REQ(X-TEAM)", "shop")]}) == 2


def test_json_keys_mean_what_the_mesh_says(tmp_path: Path) -> None:
    (tmp_path / "mesh.yaml").write_bytes(JSON_MESH)
    line = {"t": "2026-01-01T12:00:00.000Z", "rc": 503, "took": 15_900}
    (tmp_path / "a.json").write_text(f"{json.dumps(line)}\n" * 5)
    plan = plan_inputs([str(tmp_path)], Checkpoints(), InputOptions())
    assert [
        (work.format, json.loads(work.context.layout or "{}"))
        for work in plan.ranges
        if work.format != "kubernetes_yaml"
    ] == [("istio_json", JSON_LAYOUT)]


def test_a_format_in_the_lake_is_that_of_later_logs(tmp_path: Path) -> None:
    (tmp_path / "mesh.yaml").write_bytes(TEXT_MESH)
    (tmp_path / "a.log").write_bytes(LINES)
    lake = str(tmp_path / "lake")
    run_ingest([str(tmp_path / "mesh.yaml")], lake)
    report = run_ingest([str(tmp_path / "a.log")], lake, IngestOptions())
    assert [(file.format, file.accepted) for file in report.files] == [("istio_text", 5)]


def known(data: bytes) -> Recognition:
    return with_known_layout(data, recognise(data, "/f", is_whole=True))


@pytest.mark.parametrize("prefix", ["", "ACCESS "])
def test_envoys_own_default_is_well_known(prefix: str) -> None:
    line = (
        f'{prefix}[2026-01-01T12:00:00.000Z] "POST /api HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" '
        '"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "10.0.2.1:80"\n'
    )
    assert known(line.encode() * 3) == Recognition("istio_text", layout=WELL_KNOWN[bool(prefix)])


def test_a_format_is_told_from_its_values() -> None:
    line = (
        b'ts=[%d/Nov/2026:21:58:08 +0000] code=%d req="GET /a/%d HTTP/1.1" to=outbound|80||a.b.svc.cluster.local '
        b'ua="x y" 7\n'
    )
    found = known(b"".join(line % (10 + number, 200 + number % 2, number) for number in range(6)))
    assert found.format == "istio_text"
    assert found.layout == (
        "ts=[%START_TIME(%d/%b/%Y:%H:%M:%S %z)%] code=%RESPONSE_CODE% "
        'req="%REQ(:METHOD)% %VALUE_4% %PROTOCOL%" to=%UPSTREAM_CLUSTER% ua="%VALUE_7%" %VALUE_8%'
    )


@pytest.mark.parametrize(
    "data", [text_log(5), json_line(0) * 3, b"hello world\n" * 9, b"a=1 b=2 c=2026-01-01T00:00:00Z\n" * 9]
)
def test_nothing_is_told_from_values_that_say_nothing(data: bytes) -> None:
    assert known(data) == recognise(data, "/f", is_whole=True)


def test_a_format_that_cannot_be_used_is_refused_before_anything_is_read() -> None:
    assert layout_problem(LAYOUT) == ""
    assert "no %START_TIME%" in layout_problem("%RESPONSE_CODE%")
    assert "JSON object" in layout_problem("{1: 2}")
