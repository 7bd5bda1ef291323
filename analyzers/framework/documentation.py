"""Documentation pages of finding codes and analyzers, from what stands beside the checks."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from analyzers.framework.registry import MODULES, codes, load

if TYPE_CHECKING:
    from analyzers.framework.analyzer import Analyzer, Code


class UnknownCodeError(LookupError):
    """Nothing is called so; the message names what is nearest."""


def page(name: str) -> str:
    """The page of a finding code, of every code with that alias, or of an analyzer, as Markdown.

    Raises:
        UnknownCodeError: there is nothing of that name.
    """
    if name in MODULES:
        return analyzer_page(load(name)[0])
    wanted = name.upper()
    known = codes()
    found = [entry for code, entry in known.items() if code == wanted or wanted in entry[1].aliases]
    if not found:
        aliases = (alias for _, code in known.values() for alias in code.aliases)
        names = {spelled.upper(): spelled for spelled in (*known, *aliases, *MODULES)}
        nearest = names[get_close_matches(wanted, names, n=1, cutoff=0)[0]]
        raise UnknownCodeError(
            f"there is no code {name!r}; the nearest is {nearest}, and `meshlens list` names them all"
        )
    return "\n\n".join(code_page(analyzer, code) for analyzer, code in found)


def code_page(analyzer: Analyzer, code: Code) -> str:
    """The page of one code: its own text, then the check's."""
    aliases = f"\n\nAlso known as {', '.join(code.aliases)}." if code.aliases else ""
    head = f"# {code.code}: {code.title}\n\nUsually: {code.severity}.{aliases}"
    return f"{head}\n\n{code.documentation}\n\n{_check(analyzer)}"


def analyzer_page(analyzer: Analyzer) -> str:
    """The page of an analyzer with the list of its codes."""
    listed = "\n".join(f"- {code.code} ({code.severity}): {code.title}" for code in analyzer.codes)
    return f"{_check(analyzer)}\n\nCodes:\n\n{listed}"


def reference() -> str:
    """Every analyzer's page and every code's text, one document: `docs/analyzers.md`."""
    parts = [
        "# Analyzers",
        "Written by `python -m analyzers.framework.documentation`; the text lives beside each check.",
    ]
    for analyzer in load():
        parts.append(_check(analyzer))
        for code in analyzer.codes:
            aliases = f" Aliases: {', '.join(code.aliases)}." if code.aliases else ""
            parts.append(f"### {code.code}: {code.title}\n\nUsually: {code.severity}.{aliases}\n\n{code.documentation}")
    return "\n\n".join(parts) + "\n"


def _check(analyzer: Analyzer) -> str:
    needs = "\n".join(
        f"- {'uses' if given.optional else 'needs'} {given.describe()}. {given.reason}".rstrip()
        for given in analyzer.inputs
    )
    return f"## {analyzer.name} ({analyzer.family})\n\n{analyzer.documentation.strip()}\n\n{needs}"


if __name__ == "__main__":
    print(reference(), end="")
