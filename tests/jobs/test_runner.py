"""Which runner and how many workers."""

from __future__ import annotations

import os

import pytest
from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.jobs.runner import BeamOptionsError, beam_options, check_beam_options, is_local, runner_of

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("arguments", [(), ("--runner=DirectRunner",), ("--runner=FnApiRunner",)])
def test_locally_it_is_always_the_same_runner(arguments: tuple[str, ...]) -> None:
    assert isinstance(runner_of(beam_options(arguments)), FnApiRunner)
    assert is_local(beam_options(arguments))


def test_another_runner_and_its_options_are_passed_through() -> None:
    options = beam_options(["--runner=FlinkRunner", "--flink_master=host:8081"], 8, 1024 * MEBIBYTE)
    assert runner_of(options) == "FlinkRunner"
    assert not is_local(options)
    assert options.get_all_options()["flink_master"] == "host:8081"
    assert options.view_as(DirectOptions).direct_num_workers == 1


def test_a_large_local_job_uses_threads_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)

    def how(bundles: int, size: int, *arguments: str) -> tuple[str, int]:
        direct = beam_options(arguments, bundles, size).view_as(DirectOptions)
        return direct.direct_running_mode, direct.direct_num_workers

    assert how(9, 300 * MEBIBYTE) == ("multi_threading", 4)
    assert how(3, 100 * MEBIBYTE) == ("multi_threading", 3)
    assert how(1, 300 * MEBIBYTE) == how(9, MEBIBYTE) == ("in_memory", 1)
    assert how(9, 300 * MEBIBYTE, "--direct_num_workers=2") == ("in_memory", 2)


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--runner=Nope", "Unexpected pipeline runner: Nope"),
        ("--no_such=1", "no option --no_such"),
        ("--direct_num_workers=x", "invalid int value: 'x'"),
    ],
)
def test_mistakes_are_found_before_anything_runs(argument: str, complaint: str) -> None:
    with pytest.raises(BeamOptionsError, match=complaint):
        check_beam_options([argument])
    check_beam_options(["--direct_num_workers=2"])
