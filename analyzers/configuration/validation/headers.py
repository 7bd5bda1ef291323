"""Names and values of HTTP headers, as routes match, add and remove them.

Source: istio/istio `pkg/config/validation/header_value_validator.go`, itself Envoy's `header_parser.cc`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzers.configuration.validation.problems import at
from analyzers.mesh.objects import mapping, strings, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json

_NAME: Final = re.compile(r"[-_A-Za-z0-9]+")
_VALUE: Final = re.compile("[^\x00-\x08\x0a-\x1f\x7f]*")
_CLAIM: Final = "@request.auth.claims"


def is_claim(name: str) -> bool:
    """Whether a header stands for a claim of the token: `@request.auth.claims.NAME` or `...[NAME]`."""
    if not name.lower().startswith(_CLAIM):
        return False
    rest = name[len(_CLAIM) :]
    return rest.startswith(".") or (rest.startswith("[") and rest.endswith("]"))


def header_name(name: str) -> str | None:
    """The name of a header."""
    if not name:
        return "the name of a header cannot be empty"
    return None if _NAME.fullmatch(name) else f"{name!r} is no name of a header"


def matched_name(name: str) -> str | None:
    """The name of a header that a route matches: a claim will do."""
    return None if is_claim(name) else header_name(name)


def is_authority(name: str) -> bool:
    """Whether a header is the one that says the host."""
    return name.lower() in {":authority", "host"}


def _is_internal(name: str) -> bool:
    return name.startswith(":") or name.lower() == "host"


def request_name(name: str) -> str | None:
    """The name of a header that is added to or set in requests."""
    if not name:
        return "the name of a header cannot be empty"
    return f"header {name!r} cannot be set" if _is_internal(name) and not is_authority(name) else None


def plain_name(name: str) -> str | None:
    """The name of a header that is removed, or changed in responses."""
    if not name:
        return "the name of a header cannot be empty"
    return f"header {name!r} cannot be changed" if _is_internal(name) else None


def operations(path: str, value: Json) -> Problems:
    """What `headers` of a route or destination does to requests and responses."""
    for part, name_of in (("request", request_name), ("response", plain_name)):
        for operation in ("add", "set"):
            for name, given in strings(mapping(mapping(mapping(value).get(part)).get(operation))).items():
                where = f"{path}/{part}/{operation}"
                yield from at(where, name_of(name))
                yield from at(where, header_value(given))
        for name in texts(mapping(mapping(value).get(part)).get("remove")):
            yield from at(f"{path}/{part}/remove", plain_name(name))


def header_value(value: str) -> str | None:
    """The value of a header: `%VARIABLE%`, `%VARIABLE(ARGUMENTS)%` and `%%` among plain text."""
    if _VALUE.fullmatch(value) is None:
        return f"the value {value!r} of a header holds control characters"
    problem = _scan(value)
    return None if problem is None else f"the value {value!r} of a header is invalid: {problem}"


def _scan(value: str) -> str | None:
    state, position = "literal", 0
    while position < len(value):
        character = value[position]
        if state == "literal":
            if character == "%":
                if position + 1 == len(value):
                    return "a single %"
                if value[position + 1] == "%":
                    position += 1
                else:
                    state = "name"
        elif state == "string" and character == "\\":
            if position + 1 == len(value):
                return "a backslash at the end"
            position += 1
        else:
            following = _NEXT[state](character)
            if following is None:
                return f"{character!r} where it is not expected"
            state = following
        position += 1
    return None if state == "literal" else "a variable that does not end"


def _skip(state: str, character: str) -> str | None:
    return state if character == " " else None


#: State -> the state that a character leads to; null where it may not come.
_NEXT: Final[Mapping[str, Callable[[str], str | None]]] = {
    "name": lambda character: {"%": "literal", "(": "arguments"}.get(character, "name"),
    "arguments": lambda character: {"[": "quote", " ": "arguments"}.get(character, "string"),
    "quote": lambda character: "string" if character == '"' else _skip("quote", character),
    "string": lambda character: {")": "end", '"': "delimiter"}.get(character, "string"),
    "delimiter": lambda character: {",": "quote", "]": "close"}.get(character) or _skip("delimiter", character),
    "close": lambda character: "end" if character == ")" else _skip("close", character),
    "end": lambda character: "literal" if character == "%" else _skip("end", character),
}
