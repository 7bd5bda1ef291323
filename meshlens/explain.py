"""`meshlens explain`: the documentation of a finding code or an analyzer."""

from __future__ import annotations

from typing import Annotated

import typer


def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A finding code (ML0101), an alias (KIA1101) or an analyzer.")
    ],
) -> None:
    """What a finding means, why it matters, what proves it and how to mend it."""
    from analyzers.framework.documentation import UnknownCodeError, page
    from meshlens.exits import USAGE, fail

    try:
        text = page(code)
    except UnknownCodeError as error:
        fail(str(error), USAGE)
    print(text)
