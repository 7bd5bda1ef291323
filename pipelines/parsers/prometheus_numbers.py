"""Compiled reading of numbers and timestamps: exact, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.parsers.scan.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What became of a number: it is none (or is left to others), it is exact, or it is one whose value is to be computed.
BAD: Final = 0
EXACT: Final = 1
HARD: Final = 2

#: Powers of ten that a double holds exactly; times or by a whole number of at most 53 bits the result is rounded once,
#: hence correctly (Clinger, "How to read floating point numbers accurately", 1990).
_POWERS: Final = np.array([float(f"1e{power}") for power in range(23)])
_EXACT_WHOLE: Final = 1 << 53
_PLUS: Final = 43
_MINUS: Final = 45
_POINT: Final = 46
_ZERO: Final = 48
_NINE: Final = 9
_CAPITAL_E: Final = 69
_CAPITAL_I: Final = 73
_CAPITAL_N: Final = 78
_A: Final = 97
_E: Final = 101
_F: Final = 102
_N: Final = 110
_MAX_DIGITS: Final = 18
_MAX_EXPONENT_DIGITS: Final = 6
_MAX_POWER: Final = 22
_MAX_MILLISECOND_DIGITS: Final = 15
_MAX_SECOND_DIGITS: Final = 12
_MAX_DECIMALS: Final = 6


@compiled
def _digits(data: NDArray[np.uint8], start: int, whole: int, significant: int) -> tuple[int, int, int]:
    """Read on in a run of digits.

    Returns:
        Where it ends, the number so far and how many digits that has, without zeros before it; past `_MAX_DIGITS` of
        them the number is no longer right.
    """
    position = start
    while True:
        digit = data[position] - _ZERO
        if digit < 0 or digit > _NINE:
            return position, whole, significant
        if significant > 0 or digit > 0:
            significant += 1
        if significant <= _MAX_DIGITS:
            whole = whole * 10 + digit
        position += 1


@compiled
def _exponent(data: NDArray[np.uint8], start: int) -> tuple[int, int, int]:
    """What follows an `e`. Returns BAD, EXACT or HARD, the exponent and where it ends."""
    position = start
    sign = 1
    if data[position] in (_MINUS, _PLUS):
        sign = -1 if data[position] == _MINUS else 1
        position += 1
    end, exponent, significant = _digits(data, position, 0, 0)
    if end == position:
        return BAD, 0, start
    if significant > _MAX_EXPONENT_DIGITS:
        return HARD, 0, end
    return EXACT, sign * exponent, end


@compiled
def _word(data: NDArray[np.uint8], start: int, first: int, second: int, third: int) -> bool:
    return bool(data[start] == first and data[start + 1] == second and data[start + 2] == third)


@compiled
def decimal(data: NDArray[np.uint8], start: int) -> tuple[int, float, int]:
    """Read a number, `NaN` or an infinity that begins at `start` and ends before the first byte that cannot be of it.

    Returns:
        What became of it, its value (where EXACT) and where it ends.
    """
    if _word(data, start, _CAPITAL_N, _A, _CAPITAL_N):
        return EXACT, np.nan, start + 3
    position = start
    sign = -1.0 if data[position] == _MINUS else 1.0
    if data[position] in (_MINUS, _PLUS):
        position += 1
    if _word(data, position, _CAPITAL_I, _N, _F):
        return EXACT, sign * np.inf, position + 3
    end, whole, significant = _digits(data, position, 0, 0)
    digits = end - position
    position = end
    scale = 0
    if data[position] == _POINT:
        end, whole, significant = _digits(data, position + 1, whole, significant)
        scale = position + 1 - end
        digits -= scale
        position = end
    if digits == 0:
        return BAD, 0.0, start
    if data[position] in (_E, _CAPITAL_E):
        status, exponent, position = _exponent(data, position + 1)
        if status != EXACT:
            return status, 0.0, position
        scale += exponent
    return _scaled(sign, whole, significant, scale, position)


@compiled
def _scaled(sign: float, whole: int, significant: int, scale: int, end: int) -> tuple[int, float, int]:
    if significant == 0:
        return EXACT, sign * 0.0, end
    if significant > _MAX_DIGITS or whole > _EXACT_WHOLE or abs(scale) > _MAX_POWER:
        return HARD, 0.0, end
    if scale >= 0:
        return EXACT, sign * (whole * _POWERS[scale]), end
    return EXACT, sign * (whole / _POWERS[-scale]), end


@compiled
def milliseconds(data: NDArray[np.uint8], start: int) -> tuple[int, int, int]:
    """Read whole milliseconds of at most 15 digits. Returns BAD or EXACT, microseconds and where they end."""
    position = start + 1 if data[start] == _MINUS else start
    end, value, significant = _digits(data, position, 0, 0)
    if end == position or end - position > _MAX_DIGITS or significant > _MAX_MILLISECOND_DIGITS:
        return BAD, 0, start
    return EXACT, (value if position == start else -value) * 1000, end


@compiled
def seconds(data: NDArray[np.uint8], start: int) -> tuple[int, int, int]:
    """Read seconds of at most 12 digits and 6 decimals. Returns BAD or EXACT, microseconds and where they end."""
    position = start + 1 if data[start] == _MINUS else start
    end, value, significant = _digits(data, position, 0, 0)
    if end == position or significant > _MAX_SECOND_DIGITS:
        return BAD, 0, start
    decimals = 0
    if data[end] == _POINT:
        point = end
        end, value, significant = _digits(data, point + 1, value, significant)
        decimals = end - point - 1
        if decimals > _MAX_DECIMALS:
            return BAD, 0, start
    for _ in range(_MAX_DECIMALS - decimals):
        value *= 10
    return EXACT, value if position == start else -value, end
