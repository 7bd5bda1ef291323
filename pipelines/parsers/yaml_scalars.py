"""What a plain YAML scalar means to Kubernetes.

`kubectl`, `istioctl` and the API server read YAML with sigs.k8s.io/yaml, whose rules (goyaml.v2, `resolve.go`) differ
from both YAML versions, and are followed here to the letter:

- `y`, `yes`, `on`, `true` and their opposites are booleans (with their capitalised and upper-case forms); quoted they
  are strings.
- Dates and times stay the strings they are, so that no timestamp is reformatted.
- `0x`, `0o`, `0b` and a leading `0` give the base, `_` is ignored between digits; there are no base-60 numbers, so
  `12:30` and `22:22` are strings.
- A float without a fraction is written as an integer (`1.0` becomes `1`), as Go's JSON encoder does.
- `!!binary` is the UTF-8 text it encodes.
- Mapping keys become strings: `on: x` has the key `true`, `8080: x` the key `8080`.
"""

from __future__ import annotations

import base64
import math
import re

_TRUE = ("y", "yes", "true", "on")
_FALSE = ("n", "no", "false", "off")

#: Plain scalars that mean something else than their text.
_CONSTANTS: dict[str, bool | float | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **{form: True for word in _TRUE for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in _FALSE for form in (word, word.capitalize(), word.upper())},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + form: math.inf for sign in ("", "+") for form in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))")
_BASES = (16, 8, 2, 8, 10)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-")
_MAX_DIGITS = 400

Scalar = str | int | float | bool | None


def plain_value(text: str) -> Scalar:
    """The value of a plain (unquoted, untagged) scalar."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not text[0].isdigit() and text[0] not in "+-.":
        return text
    return _number(text)


def tagged_value(tag: str, text: str) -> Scalar:
    """The value of a scalar with one of YAML's own tags. Raises ValueError where the text is none of its values."""
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind in ("!", "str", "timestamp"):
        return text
    if kind == "binary":
        return base64.b64decode(text, validate=False).decode()
    value = plain_value(text)
    matches = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if kind not in matches:
        raise ValueError(f"the YAML tag {tag} has no meaning in a Kubernetes object")
    if not matches[kind]:
        raise ValueError(f"{text[:64]!r} is no {kind}, as its tag says")
    return value


def key_text(value: Scalar) -> str:
    """A mapping key as JSON has it. Raises ValueError for a null key, which Kubernetes refuses."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ValueError("a mapping key is empty or null")
    return str(value)


def _number(text: str) -> Scalar:
    if _DATE.match(text) or len(text) > _MAX_DIGITS:
        return text
    # Go takes "_" out before it looks at a number that begins with a digit or sign, but not after a point.
    digits = text if text.startswith(".") else text.replace("_", "")
    integer = _INTEGER.fullmatch(digits)
    if integer:
        base, body = next((base, part) for base, part in zip(_BASES, integer.groups()[1:], strict=True) if part)
        return int(integer[1] + body, base)
    if not _FLOAT.fullmatch(digits):
        return text
    value = float(digits)
    if math.isinf(value):
        return text
    return int(value) if value.is_integer() and abs(value) < 1e21 else value
