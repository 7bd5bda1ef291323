"""Expositions and admin pages told from first bytes."""

from __future__ import annotations

import pytest

from pipelines.inputs.recognise import recognise


@pytest.mark.parametrize(
    "content",
    [
        b"# HELP requests All.\n# TYPE requests counter\nrequests 1\n",
        b'requests{code="200"} 1\n',
        b'requests{code="200"} 1 1700000000000\n',
        b"envoy_server_live{} 1\n",
        b"process_cpu_seconds_total 12.5\n",
        b'{"my.metric",code="200"} NaN\n',
        b'# TYPE latency histogram\nlatency_bucket{le="+Inf"} 3 # {trace_id="a"} 0.5\n# EOF\n',
        b"broken line\n# TYPE requests counter\nrequests_total 1\n",
    ],
)
def test_an_exposition_is_recognised(content: bytes) -> None:
    assert recognise(content, "/logs/stats.txt", is_whole=True).format == "prometheus_text"


@pytest.mark.parametrize("content", [b"retries 3\n", b"# a comment\nword 1\n", b"a {b} c\n"])
def test_words_with_numbers_are_no_exposition(content: bytes) -> None:
    assert recognise(content, "/logs/notes.txt", is_whole=True).format is None
