"""Entry point: `meshlens COMMAND` and `python -m meshlens COMMAND`.

Only the command that was asked for is imported, so that `--help` answers at once; importing every command is left to
the top-level help.
"""

from __future__ import annotations

import importlib
import sys

import typer

#: Commands in the order the help shows them; each lives in `meshlens/NAME.py` as a function of that name.
COMMANDS: tuple[str, ...] = (
    "ingest",
    "stream",
    "collect",
    "diagnose",
    "topology",
    "health",
    "alerts",
    "recommend",
    "revisions",
    "diff",
    "rollback",
    "dashboard",
    "sql",
    "export",
    "maintain",
    "list",
    "explain",
    "doctor",
)


def build(arguments: list[str]) -> typer.Typer:
    """The application with the one command that `arguments` name, or all of them where they name none."""
    application = typer.Typer(
        name="meshlens",
        help="Observability and diagnosis for Istio-compatible service meshes.",
        no_args_is_help=True,
        # Plain help: the rich one imports a Markdown parser and takes longer than all the rest.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    @application.callback()
    def root() -> None:
        """Observability and diagnosis for Istio-compatible service meshes."""

    wanted = arguments[0] if arguments else ""
    for name in (wanted,) if wanted in COMMANDS else COMMANDS:
        module = importlib.import_module(f"meshlens.{name}")
        application.command(name)(getattr(module, name))
    return application


def main() -> None:
    """Run the command line."""
    build(sys.argv[1:])(prog_name="meshlens")


if __name__ == "__main__":
    main()
