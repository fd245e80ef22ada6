"""CloudWatch metrics, their statistics and metric math ("Metrics concepts" and "Using math expressions with CloudWatch
metrics", Amazon CloudWatch User Guide).
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self


class Unsupported(Exception):
    """An alarm uses something that is not evaluated here: it is refused, never ignored."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: another set of dimensions is another metric, also where one set contains the other."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Self:
        """Return the metric with these dimensions, whatever their order."""
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value of a metric at a time in seconds; ``count`` is how often it came, as in ``PutMetricData``."""

    metric: Metric
    time: float
    value: float
    count: int = 1


Statistic = Callable[[Sequence[float]], float]
# A value for each period, the oldest first; None where one is missing.
Series = list[float | None]
Binary = Callable[[float, float], float]

_STATISTICS: dict[str, Statistic] = {"Sum": sum, "SampleCount": len, "Average": fmean, "Minimum": min, "Maximum": max}
_OPERATORS: dict[type, Binary] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Or: lambda one, other: bool(one) or bool(other),
    ast.And: lambda one, other: bool(one) and bool(other),
}


class Formula:
    """The ``Metrics`` of an alarm: metrics with a statistic, and expressions that name them and each other.

    In an expression, a metric must stand in FILL: an alarm on a sum in which one part may be missing would be silent.
    An expression that is not evaluated here raises `Unsupported`.
    """

    def __init__(self, queries: Sequence[Mapping[str, Any]]) -> None:
        sources = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
        returned = [query["Id"] for query in queries if query.get("ReturnData", True)]
        if len(returned) != 1 or any("Unit" in source for source in sources.values()):
            raise Unsupported("metric math that returns more than one value, or asks for a unit")
        periods = {int(source["Period"]) for source in sources.values()}
        if len(periods) != 1:
            raise Unsupported("metric math without metrics, or with metrics of several periods")
        (self._returned,), (self.period,) = returned, periods
        self._expressions = {query["Id"]: _parsed(query["Expression"]) for query in queries if "Expression" in query}
        self._sources = {
            name: (_metric_of(source["Metric"]), _statistic_of(source["Stat"])) for name, source in sources.items()
        }
        self.metrics = tuple(dict.fromkeys(metric for metric, _ in self._sources.values()))
        # Refuses what it cannot evaluate before anything depends on it.
        self.values([{}])

    def values(self, periods: Sequence[Mapping[Metric, Sequence[float]]]) -> Series:
        """Return the value for each period, from what was measured in it."""
        measured: dict[str, Series] = {
            name: [statistic(period[metric]) if metric in period else None for period in periods]
            for name, (metric, statistic) in self._sources.items()
        }
        return measured[self._returned] if self._returned in measured else self._named(self._returned, measured)

    def _named(self, name: str, measured: Mapping[str, Series]) -> Series:
        if name not in self._expressions:
            raise Unsupported(f"{name} is not an expression, or a metric outside of FILL")
        return self._value(self._expressions[name], measured)

    def _value(self, node: ast.expr, measured: Mapping[str, Series]) -> Series:
        match node:
            case ast.Constant(value=int() | float() as value):
                return [float(value) for _ in next(iter(measured.values()))]
            case ast.Name(id=name):
                return self._named(name, measured)
            case (
                ast.BinOp(left=left, op=kind, right=right)
                | ast.Compare(left=left, ops=[kind], comparators=[right])
                | ast.BoolOp(op=kind, values=[left, right])
            ) if type(kind) in _OPERATORS:
                return _combined(_OPERATORS[type(kind)], self._value(left, measured), self._value(right, measured))
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self._called(function, arguments, measured)
        raise Unsupported(f"metric math with {ast.unparse(node)}")

    def _called(self, function: str, arguments: list[ast.expr], measured: Mapping[str, Series]) -> Series:
        match function, arguments:
            case "FILL", [filled, ast.Constant(value=int() | float() as value)]:
                name = filled.id if isinstance(filled, ast.Name) else ""
                series = measured[name] if name in measured else self._value(filled, measured)
                return [value if one is None else one for one in series]
            case "DIFF", [of]:
                series = self._value(of, measured)
                return [None, *_combined(operator.sub, series[1:], series[:-1])]
            case "MIN" | "MAX", [ast.List(elts=[one, other])]:
                kind = min if function == "MIN" else max
                return _combined(kind, self._value(one, measured), self._value(other, measured))
            case "IF", [_, _, _]:
                rows = zip(*(self._value(argument, measured) for argument in arguments), strict=True)
                return [None if held is None else (one if held else other) for held, one, other in rows]
        raise Unsupported(f"metric math with {function} of {len(arguments)}")


def _statistic_of(name: str) -> Statistic:
    """Return a statistic by CloudWatch's name; a percentile is the smallest value that this share does not exceed."""
    if name in _STATISTICS:
        return _STATISTICS[name]
    percentile = re.fullmatch(r"p([0-9]{1,2}(?:\.[0-9]+)?|100)", name)
    if percentile is None:
        raise Unsupported(f"statistic {name}")
    percent = float(percentile[1])
    return lambda values: sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _metric_of(described: Mapping[str, Any]) -> Metric:
    dimensions = {each["Name"]: each["Value"] for each in described.get("Dimensions", ())}
    return Metric.of(described["Namespace"], described["MetricName"], dimensions)


def _parsed(expression: str) -> ast.expr:
    text = re.sub(r"\b(OR|AND)\b", lambda word: word[1].lower(), expression)
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise Unsupported(text) from error


def _combined(function: Binary, one: Series, other: Series) -> Series:
    """Apply a function to each period; where one side is missing, the result is."""
    pairs = zip(one, other, strict=True)
    return [None if left is None or right is None else float(function(left, right)) for left, right in pairs]
