"""Which runner a job uses, and Beam's voice kept down."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apache_beam.runners.runner import PipelineRunner


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Beam options from the command line's own words (`--runner=FlinkRunner --flink_master=...`)."""
    return PipelineOptions(list(arguments))


def runner_of(options: PipelineOptions) -> PipelineRunner | str:
    """The runner that the options name; without one FnApiRunner, for DirectRunner would download Prism."""
    named = options.view_as(StandardOptions).runner
    return FnApiRunner() if named in (None, "DirectRunner", "FnApiRunner") else str(named)


def is_local(options: PipelineOptions) -> bool:
    """Whether workers see this machine's files."""
    return isinstance(runner_of(options), FnApiRunner)


def quieten() -> None:
    """Let Beam log warnings about the job only: what it says of itself at start is noise."""
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
