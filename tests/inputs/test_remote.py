"""Inputs that are no files of this machine: web servers, object stores, standard input."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from meshlens.__main__ import build
from pipelines.inputs.addresses import has_credentials, is_address, is_remote
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.discover import discover
from pipelines.inputs.errors import InputError
from pipelines.inputs.opening import open_stream
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import plan_inputs
from pipelines.jobs.ingest import run_ingest
from pipelines.lake.session import open_session
from tests.support.log_lines import text_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server's address and its folder. It knows no ranges, as many do not."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", folder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of a store that speaks S3."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A client of the store's one bucket; the environment is that of a user of it."""
    import boto3

    secret = "nothing"  # noqa: S105 - the store asks for any
    for name, value in (
        ("AWS_ENDPOINT_URL", store), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=store)
    client.create_bucket(Bucket="logs")
    yield client
    for entry in client.list_objects_v2(Bucket="logs").get("Contents", []):
        client.delete_object(Bucket="logs", Key=entry["Key"])
    client.close()


def accepted(lake: str, *paths: str) -> dict[str, int]:
    return {file.source: file.accepted for file in run_ingest(paths, lake).files}


def test_what_is_a_file_and_what_a_prometheus() -> None:
    for server in ("http://prometheus:9090", "https://host/prometheus/", "http://host/a/b", "http://10.0.0.1:9090"):
        assert is_address(server)
    for file in ("https://host/a.log.gz", "http://envoy:15000/config_dump", "http://h/api/v1/query_range?query=up"):
        assert not is_address(file)
        assert is_remote(file)
    assert is_remote("s3://bucket/folder")
    assert not is_remote("/var/log/a.log")


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("https://u:p@host/a.log", True),
        ("https://host/a.log?X-Amz-Signature=ab", True),
        ("https://acc.blob/a.log?sv=1&sig=ab", True),
        ("s3://key:secret@bucket/a.log", True),
        ("https://host/loki/api/v1/query_range?query=x&limit=5", False),
        ("abfs://container@account.dfs.core.windows.net/a", False),
    ],
)
def test_addresses_with_credentials_are_refused_without_naming_them(address: str, holds: bool) -> None:
    assert has_credentials(address) == holds
    if holds:
        with pytest.raises(InputError, match="holds a credential") as error:
            discover([address])
        assert "sig" not in str(error.value)
        assert "secret" not in str(error.value)


def test_a_log_on_a_web_server(web: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = web
    (folder / "a.log.gz").write_bytes(gzip.compress(text_log(20)))
    lake = str(tmp_path / "lake")
    assert accepted(lake, f"{address}/a.log.gz") == {f"{address}/a.log.gz": 20}
    assert run_ingest([f"{address}/a.log.gz"], lake).files == []
    (folder / "a.log.gz").write_bytes(gzip.compress(text_log(30)))
    assert accepted(lake, f"{address}/a.log.gz") == {f"{address}/a.log.gz": 10}


def test_an_archive_on_a_web_server(web: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = web
    with tarfile.open(folder / "logs.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("shop/access.log")
        entry.size = len(text_log(5))
        archive.addfile(entry, io.BytesIO(text_log(5)))
    assert accepted(str(tmp_path / "lake"), f"{address}/logs.tar.gz") == {f"{address}/logs.tar.gz!shop/access.log": 5}


def test_what_a_web_server_does_not_have_is_said(web: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/none.log: cannot be downloaded: 404"):
        run_ingest([f"{web[0]}/none.log"], str(tmp_path / "lake"))
    with pytest.raises(InputError, match="cannot be downloaded"):
        run_ingest(["http://127.0.0.1:9/none.log"], str(tmp_path / "lake"))
    assert not (tmp_path / "lake").exists()


def test_objects_of_a_store(bucket: object, tmp_path: Path) -> None:
    put = partial(bucket.put_object, Bucket="logs")  # type: ignore[attr-defined] # the client's methods are made at run time
    put(Key="a/x y!.log", Body=text_log(2000))
    put(Key="a/b/c=1.log.gz", Body=gzip.compress(text_log(7, first=5000)))
    put(Key="a/.hidden.log", Body=text_log(1, first=9000))
    put(Key="z/other.log", Body=text_log(3, first=9000))
    lake = str(tmp_path / "lake")
    assert accepted(lake, "s3://logs/a") == {"s3://logs/a/x y!.log": 2000, "s3://logs/a/b/c=1.log.gz": 7}
    assert accepted(lake, "s3://logs/*/o[st]her.log") == {"s3://logs/z/other.log": 3}
    put(Key="a/x y!.log", Body=text_log(2001))
    assert accepted(lake, "s3://logs/a/x y!.log") == {"s3://logs/a/x y!.log": 1}
    with open_session(lake) as session:
        assert session.query("access_logs").num_rows == 2011


def test_what_a_store_does_not_have_is_said(bucket: object, tmp_path: Path) -> None:
    del bucket
    for address, message in (("s3://logs/none", "no such file"), ("s3://nobucket/a", "nobucket/a: ")):
        with pytest.raises(InputError, match=message):
            run_ingest([address], str(tmp_path / "lake"))


def test_objects_are_read_in_ranges(bucket: object) -> None:
    body = bytes(range(256)) * 12_000
    bucket.put_object(Bucket="logs", Key="big", Body=body)  # type: ignore[attr-defined] # as above
    with open_stream("s3://logs/big", "none") as stream:
        stream.skip_to(1_234_567)
        assert stream.read(10) == body[1_234_567:1_234_577]
        assert stream.read(2_000_000) == body[1_234_577:3_072_000]
        assert stream.read(10) == b""


def test_other_addresses_through_fsspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/folder/a.log", text_log(4))
    plan = plan_inputs(["memory://folder/a.log"], Checkpoints(), InputOptions())
    assert [(work.path, work.format, work.end) for work in plan.ranges] == [
        ("memory://folder/a.log", "istio_text", len(text_log(4)))
    ]
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(
        InputError, match=r"sftp://host/a: reading sftp:// needs fsspec: pip install 'meshlens\[remote\]'"
    ):
        run_ingest(["sftp://host/a"], str(tmp_path / "lake"))


def test_standard_input(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    command = ["ingest", "-", "--lake", lake, "--pod", "shop/cart-1", "-o", "json"]
    for data, count in ((gzip.compress(text_log(9)), 9), (text_log(12), 3), (text_log(2, first=50)[:-1], 2)):
        done = CliRunner().invoke(build(["ingest"]), command, input=data)
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["formats"]["istio_text"]["accepted"] == count
    done = CliRunner().invoke(build(["ingest"]), command, input=text_log(12))
    assert done.exit_code == 0
    with open_session(lake) as session:
        rows = session.query("access_logs").select(["source", "reporter_pod"]).to_pylist()
    assert len(rows) == 14
    assert len({row["source"] for row in rows}) == 3
    assert {row["reporter_pod"] for row in rows} == {"cart-1"}


def test_nothing_on_standard_input_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(build(["ingest"]), ["ingest", "-", "--lake", str(tmp_path / "lake")], input=b"")
    assert done.exit_code == 3
    assert "empty" in done.stderr + done.stdout
