"""Names of fields: in paths, and as rules see them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, TypeAlias

#: A JSON value, as parsers give it and rules see it: anything that an object may hold.
Value: TypeAlias = Any

#: Words that CEL keeps for itself (`RESERVED` of the language definition); fields of these names are escaped.
_RESERVED: Final = frozenset(
    {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "namespace", "null", "package", "return", "true", "var", "void", "while",
    }
)  # fmt: skip
_ESCAPES: Final = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_ESCAPED: Final = re.compile(r"__|[./-]")


def joined(path: str, name: str) -> str:
    """The path of a member: `spec/http[0]/route`."""
    return f"{path}/{name}" if path else name


@lru_cache(maxsize=65_536)
def escaped_name(name: str) -> str:
    """A field's name as rules write it: `x-y` is `x__dash__y`, `namespace` is `__namespace__`.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
    (validation rules, escaping).
    """
    if name in _RESERVED:
        return f"__{name}__"
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], name)
