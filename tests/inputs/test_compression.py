"""Gzip streams: members, growth, damage, bombs."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.inputs.compression import PLAIN, Limits, container_of, read_exactly
from pipelines.inputs.decompressors import GZIP
from pipelines.inputs.errors import ChangedError, DamagedError, InputError
from pipelines.inputs.opening import open_stream

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = os.urandom(200_000) + b"x" * 300_000


def stored(folder: Path, data: bytes) -> str:
    path = folder / "file.gz"
    path.write_bytes(data)
    return str(path)


def all_of(path: str, limits: Limits | None = None) -> bytes:
    with open_stream(path, GZIP, limits) as stream:
        return read_exactly(stream, 1 << 30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=3000), max_size=4), st.integers(0, 50), st.integers(1, 999))
def test_members_and_padding_read_in_any_portions(tmp_path: Path, parts: list[bytes], padding: int, size: int) -> None:
    path = stored(tmp_path, b"".join(gzip.compress(part, mtime=0) + bytes(padding) for part in parts))
    pieces: list[bytes] = []
    with open_stream(path, GZIP) as stream:
        while piece := stream.read(size):
            assert len(piece) <= size
            pieces.append(piece)
        assert not stream.is_cut_off
    assert b"".join(pieces) == b"".join(parts)


def test_skipping_and_head_agree_with_reading(tmp_path: Path) -> None:
    path = stored(tmp_path, gzip.compress(CONTENT[:100_000], mtime=0) + gzip.compress(CONTENT[100_000:]))
    with open_stream(path, GZIP) as stream:
        stream.skip_to(99_990)
        assert stream.head(5000) == CONTENT[:5000]
        assert read_exactly(stream, 20) == CONTENT[99_990:100_010]


def test_a_member_cut_off_ends_where_its_bytes_end(tmp_path: Path) -> None:
    data = gzip.compress(CONTENT, mtime=0)
    path = stored(tmp_path, data[: len(data) // 2])
    with open_stream(path, GZIP) as stream:
        got = read_exactly(stream, len(CONTENT))
        assert stream.is_cut_off
    assert 0 < len(got) < len(CONTENT)
    assert CONTENT.startswith(got)


def test_damage_is_an_error_after_what_is_good(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(os.urandom(1_000_000)))
    data[600_000:600_100] = bytes(100)
    path = stored(tmp_path, bytes(data))
    with open_stream(path, GZIP) as stream:
        assert len(read_exactly(stream, 400_000)) == 400_000
        with pytest.raises(DamagedError, match="damaged gzip data"):
            read_exactly(stream, 600_000)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, gzip.compress(bytes(50_000_000)))
    with pytest.raises(InputError, match=r"file\.gz: unpacks to more than .* archive bomb"):
        all_of(path, Limits(free_bytes=1 << 20))
    with pytest.raises(InputError, match="unpacks to more than 1000000 bytes"):
        all_of(path, Limits(total_bytes=1_000_000))
    assert len(all_of(path)) == 50_000_000


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ChangedError, match="nothing-here: the file is gone"):
        open_stream(str(tmp_path / "nothing-here"), PLAIN)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (gzip.compress(b"a", mtime=0), GZIP),
        (b"\x28\xb5\x2f\xfd\0", "zstd"),
        (b"PK\x03\x04", "zip"),
        (bytes(257) + b"ustar\x0000", "tar"),
        (b"[2026", PLAIN),
        (b"", PLAIN),
    ],
)
def test_containers(head: bytes, name: str) -> None:
    assert container_of(head) == name
