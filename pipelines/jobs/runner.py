"""Which runner a job uses, and Beam's voice kept down."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from typing import TYPE_CHECKING, Final

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.runner import create_runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apache_beam.runners.runner import PipelineRunner


#: Input from which on it pays to start more than one local worker, a matter of half a second.
_PARALLEL_BYTES: Final = 64 << 20
#: Local workers at most: each may need 150 MB.
_MAX_WORKERS: Final = 4
_SEVERAL: Final = 2


class BeamOptionsError(ValueError):
    """Options for Beam that it cannot use."""


def beam_options(arguments: Sequence[str], bundles: int = 1, total_bytes: int = 0) -> PipelineOptions:
    """Beam options from the command line's own words (`--runner=FlinkRunner --flink_master=...`).

    A local job of several bundles and enough bytes uses several threads, unless the words say how it is to run: parsing
    and writing happen in Arrow, outside Python's lock.
    """
    options = PipelineOptions(list(arguments))
    workers = min(_MAX_WORKERS, os.cpu_count() or 1, bundles)
    says_how = any(argument.startswith("--direct_") for argument in arguments)
    if workers < _SEVERAL or total_bytes < _PARALLEL_BYTES or says_how or not is_local(options):
        return options
    return PipelineOptions([*arguments, "--direct_running_mode=multi_threading", f"--direct_num_workers={workers}"])


def check_beam_options(arguments: Sequence[str]) -> None:
    """Find mistakes in Beam's own words before anything runs.

    Raises:
        BeamOptionsError: an option has a wrong value, the runner is unknown, or, locally, an option is: Beam would drop
            it silently. Other runners have options that Beam does not know of.
    """
    options = PipelineOptions(list(arguments))
    complaints = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaints):
            known = options.get_all_options()
            every = options.get_all_options(retain_unknown_options=True)
    except SystemExit as error:  # argparse's way
        said = complaints.getvalue().strip().rpartition("error: ")[2]
        raise BeamOptionsError(f"Beam options: {said}") from error
    runner = runner_of(options)
    if isinstance(runner, str):
        try:
            create_runner(runner)
        except (ValueError, ImportError, AttributeError) as error:
            raise BeamOptionsError(f"--runner={runner}: {error}") from error
    elif unknown := sorted(set(every) - set(known)):
        raise BeamOptionsError(f"Beam has no option --{', --'.join(unknown)}")


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
