"""`meshlens list`: the analyzers there are."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def list(  # noqa: A001 - a command's function is named as the command
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How to print it.")] = "table",
) -> None:
    """Every analyzer with its family, the inputs it needs and the codes it gives."""
    from analyzers.framework.registry import load

    if output == "json":
        import json

        document = [
            {
                "name": analyzer.name,
                "family": analyzer.family,
                "summary": analyzer.summary,
                "inputs": [{"needs": given.describe(), "optional": given.optional} for given in analyzer.inputs],
                "codes": [
                    {"code": code.code, "title": code.title, "severity": code.severity, "aliases": code.aliases}
                    for code in analyzer.codes
                ],
            }
            for analyzer in load()
        ]
        print(json.dumps({"analyzers": document}, indent=2))
        return
    for analyzer in load():
        print(f"{analyzer.name} ({analyzer.family}): {analyzer.summary}")
        for given in analyzer.inputs:
            print(f"  {'uses ' if given.optional else 'needs'} {given.describe()}")
        for code in analyzer.codes:
            aliases = f" ({', '.join(code.aliases)})" if code.aliases else ""
            print(f"  {code.code} {code.severity:<7} {code.title}{aliases}")
