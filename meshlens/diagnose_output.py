"""Where the formats of `meshlens diagnose -o FORMAT[=FILE]` go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from meshlens.exits import fail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzers.framework.analyzer import Report


@dataclass(frozen=True, slots=True)
class Output:
    """A format, and the file it goes to; null is standard output."""

    form: str
    file: Path | None


def outputs_of(given: Sequence[str]) -> tuple[Output, ...]:
    """The outputs asked for.

    Raises:
        typer.BadParameter: there is no such format, two would go to one place, or a file's folder does not exist.
    """
    from analyzers.framework.export import EXPORTERS

    outputs = []
    for text in given:
        form, equals, file = text.partition("=")
        if form not in EXPORTERS:
            raise typer.BadParameter(f"-o {form}: there is no such format; the formats are {', '.join(EXPORTERS)}")
        if equals and not file:
            raise typer.BadParameter(f"-o {text}: name a file after the =")
        outputs.append(Output(form, Path(file) if file else None))
    places = [output.file for output in outputs]
    for place in places:
        if places.count(place) > 1:
            shown = "standard output" if place is None else place
            raise typer.BadParameter(f"two outputs go to {shown}; write -o FORMAT=FILE")
        if place is not None and not place.absolute().parent.is_dir():
            raise typer.BadParameter(f"{place}: there is no folder {place.parent}")
    return tuple(outputs)


def write_outputs(
    report: Report,
    outputs: Sequence[Output],
    contents: Mapping[str, bytes],
    fail_on: Literal["error", "warning", "info", "never"],
) -> None:
    """Write the report in every format asked for. `contents` has the bytes of sources that are no files."""
    from analyzers.framework.places import with_places

    placed = replace(report, findings=with_places(report.findings, contents))
    for output in outputs:
        text = _rendered(placed, output, fail_on)
        if output.file is None:
            print(text)
        else:
            write_file(output.file, f"{text}\n")


def write_file(path: Path, text: str) -> None:
    """Write a file, or stop with an error."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}; name another file")


def _rendered(report: Report, output: Output, fail_on: Literal["error", "warning", "info", "never"]) -> str:
    from analyzers.framework.export import EXPORTERS
    from analyzers.framework.export.junit import render_junit
    from analyzers.framework.export.table import render_table

    if output.form == "junit":
        return render_junit(report, fail_on)
    if output.form == "table" and output.file is None:
        from rich.console import Console

        console = Console()
        width = max(console.width, 60) if console.is_terminal else 120
        return render_table(report, width=width, colour=console.is_terminal and not console.no_color)
    return EXPORTERS[output.form](report)
