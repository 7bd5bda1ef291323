"""Plans over real files: what is new is read once, whatever happened to the files since."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines.inputs.checkpoints import Checkpoints
from pipelines.inputs.errors import ChangedError
from pipelines.inputs.options import InputOptions
from pipelines.inputs.path_identity import Pod, pod_rules
from pipelines.inputs.plan import InputPlan, plan_inputs
from pipelines.inputs.ranges import RangeEnd, read_range
from pipelines.inputs.records import Chunk
from tests.support.log_lines import text_line, text_log

if TYPE_CHECKING:
    from pathlib import Path

QUIET = InputOptions(quiet_seconds=-1.0)
GROWING = InputOptions(quiet_seconds=3600.0)


def read(plan: InputPlan, checkpoints: Checkpoints) -> bytes:
    """Read all that is planned, in order, and keep the checkpoints."""
    content: list[bytes] = []
    ends: list[RangeEnd] = []
    for work in plan.ranges:
        for piece in read_range(work):
            if isinstance(piece, RangeEnd):
                ends.append(piece)
            else:
                assert isinstance(piece, Chunk)
                content.append(piece.data)
    for end in ends:
        checkpoints.add(end.checkpoint)
    return b"".join(content)


class Inputs:
    """A folder that is read again and again."""

    def __init__(self, folder: Path, options: InputOptions = QUIET) -> None:
        self.folder = folder
        self.options = options
        self.known = Checkpoints()

    def plan(self) -> InputPlan:
        return plan_inputs([str(self.folder)], self.known, self.options)

    def read(self) -> bytes:
        return read(self.plan(), self.known)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    folder = tmp_path / "in"
    folder.mkdir()
    return Inputs(folder)


def test_the_same_again_adds_nothing_and_growth_only_what_is_new(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(3))
    assert inputs.read() == text_log(3)
    plan = inputs.plan()
    assert plan.ranges == []
    assert [(file.path, file.same_as) for file in plan.unchanged] == [(str(log), None)]
    for step in range(30):
        with log.open("ab") as file:
            file.write(text_line(3 + step))
        assert inputs.read() == text_line(3 + step)


def test_rotation_by_rename_is_followed(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(20))
    inputs.read()
    with log.open("ab") as file:
        file.write(text_log(2, 20))
    log.rename(inputs.folder / "access.log.1")
    log.write_bytes(text_log(3, 22))
    plan = inputs.plan()
    assert any("continues" in note for note in plan.notes)
    assert sorted(read(plan, inputs.known).splitlines()) == text_log(5, 20).splitlines()
    (inputs.folder / "access.log.1").rename(inputs.folder / "access.log.2")
    log.rename(inputs.folder / "access.log.1")
    assert inputs.read() == b""


def test_rotation_by_copy_and_truncation_is_followed(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(5))
    inputs.read()
    (inputs.folder / "access.log.1").write_bytes(text_log(7))
    os.truncate(log, 0)
    assert inputs.read() == text_log(2, 5)
    log.write_bytes(text_log(9, 100))
    assert inputs.read() == text_log(9, 100)
    assert inputs.read() == b""


def test_compressing_a_rotated_log_adds_nothing_but_what_was_not_read(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(40))
    inputs.read()
    log.unlink()
    (inputs.folder / "access.log.1.gz").write_bytes(gzip.compress(text_log(45)))
    assert inputs.read() == text_log(5, 40)
    assert inputs.plan().ranges == []


def test_a_gzip_member_appended_is_growth(inputs: Inputs) -> None:
    log = inputs.folder / "access.log.gz"
    log.write_bytes(gzip.compress(text_log(30)))
    assert inputs.read() == text_log(30)
    with log.open("ab") as file:
        file.write(gzip.compress(text_log(4, 30)))
    assert inputs.read() == text_log(4, 30)
    os.utime(log, (1, 1))
    assert inputs.read() == b""


def test_a_replaced_file_starts_over(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(5))
    inputs.read()
    log.write_bytes(text_log(5, 100))
    assert inputs.read() == text_log(5, 100)


def test_documents_are_read_whole_when_any_byte_changes(inputs: Inputs) -> None:
    document = inputs.folder / "objects.yaml"
    padding = "#" * 20_000
    document.write_text(f"apiVersion: v1\nkind: Pod\n# {padding} 1 {padding}\n")
    assert inputs.read() != b""
    assert inputs.read() == b""
    document.write_text(f"apiVersion: v1\nkind: Pod\n# {padding} 2 {padding}\n")
    assert inputs.read() == document.read_bytes()


def test_equal_answers_to_different_queries_are_different(inputs: Inputs) -> None:
    answer = '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}'
    (inputs.folder / "a.json").write_text(answer)
    (inputs.folder / "b.json").write_text(answer)
    (inputs.folder / "queries.json").write_text('{"a.json": "sum(rate(requests[1m]))", "b.json": "sum(errors)"}')
    plan = inputs.plan()
    assert [work.context.default_metric for work in plan.ranges] == ["requests", "errors"]
    assert len(read(plan, inputs.known)) == 2 * len(answer)
    assert inputs.read() == b""


def test_a_query_given_by_the_user_names_the_metric(inputs: Inputs) -> None:
    answer = '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}'
    (inputs.folder / "a.json").write_text(answer)
    for query in ("sum by (x) (up)", "a.json=sum by (x) (up)"):
        plan = plan_inputs([str(inputs.folder)], Checkpoints(), InputOptions(queries=(query,)))
        assert [work.context.default_metric for work in plan.ranges] == ["up"]


def test_copies_are_read_once(inputs: Inputs) -> None:
    (inputs.folder / "z.log").write_bytes(text_log(10))
    (inputs.folder / "copy.log").write_bytes(text_log(10))
    (inputs.folder / "later.log").write_bytes(text_log(14))
    (inputs.folder / "z.log.gz").write_bytes(gzip.compress(text_log(10)))
    assert sorted(inputs.read().splitlines()) == text_log(14).splitlines()


def test_logs_of_two_known_pods_are_two_however_alike(inputs: Inputs) -> None:
    for pod in ("a", "b"):
        (inputs.folder / pod).mkdir()
        (inputs.folder / pod / "access.log").write_bytes(text_log(3))
    rules = pod_rules(None, ["a/*=shop/a", "b/*=shop/b"])
    plan = plan_inputs([str(inputs.folder)], Checkpoints(rules=rules), InputOptions(rules=rules))
    assert [(work.namespace, work.pod) for work in plan.ranges] == [("shop", "a"), ("shop", "b")]
    assert Pod("shop", "a") != Pod("shop", "b")


def test_an_unfinished_line_waits_while_the_file_grows(inputs: Inputs) -> None:
    inputs.options = GROWING
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(2) + text_line(2)[:50])
    plan = inputs.plan()
    assert plan.unsettled == [str(log)]
    assert "50 bytes are a line without an end" in plan.notes[0]
    assert read(plan, inputs.known) == text_log(2)
    with log.open("ab") as file:
        file.write(text_line(2)[50:])
    assert inputs.read() == text_line(2)
    with log.open("ab") as file:
        file.write(b"the end")
    assert inputs.read() == b""
    inputs.options = QUIET
    assert inputs.read() == b"the end"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=40),
    st.integers(1, 200),
    st.one_of(st.none(), st.integers(1, 300)),
    st.booleans(),
)
def test_ranges_cover_every_line_once(
    tmp_path: Path, sizes: list[int], range_bytes: int, limit: int | None, is_ended: bool
) -> None:
    folder = tmp_path / "ranges"
    folder.mkdir(exist_ok=True)
    content = text_line(0) + b"\n".join(b"x" * size for size in sizes) + (b"\n" if is_ended else b"")
    (folder / "access.log").write_bytes(content)
    inputs = Inputs(folder, InputOptions(quiet_seconds=-1.0, range_bytes=range_bytes, limit_bytes=limit))
    got = b""
    while part := inputs.read():
        got += part
    assert got == content


def test_a_file_that_changes_after_planning_is_an_error(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    for change in ("vanish", "shrink", "replace", "replace same head"):
        log.write_bytes(text_log(30))
        plan = plan_inputs([str(log)], Checkpoints(), QUIET)
        if change == "vanish":
            log.unlink()
        elif change == "shrink":
            os.truncate(log, 5000)
        elif change == "replace":
            log.write_bytes(text_log(30, 50))
        else:
            log.write_bytes(text_log(15))
        with pytest.raises(ChangedError, match=r"access\.log"):
            read(plan, Checkpoints())


def test_what_was_read_before_must_still_be_there(inputs: Inputs) -> None:
    log = inputs.folder / "access.log"
    log.write_bytes(text_log(30))
    inputs.read()
    with log.open("ab") as file:
        file.write(text_log(1, 30))
    plan = inputs.plan()
    content = bytearray(log.read_bytes())
    content[-600:-500] = b"#" * 100
    log.write_bytes(bytes(content))
    with pytest.raises(ChangedError, match="what was read before changed"):
        read(plan, inputs.known)


def test_unreadable_files_are_skipped_with_the_reason(inputs: Inputs) -> None:
    (inputs.folder / "a.zst").write_bytes(b"\x28\xb5\x2f\xfd....")
    (inputs.folder / "b.gz").write_bytes(gzip.compress(b"a" * 1000)[:-20] + b"#" * 40)
    (inputs.folder / "c.txt").write_text("hello")
    reasons = [skip.reason for skip in inputs.plan().skipped]
    assert "damaged zstd data" in reasons[0]
    assert "'hello'" in reasons[2]
    assert inputs.plan().ranges == []


def test_an_unfinished_message_is_left_until_the_file_grows_or_is_quiet(inputs: Inputs) -> None:
    inputs.options = GROWING
    spans = inputs.folder / "traces.binpb"
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = b"\1" * 16, b"\2" * 8, "call"
    data = request.SerializeToString()
    message = bytes([len(data)]) + data
    spans.write_bytes(message * 2 + message[:20])
    assert inputs.read() == message * 2
    assert inputs.plan().ranges == []
    with spans.open("ab") as file:
        file.write(message[20:] + message[:5])
    assert inputs.read() == message
    inputs.options = QUIET
    assert inputs.read() == message[:5]
    assert inputs.plan().ranges == []


def test_a_copy_of_a_file_that_is_taken_in_steps_waits_for_its_end(inputs: Inputs) -> None:
    (inputs.folder / "a.log").write_bytes(text_log(40))
    (inputs.folder / "b.log").write_bytes(text_log(45))
    inputs.options = InputOptions(quiet_seconds=-1.0, limit_bytes=5_000)
    assert inputs.plan().deferred == [str(inputs.folder / "b.log")]
    got: list[bytes] = []
    while part := inputs.read():
        got += part.splitlines()
    assert got == text_log(45).splitlines()
