"""Servers that ask for a login or have TLS, ranges that are too much for a server, and jobs that were cut off."""

from __future__ import annotations

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from pipelines.inputs.errors import InputError
from pipelines.inputs.options import InputOptions
from pipelines.jobs.ingest import IngestOptions, run_ingest
from pipelines.lake.session import open_session
from pipelines.sources import prometheus_access, prometheus_live
from pipelines.sources.prometheus_live import Period

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

START = 1_700_000_000
QUERY = "absent(nothing)"
PASSWORD = "open sesame"  # noqa: S105 - of the server below
#: bcrypt of the password, as Prometheus wants it.
HASH = "$2b$04$4lH33tR1goe3YhUe/Z9g5OXuRI4Vynq2DTFHDRf1NTYiE9EtHKtOO"


class Server:
    """A Prometheus with TLS, its own authority, client certificates and a password, that bears few samples."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.address = f"https://localhost:{port}"
        self.variables = {
            prometheus_access.CA_FILE_VARIABLE: str(folder / "ca.crt"),
            prometheus_access.CERTIFICATE_FILE_VARIABLE: str(folder / "client.crt"),
            prometheus_access.KEY_FILE_VARIABLE: str(folder / "client.key"),
            prometheus_access.USER_VARIABLE: "ali",
            prometheus_access.PASSWORD_VARIABLE: PASSWORD,
        }


def make_certificates(folder: Path) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    for name in ("server", "client"):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    binary = shutil.which("prometheus")
    if binary is None or shutil.which("openssl") is None:
        pytest.skip("prometheus or openssl is not installed: apt-get install prometheus openssl")
    folder = tmp_path_factory.mktemp("prometheus")
    make_certificates(folder)
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, "
        f"client_auth_type: RequireAndVerifyClientCert}}\nbasic_auth_users: {{ali: {HASH}}}\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--web.config.file={folder / 'web.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--query.max-samples=100",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            found = Server(folder, port)
            wait_until_up(found)
            yield found
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until_up(server: Server) -> None:
    context = ssl.create_default_context(cafile=server.folder / "ca.crt")
    context.load_cert_chain(server.folder / "client.crt", server.folder / "client.key")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if (
                httpx.get(f"{server.address}/-/ready", verify=context, timeout=2).status_code
                == httpx.codes.UNAUTHORIZED
            ):
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail("Prometheus did not come up")


def options(points: int, query: str = QUERY) -> IngestOptions:
    return IngestOptions(inputs=InputOptions(queries=(query,)), period=Period(START, START + points - 1, 1))


def times_of(lake: str) -> list[int]:
    with open_session(lake) as session:
        return sorted(int(row["time"].timestamp()) for row in session.query("metric_samples").to_pylist())


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(prometheus_access).items():
        if name.endswith("_VARIABLE"):
            monkeypatch.delenv(value, raising=False)


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_range_that_is_too_much_is_asked_for_in_halves(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, server.variables)
    lake = str(tmp_path / "lake")
    report = run_ingest([server.address], lake, options(700))
    assert (report.accepted, report.rejected) == (700, 0)
    assert times_of(lake) == list(range(START, START + 700))
    again = run_ingest([server.address], lake, options(700))
    assert (again.run_id, again.read) == (None, 0)
    for path in (tmp_path / "lake").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()


def test_a_password_and_a_token_can_be_in_files(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, server.variables)
    (tmp_path / "word").write_text(PASSWORD + "\n")
    monkeypatch.delenv(prometheus_access.PASSWORD_VARIABLE)
    monkeypatch.setenv(prometheus_access.PASSWORD_FILE_VARIABLE, str(tmp_path / "word"))
    assert run_ingest([server.address], str(tmp_path / "lake"), options(5)).accepted == 5


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (prometheus_access.CA_FILE_VARIABLE, None, "TLS failed"),
        (prometheus_access.CERTIFICATE_FILE_VARIABLE, None, "without MESHLENS_PROMETHEUS_CERTIFICATE_FILE"),
        (prometheus_access.PASSWORD_VARIABLE, "wrong-word", "401"),
        (prometheus_access.USER_VARIABLE, None, "401"),
        (prometheus_access.TOKEN_VARIABLE, "a-token", "one of them"),
        (prometheus_access.CA_FILE_VARIABLE, "/nowhere/ca.crt", "does not exist"),
        (prometheus_access.PASSWORD_FILE_VARIABLE, "/dev/null", "does not exist"),
    ],
)
def test_what_is_wrong_is_said_without_what_is_secret(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, said: str
) -> None:
    set_all(monkeypatch, {**server.variables, variable: value or ""})
    with pytest.raises(InputError, match=said) as caught:
        run_ingest([server.address], str(tmp_path / "lake"), options(5))
    for secret in ("wrong-word", "a-token", PASSWORD):
        assert secret not in str(caught.value)


class Gate(http.server.BaseHTTPRequestHandler):
    """What stands before a server: lets nobody in without the token, and breaks down after `left` answers."""

    left = 1_000_000
    token = "the-token"  # noqa: S105 - of this server

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.token}":
            self.answer(401, b"no")
            return
        if self.path.startswith("/api/v1/query_range") and type(self).left > 0:
            type(self).left -= 1
            query = dict(part.split("=") for part in self.path.partition("?")[2].split("&"))
            moments = range(int(query["start"]), int(query["end"]) + 1)
            values = ",".join(f'[{moment},"1"]' for moment in moments)
            series = f'{{"metric":{{"__name__":"up"}},"values":[{values}]}}'
            self.answer(200, f'{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}'.encode())
        else:
            self.answer(500, b"broken")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture
def gate() -> Iterator[str]:
    Gate.left = 1_000_000
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


def test_a_job_that_was_cut_off_goes_on_where_it_stopped(
    gate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(Gate.token + "\n")
    monkeypatch.setenv(prometheus_access.TOKEN_FILE_VARIABLE, str(tmp_path / "token"))
    monkeypatch.setattr(prometheus_live, "_BATCH_QUERIES", 2)
    monkeypatch.setattr(prometheus_live, "_POINTS", 10)
    lake = str(tmp_path / "lake")
    Gate.left = 3
    with pytest.raises(InputError, match="goes on from there") as caught:
        run_ingest([gate], lake, options(50, "up"))
    assert Gate.token not in str(caught.value)
    assert times_of(lake) == list(range(START, START + 20))
    Gate.left = 3
    report = run_ingest([gate], lake, options(50, "up"))
    assert report.accepted == 30
    assert times_of(lake) == list(range(START, START + 50))


def test_a_token_that_is_none_is_not_shown(gate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(prometheus_access.TOKEN_VARIABLE, "two\nlines-of-it")
    with pytest.raises(InputError) as caught:
        run_ingest([gate], str(tmp_path / "lake"), options(5))
    assert "lines-of-it" not in str(caught.value)
