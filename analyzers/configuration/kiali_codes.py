"""The codes of checks that Kiali has as `KIA####`.

`KIA0abc` is `ML2abc` and `KIA1abc` is `ML2abc` + 50 (KIA1104: ML2154). Where a check of Istio's has the same meaning
there is no code of its own: Kiali's code is an alias of that one's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.framework.analyzer import Code

if TYPE_CHECKING:
    from analyzers.framework.finding import Severity


def kiali_code(name: str, title: str, severity: Severity, documentation: str, *aliases: str) -> Code:
    """The code of a check that Kiali has as `name`, with that as its first alias."""
    return Code(code_of(name), title, severity, documentation, (name, *aliases))


def code_of(name: str) -> str:
    """Our number for one of Kiali's codes.

    Raises:
        ValueError: it is not of Kiali's form.
    """
    number = int(name.removeprefix("KIA"))
    return f"ML{2000 + number % 1000 + (50 if number >= 1000 else 0)}"
