"""CEL rules of schemas (`x-kubernetes-validations`), compiled once and run within bounds.

Rules come with the input. The engine refuses deep expressions and stops a rule after 10,000 steps of its loops; regular
expressions are RE2's, whose time is linear. A rule that cannot be compiled or run is said to be so, never taken for
broken or kept.

Source: https://kubernetes.io/docs/reference/using-api/cel/. Rules with `oldSelf` judge a change, not a state: like the
API server on creation they are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_optional, ext_strings

from analyzers.schema.kubernetes_functions import FUNCTIONS

#: Longer rules are not compiled.
MAX_RULE_CHARACTERS: Final = 16_384

_TRANSITION: Final = re.compile(r"\boldSelf\b")
#: Words in errors that say that the engine, not the object, is at fault.
_ENGINE: Final = ("No matching overload", "Iteration budget", "recursion limit", "UNIMPLEMENTED", "No overload")

Program: TypeAlias = "cel.Expression"
Outcome: TypeAlias = Literal["kept", "broken", "unknown"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `program` is null where it cannot be compiled, which `problem` explains."""

    text: str
    message: str
    program: Program | None
    problem: str = ""
    message_program: Program | None = None
    field_path: str = ""


@cache
def environment() -> cel.Env:
    """What rules may call: CEL's standard library, its string, math and optional extensions, and Kubernetes' own."""
    extensions = [ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()]
    return cel.NewEnv(variables={"self": cel.Type.DYN}, extensions=extensions, functions=list(FUNCTIONS))


def compile_rules(rules: object) -> tuple[Rule, ...]:
    """The rules of one place, those about changes left out."""
    found = []
    for rule in rules if isinstance(rules, list) else []:
        if not isinstance(rule, Mapping) or not isinstance(rule.get("rule"), str):
            continue
        text = rule["rule"]
        if not _TRANSITION.search(text):
            found.append(_compile_rule(text, rule))
    return tuple(found)


def compile_pattern(pattern: str) -> Program | None:
    """A regular expression as Kubernetes reads it (RE2, found anywhere); null where it is none."""
    program, _ = _compile(f"self.matches({json.dumps(pattern)})")
    return program


def holds(program: Program, value: object) -> tuple[Outcome, str]:
    """Whether an expression is true of a value; else what it says, or why it cannot tell."""
    try:
        result = program.eval(data={"self": value})
        is_error = result.type() == cel.Type.ERROR
        answer = result.plain_value()
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        return "unknown", _first_line(error)
    if is_error:
        reason = _first_line(answer)
        return ("unknown" if any(word in reason for word in _ENGINE) else "broken"), reason
    return ("kept", "") if answer is True else ("broken", "")


def message_of(rule: Rule, value: object) -> str:
    """What a broken rule says: its `messageExpression`, its `message`, or the rule itself."""
    if rule.message_program is not None:
        try:
            told = rule.message_program.eval(data={"self": value}).plain_value()
        except (RuntimeError, ValueError, TypeError, OverflowError):
            told = None
        if isinstance(told, str) and told.strip() and "\n" not in told:
            return told
    return rule.message or f"breaks the rule {' '.join(rule.text.split())}"


def _compile_rule(text: str, rule: Mapping[str, Any]) -> Rule:
    program, problem = _compile(text)
    expression = rule.get("messageExpression")
    message_program = None
    if isinstance(expression, str) and not _TRANSITION.search(expression):
        message_program, _ = _compile(expression)
    message, field_path = rule.get("message"), rule.get("fieldPath")
    return Rule(
        text,
        message.strip() if isinstance(message, str) else "",
        program,
        problem,
        message_program,
        field_path if isinstance(field_path, str) else "",
    )


@cache
def _compile(text: str) -> tuple[Program | None, str]:
    if len(text) > MAX_RULE_CHARACTERS:
        return None, f"it is longer than {MAX_RULE_CHARACTERS} characters"
    try:
        return environment().compile(text), ""
    except (RuntimeError, ValueError) as error:
        return None, _first_line(error)


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
