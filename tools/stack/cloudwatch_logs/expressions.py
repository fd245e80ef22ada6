"""The expressions of Logs Insights: operations, functions, and statistics of a group of rows.

Supported operations and functions: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

from __future__ import annotations

import math
import operator
import re
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
# An expression's value for a group of rows; outside of `stats`, a group is one row.
Expression = Callable[[list[Row]], Any]
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Malformed(ValueError):
    """A query that cannot be read."""


class Time(int):
    """A time in milliseconds, which is shown as a date."""


def shown(value: Any) -> str:
    """Return a value as the result of a query has it."""
    if isinstance(value, Time):
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def number(value: Any) -> float | None:
    """Return a number, or the one that a text is."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare as numbers where both are; a field that is not there equals nothing and is not greater or less."""

    def comparison(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return compare is operator.ne and left is not right
        numbers = number(left), number(right)
        return compare(*((shown(left), shown(right)) if None in numbers else numbers))

    return comparison


def _calculated(calculate: Callable[..., float]) -> Callable[..., Any]:
    """Calculate with numbers; the result is None without one of them, or outside the operation's range."""

    def calculation(*values: Any) -> float | None:
        numbers = [number(value) for value in values]
        try:
            return None if None in numbers else calculate(*numbers)
        except (ArithmeticError, ValueError):
            return None

    return calculation


def _of_text(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: None if values[0] is None else function(*map(shown, values))


def _substring(text: Any, start: Any, length: Any = None) -> str | None:
    begin = int(start)
    return None if text is None else shown(text)[begin : None if length is None else begin + int(length)]


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": _compared(operator.eq),
    "!=": _compared(operator.ne),
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "+": _calculated(operator.add),
    "-": _calculated(operator.sub),
    "*": _calculated(operator.mul),
    "/": _calculated(operator.truediv),
    "%": _calculated(math.fmod),
    "^": _calculated(math.pow),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": _calculated(abs),
    "ceil": _calculated(math.ceil),
    "floor": _calculated(math.floor),
    "greatest": _calculated(max),
    "least": _calculated(min),
    "log": _calculated(math.log),
    "sqrt": _calculated(math.sqrt),
    "ispresent": lambda value: value is not None,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "isempty": lambda value: value is None or shown(value) == "",
    "isblank": lambda value: value is None or not shown(value).strip(),
    "concat": lambda *values: "".join(shown(value) for value in values if value is not None),
    "ltrim": _of_text(str.lstrip),
    "rtrim": _of_text(str.rstrip),
    "trim": _of_text(str.strip),
    "strlen": _of_text(len),
    "toupper": _of_text(str.upper),
    "tolower": _of_text(str.lower),
    "substr": _substring,
    "replace": _of_text(str.replace),
    "strcontains": _of_text(lambda text, part: int(part in text)),
    "datefloor": lambda time, period: None if time is None else Time(int(time) // period * period),
    "dateceil": lambda time, period: None if time is None else Time(-(-int(time) // period) * period),
    "fromMillis": lambda value: None if value is None else Time(value),
    "toMillis": lambda time: None if time is None else int(time),
}


def _edge(choose: Callable[..., Any]) -> Callable[[list[Any], list[Row]], Any]:
    """The largest or smallest: of numbers by size, of anything else by text."""

    def chosen(values: list[Any], _: list[Row]) -> Any:
        numeric = all(number(value) is not None for value in values)
        return choose(values, key=number if numeric else shown, default=None)

    return chosen


def _latest(values: list[Any], rows: list[Row]) -> Any:
    return max(zip(rows, values, strict=True), key=lambda pair: pair[0]["@timestamp"], default=(None, None))[1]


def _earliest(values: list[Any], rows: list[Row]) -> Any:
    return min(zip(rows, values, strict=True), key=lambda pair: pair[0]["@timestamp"], default=(None, None))[1]


def _of_numbers(calculate: Callable[[list[float]], float]) -> Callable[[list[Any], list[Row]], Any]:
    def calculation(values: list[Any], _: list[Row]) -> float | None:
        numbers = [found for value in values if (found := number(value)) is not None]
        return calculate(numbers) if numbers else None

    return calculation


# A statistic gets the values of those rows that have one, and these rows.
STATISTICS: dict[str, Callable[[list[Any], list[Row]], Any]] = {
    "count": lambda values, _: len(values),
    "count_distinct": lambda values, _: len({shown(value) for value in values}),
    "sum": _of_numbers(sum),
    "avg": _of_numbers(statistics.fmean),
    "stddev": _of_numbers(statistics.pstdev),
    "min": _edge(min),
    "max": _edge(max),
    "sortsFirst": lambda values, _: min(values, key=shown, default=None),
    "sortsLast": lambda values, _: max(values, key=shown, default=None),
    "earliest": _earliest,
    "latest": _latest,
}


def called(name: str, arguments: list[Expression]) -> Expression:
    """Return a function's or statistic's expression; raise `Malformed` if Insights does not have it."""
    if name == "bin":
        return lambda rows: FUNCTIONS["datefloor"](rows[0]["@timestamp"], arguments[0](rows))
    if name == "pct":
        return _percentile(*arguments)
    if name in STATISTICS:
        return _statistic(STATISTICS[name], arguments[0] if arguments else lambda _: 1)
    if name not in FUNCTIONS:
        raise Malformed(f"unknown function {name}")
    return lambda rows: FUNCTIONS[name](*(argument(rows) for argument in arguments))


def like(value: Expression, pattern: str | re.Pattern[str]) -> Expression:
    """Return whether a value contains a text, or something that a regular expression fits."""

    def contains(rows: list[Row]) -> bool:
        found = value(rows)
        if found is None:
            return False
        return pattern in shown(found) if isinstance(pattern, str) else pattern.search(shown(found)) is not None

    return contains


def milliseconds(period: str) -> int:
    """Return the length of a period such as ``5m``."""
    amount, unit = re.fullmatch(r"(\d+)([a-z]+)", period).groups()  # type: ignore[union-attr] # the token's form
    return int(amount) * _UNITS[unit]


def _statistic(calculate: Callable[[list[Any], list[Row]], Any], argument: Expression) -> Expression:
    def statistic(rows: list[Row]) -> Any:
        found = [(row, value) for row in rows if (value := argument([row])) is not None]
        return calculate([value for _, value in found], [row for row, _ in found])

    return statistic


def _percentile(argument: Expression, share: Expression) -> Expression:
    """The nearest rank: the smallest value that has at least this share of the values at or below it."""

    def percentile(rows: list[Row]) -> float | None:
        values = sorted(found for row in rows if (found := number(argument([row]))) is not None)
        return values[max(0, math.ceil(len(values) * float(share(rows)) / 100) - 1)] if values else None

    return percentile
