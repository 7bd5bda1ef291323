"""Which metric a PromQL expression is about: just enough of the language to tell a metric's name from all else."""

from __future__ import annotations

import re

#: Words of the grammar that are followed by a parenthesised list of label names, which are no metrics.
_LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
#: Words that stand between operands, and literals.
_WORDS = frozenset({"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"})

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
  | (?P<number>\.?[0-9][0-9a-zA-Z_.]*)          # numbers and durations: neither holds a name
  | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<operator>=~|!~|!=|==|>=|<=|[-+*/%^@=<>,:])
  | (?P<bracket>[(){}\[\]])
    """,
    re.VERBOSE,
)
_CLOSING = {"(": ")", "{": "}", "[": "]"}


def metric_of_query(promql: str) -> str | None:
    """The metric an expression such as `sum by (le) (rate(foo_bucket{a="b"}[5m]))` or `foo > 0` reads.

    None unless exactly one metric name occurs, once: the values of `a / b`, of `foo - foo offset 1h` or of a matcher
    on the name such as `{__name__=~"foo.*"}` are not samples of one metric. Text that is no PromQL gives None.
    """
    tokens = _tokens(promql)
    if tokens is None:
        return None
    names: list[str] = []
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if text in _LABEL_LISTS and kind == "word":
            position = _after_group(tokens, position + 1) if following == "(" else position + 1
        elif text == "{":
            end = _after_group(tokens, position)
            named = _names_in_matchers(tokens[position + 1 : end - 1])
            if named is None:
                return None
            names += named
            position = end
        elif text == "[":
            position = _after_group(tokens, position)
        else:
            # A word before a parenthesis, or before `by (...)`, is a function or an aggregation.
            is_call = following in ("(", "by", "without")
            if kind == "word" and not is_call and text.lower() not in _WORDS:
                names.append(text)
            position += 1
    return names[0] if len(names) == 1 else None


def _tokens(promql: str) -> list[tuple[str, str]] | None:
    """Tokens without white space and comments; None where brackets do not match or a character is none of PromQL's."""
    tokens: list[tuple[str, str]] = []
    expected: list[str] = []
    position = 0
    while position < len(promql):
        match = _TOKEN.match(promql, position)
        if match is None or match.lastgroup is None:
            return None
        position = match.end()
        text = match.group()
        if text in _CLOSING:
            expected.append(_CLOSING[text])
        elif match.lastgroup == "bracket" and (not expected or expected.pop() != text):
            return None
        if match.lastgroup != "space":
            tokens.append((match.lastgroup, text))
    return None if expected else tokens


def _after_group(tokens: list[tuple[str, str]], opening: int) -> int:
    """The position after the bracket that closes the one at `opening`."""
    depth = 0
    for position in range(opening, len(tokens)):
        kind, text = tokens[position]
        if kind == "bracket":
            depth += 1 if text in _CLOSING else -1
            if depth == 0:
                return position + 1
    return len(tokens)


def _names_in_matchers(tokens: list[tuple[str, str]]) -> list[str] | None:
    """Metric names given inside braces: `__name__="foo"`, or a quoted name on its own. None: matched by pattern."""
    names: list[str] = []
    for position, (kind, text) in enumerate(tokens):
        operator, value = ([entry[1] for entry in tokens[position + 1 : position + 3]] + ["", ""])[:2]
        if text.strip("\"'`") == "__name__" and operator in ("=", "=~", "!=", "!~"):
            if operator != "=":
                return None
            names.append(value[1:-1])
        elif kind == "string" and operator in (",", "") and (position == 0 or tokens[position - 1][1] == ","):
            names.append(text[1:-1])
    return names
