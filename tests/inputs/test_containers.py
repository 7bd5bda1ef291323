"""Every compression and archive gives the bytes that are in it; what is damaged, hostile or cut short says so."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import pathlib
import tarfile
import zipfile
from typing import TYPE_CHECKING

import lz4.frame
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipelines.inputs.spool
from pipelines.inputs.archives import members_of
from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.compression import Limits, container_of, read_exactly
from pipelines.inputs.errors import ChangedError, DamagedError, InputError
from pipelines.inputs.opening import open_bytes, open_stream
from pipelines.inputs.options import InputOptions
from pipelines.inputs.plan import InputPlan, plan_inputs
from pipelines.inputs.ranges import RangeEnd, read_range
from pipelines.inputs.records import Chunk
from tests.support.log_lines import json_line, text_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
QUIET = InputOptions(quiet_seconds=-1.0)


def unpacked(path: Path, container: str, limits: Limits | None = None) -> bytes:
    with open_stream(str(path), container, limits) as stream:
        return read_exactly(stream, 1 << 30)


def planned(folder: Path) -> InputPlan:
    return plan_inputs([str(folder)], Checkpoints(), QUIET)


def content(plan: InputPlan) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for work in plan.ranges:
        for piece in read_range(work):
            if not isinstance(piece, RangeEnd):
                assert isinstance(piece, Chunk)
                found[work.path] = found.get(work.path, b"") + piece.data
    return found


def tar_of(members: dict[str, bytes], **options: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:  # type: ignore[call-overload]  # format=
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), 1_700_000_000
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sampled_from(sorted(COMPRESS)), st.lists(st.binary(max_size=3000), max_size=3), st.integers(1, 999))
def test_members_read_in_any_portions(tmp_path: Path, container: str, parts: list[bytes], size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"".join(map(COMPRESS[container], parts)))
    pieces: list[bytes] = []
    with open_stream(str(path), container) as stream:
        while piece := stream.read(size):
            assert len(piece) <= size
            pieces.append(piece)
        assert not stream.is_cut_off
    assert b"".join(pieces) == b"".join(parts)


@pytest.mark.parametrize("container", COMPRESS)
def test_cut_off_damaged_and_bombs(tmp_path: Path, container: str) -> None:
    noise = os.urandom(300_000)
    path = tmp_path / "file"
    whole = COMPRESS[container](noise)
    assert container_of(whole) == container
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with open_stream(str(path), container) as stream:
        got = read_exactly(stream, 1 << 20)
        assert stream.is_cut_off
    assert noise.startswith(got)
    path.write_bytes(whole + b"no member at all")
    with pytest.raises(DamagedError, match=f"damaged {container} data"):
        unpacked(path, container)
    path.write_bytes(COMPRESS[container](bytes(20_000_000)))
    with pytest.raises(InputError, match=r"unpacks to more than .* archive bomb"):
        unpacked(path, container, Limits(free_bytes=1 << 20, ratio=2))


@pytest.mark.parametrize("around", ["none", *COMPRESS])
def test_tar_members_are_files_of_their_own(tmp_path: Path, around: str) -> None:
    long = f"{'folder/' * 30}{'n' * 120}.log"
    members = {
        "logs/shop_cart-0_0123456789abcdef0123456789abcdef/istio-proxy/0.log": text_log(30),
        "b.log.gz": gzip.compress(text_log(20, 100)),
        "c.json": json_line(7),
        long: text_log(3, 500),
    }
    data = tar_of(members)
    (tmp_path / "logs.tar").write_bytes(data if around == "none" else COMPRESS[around](data))
    plan = planned(tmp_path)
    base = f"{tmp_path}/logs.tar!"
    assert content(plan) == {
        base + name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in members.items()
    }
    assert {work.pod for work in plan.ranges} == {"cart-0", None}
    assert {work.modified_us for work in plan.ranges} == {1_700_000_000_000_000}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar(tmp_path: Path, form: int) -> None:
    name = f"{'d' * 90}/{'n' * 60}" if form == tarfile.USTAR_FORMAT else f"{'ü' * 200}/{'n' * 200}"
    (tmp_path / "a.tar").write_bytes(tar_of({name: text_log(2), "b": text_log(1, 9)}, format=form))
    assert content(planned(tmp_path)) == {
        f"{tmp_path}/a.tar!{name}": text_log(2),
        f"{tmp_path}/a.tar!b": text_log(1, 9),
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_members_are_files_of_their_own(tmp_path: Path, method: int) -> None:
    members = {"a/b.log": text_log(9), "c.log.zst": zstandard.compress(text_log(5, 50))}
    (tmp_path / "logs.zip").write_bytes(zip_of(members, method))
    base = f"{tmp_path}/logs.zip!"
    assert content(planned(tmp_path)) == {f"{base}a/b.log": text_log(9), f"{base}c.log.zst": text_log(5, 50)}


def test_an_archive_read_before_adds_nothing_and_a_copy_of_a_file_in_it_neither(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(gzip.compress(tar_of({"x.log": text_log(9)})))
    (tmp_path / "x.log").write_bytes(text_log(9))
    plan = planned(tmp_path)
    assert [work.path for work in plan.ranges] == [f"{tmp_path}/x.log"]
    assert [(file.path, file.same_as) for file in plan.unchanged] == [(f"{tmp_path}/a.tgz!x.log", f"{tmp_path}/x.log")]


def test_what_leads_out_of_an_archive_is_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    secret.write_bytes(text_log(1))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("../secret.log", "/etc/hosts", "a/../../b.log", "good.log"):
            entry = tarfile.TarInfo(name)
            entry.size = len(text_log(2))
            archive.addfile(entry, io.BytesIO(text_log(2)))
        for name, kind in (("link.log", tarfile.SYMTYPE), ("hard.log", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, str(secret)
            archive.addfile(entry)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.tar").write_bytes(buffer.getvalue())
    plan = planned(folder)
    assert content(plan) == {f"{folder}/a.tar!good.log": text_log(2)}
    reasons = {skip.path.partition("!")[2]: skip.reason for skip in plan.skipped}
    assert reasons == {
        "../secret.log": "its name leads out of the archive",
        "/etc/hosts": "its name leads out of the archive",
        "a/../../b.log": "its name leads out of the archive",
        "link.log": "a link in an archive",
        "hard.log": "a link in an archive",
        "pipe": "a pipe in an archive",
    }


def test_of_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for data in (text_log(1), text_log(2, 50)):
            entry = tarfile.TarInfo("x.log")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    assert content(planned(tmp_path)) == {f"{tmp_path}/a.tar!x.log": text_log(2, 50)}


def test_an_archive_cut_short_gives_what_is_whole(tmp_path: Path) -> None:
    data = tar_of({"a.log": text_log(30), "b.log": text_log(30, 50)})
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(data[: len(data) // 2]))
    plan = planned(tmp_path)
    assert content(plan) == {f"{tmp_path}/a.tar.gz!a.log": text_log(30)}
    assert [skip.reason for skip in plan.skipped] == ["the archive ends within b.log"]
    (tmp_path / "a.tar.gz").write_bytes(data[:600] + b"#" * 200 + data[1024:].replace(b"ustar", b"rusta"))
    (tmp_path / "b.zip").write_bytes(zip_of({"a.log": text_log(3)})[:-30])
    assert any("damaged zip archive" in skip.reason for skip in planned(tmp_path).skipped)


def test_an_archive_in_an_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(
        tar_of({"b.zip": zip_of({"a.log": text_log(1)}), "c.tgz": gzip.compress(tar_of({"x": b"y"}))})
    )
    assert {skip.reason for skip in planned(tmp_path).skipped} == {
        "an archive in an archive; unpack the outer one and ingest the files"
    }


def test_bombs_in_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    limits = Limits(free_bytes=1 << 20)
    path.write_bytes(gzip.compress(tar_of({"zeros": bytes(50_000_000)})))
    with pytest.raises(InputError, match="archive bomb"):
        members_of(open_bytes(str(path)), (str(path), "gzip", "tar"), limits)
    path.write_bytes(zip_of({str(number): bytes(5_000_000) for number in range(10)}))
    with pytest.raises(InputError, match="archive bomb"):
        members_of(open_bytes(str(path)), (str(path), "none", "zip"), limits)


def test_an_archive_replaced_meanwhile_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_of({"x.log": text_log(9)})))
    plan = planned(tmp_path)
    path.write_bytes(gzip.compress(tar_of({"x.log": text_log(9, 50)})))
    with pytest.raises(ChangedError, match=r"a\.tgz!x\.log: .* changed after the run was planned"):
        content(plan)
    path.write_bytes(gzip.compress(tar_of({"y.log": text_log(9)})))
    with pytest.raises(ChangedError, match="in the archive no longer"):
        content(plan)
    path.unlink()
    with pytest.raises(ChangedError, match="the archive is gone"):
        content(plan)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_of({"x.log": text_log(9)})))
    pipelines.inputs.spool.SPOOLS.clear()
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: pathlib.Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115 - closed by the code under test
    plan = planned(tmp_path)
    assert plan.ranges == []
    assert "No space left on device; set TMPDIR" in plan.skipped[0].reason


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.data())
def test_mutated_archives_never_crash(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["tar", "zip", "tgz"]))
    members = {"a.log": text_log(2), "b.log": text_log(2, 9)}
    packed = zip_of(members) if kind == "zip" else tar_of(members)
    content_ = bytearray(gzip.compress(packed) if kind == "tgz" else packed)
    for _ in range(data.draw(st.integers(1, 4))):
        content_[data.draw(st.integers(0, len(content_) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "file").write_bytes(content_)
    plan = planned(tmp_path)
    with contextlib.suppress(InputError):
        content(plan)
    assert all(skip.reason for skip in plan.skipped)
