"""Metric math, as far as the alarms of the template use it.

The rules are those of "Using math expressions with CloudWatch metrics", Amazon CloudWatch User Guide. Functions and
operators that are not here are refused, never ignored. A metric must stand in FILL: an alarm on a sum in which one part
may be missing would be silent.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tools.rehearsal.metrics import Unsupported

# A value for each period, the oldest first; None where one is missing.
Series = list[float | None]


_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Or: lambda one, other: bool(one) or bool(other),
    ast.And: lambda one, other: bool(one) and bool(other),
}


@dataclass(frozen=True)
class Formula:
    """Expressions that name metrics and each other.

    Attributes
    ----------
    returned
        The name of the expression whose value counts.
    expressions
        The expressions by their names.
    metrics
        The names of the metrics.
    """

    returned: str
    expressions: Mapping[str, str]
    metrics: frozenset[str]

    def __post_init__(self) -> None:
        if not self.metrics:
            raise Unsupported("metric math without metrics")
        # Refuses what it cannot evaluate before anything depends on it.
        self.values({name: [0.0] for name in self.metrics})

    def values(self, measured: Mapping[str, Series]) -> Series:
        """Return the formula's value for each period, from the values of its metrics."""
        length = len(next(iter(measured.values())))
        return _Evaluation(self, measured, length).of_name(self.returned)


class _Evaluation:
    """The evaluation of a formula for some periods."""

    def __init__(self, formula: Formula, measured: Mapping[str, Series], length: int) -> None:
        self._formula = formula
        self._measured = measured
        self._length = length

    def of_name(self, name: str) -> Series:
        if name not in self._formula.expressions:
            raise Unsupported(f"{name} is not an expression, or a metric outside of FILL")
        text = re.sub(r"\b(OR|AND)\b", lambda word: word[1].lower(), self._formula.expressions[name])
        try:
            return self._of(ast.parse(text, mode="eval").body)
        except SyntaxError as error:
            raise Unsupported(text) from error

    def _of(self, node: ast.expr) -> Series:
        match node:
            case ast.Constant(value=int() | float() as value):
                return [float(value)] * self._length
            case ast.Name(id=name):
                return self.of_name(name)
            case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _OPERATORS:
                return _combined(_OPERATORS[type(kind)], self._of(left), self._of(right))
            case ast.Compare(left=left, ops=[kind], comparators=[right]) if type(kind) in _OPERATORS:
                return _combined(_OPERATORS[type(kind)], self._of(left), self._of(right))
            case ast.BoolOp(op=kind, values=[left, right]):
                return _combined(_OPERATORS[type(kind)], self._of(left), self._of(right))
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self._called(function, arguments)
        raise Unsupported(f"metric math with {ast.unparse(node)}")

    def _called(self, function: str, arguments: list[ast.expr]) -> Series:
        match function, arguments:
            case "FILL", [filled, ast.Constant(value=int() | float() as value)]:
                return [value if one is None else one for one in self._metric_or_expression(filled)]
            case "DIFF", [of]:
                series = self._of(of)
                return [None, *_combined(operator.sub, series[1:], series[:-1])]
            case "MIN" | "MAX", [ast.List(elts=[one, other])]:
                return _combined({"MIN": min, "MAX": max}[function], self._of(one), self._of(other))
            case "IF", [condition, then, otherwise]:
                rows = zip(self._of(condition), self._of(then), self._of(otherwise), strict=True)
                return [None if held is None else (one if held else other) for held, one, other in rows]
        raise Unsupported(f"metric math with {function} of {len(arguments)}")

    def _metric_or_expression(self, node: ast.expr) -> Series:
        match node:
            case ast.Name(id=name) if name in self._measured:
                return self._measured[name]
        return self._of(node)


def _combined(function: Callable[[float, float], float], one: Series, other: Series) -> Series:
    """Apply a function to each period; where one side is missing, the result is."""
    pairs = zip(one, other, strict=True)
    return [None if left is None or right is None else float(function(left, right)) for left, right in pairs]
