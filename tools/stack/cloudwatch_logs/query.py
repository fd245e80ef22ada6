"""A query of Logs Insights: its commands, one after the other, on the rows that log events are.

Query syntax: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html; each command names its page
beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from tools.stack.cloudwatch_logs.expressions import (
    OPERATORS,
    Expression,
    Malformed,
    Row,
    called,
    like,
    milliseconds,
    number,
    shown,
)

_DEFAULT_FIELDS = ("@timestamp", "@message")
_POINTER = "@ptr"


@dataclass
class Result:
    """Rows on their way through the commands, and the fields of them that are shown."""

    rows: list[Row]
    fields: list[str] = field(default_factory=list)
    matched: int = 0

    def lines(self) -> list[list[dict[str, str]]]:
        """Return what GetQueryResults answers: of each row the fields that it has."""
        names = self.fields or list(_DEFAULT_FIELDS)
        names = list(dict.fromkeys([*names, _POINTER]))
        return [
            [{"field": name, "value": shown(row[name])} for name in names if row.get(name) is not None]
            for row in self.rows
        ]


Command = Callable[[Result], None]


def compiled(text: str) -> Callable[[Iterable[Row]], Result]:
    """Return what a query does with rows; raise `Malformed` if it cannot be read."""
    try:
        commands: list[Command] = _Commands(text).transform(_PARSER.parse(text))
    except UnexpectedInput as error:
        raise Malformed(f"unexpected symbol at line {error.line} and position {error.column}") from None
    except VisitError as error:
        raise (error.orig_exc if isinstance(error.orig_exc, Malformed) else Malformed(str(error.orig_exc))) from None

    def run(rows: Iterable[Row]) -> Result:
        result = Result(list(rows))
        result.matched = len(result.rows)
        for command in commands:
            command(result)
        return result

    return run


@v_args(inline=True)
class _Commands(Transformer):  # type: ignore[misc]
    """Makes each command and expression of a query a function."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def query(self, *commands: Command) -> list[Command]:
        return list(commands)

    # Commands

    def fields(self, *columns: tuple[str, Expression]) -> Command:
        """Add columns, and show them: CWL_QuerySyntax-Fields."""

        def command(result: Result) -> None:
            result.rows = [row | {name: value([row]) for name, value in columns} for row in result.rows]
            result.fields += [name for name, _ in columns]

        return command

    def display(self, *columns: tuple[str, Expression]) -> Command:
        """Show these columns only: CWL_QuerySyntax-Display."""

        def command(result: Result) -> None:
            result.rows = [row | {name: value([row]) for name, value in columns} for row in result.rows]
            result.fields = [name for name, _ in columns]

        return command

    def filter(self, condition: Expression) -> Command:
        """Keep the rows that fit: CWL_QuerySyntax-Filter."""

        def command(result: Result) -> None:
            result.rows = [row for row in result.rows if condition([row])]
            result.matched = len(result.rows)

        return command

    def stats(self, columns: list[tuple[str, Expression]], by: list[tuple[str, Expression]] | None) -> Command:
        """Make one row of each group: CWL_QuerySyntax-Stats."""

        def command(result: Result) -> None:
            groups: dict[tuple[Any, ...], list[Row]] = {}
            for row in result.rows:
                groups.setdefault(tuple(value([row]) for _, value in by or ()), []).append(row)
            names = [name for name, _ in by or ()]
            result.rows = [
                dict(zip(names, key, strict=True)) | {name: value(rows) for name, value in columns}
                for key, rows in groups.items()
            ]
            result.fields = [*names, *(name for name, _ in columns)]

        return command

    def sort(self, *orders: tuple[Expression, bool]) -> Command:
        """Sort by the first column, then by the next: CWL_QuerySyntax-Sort."""

        def command(result: Result) -> None:
            for value, descending in reversed(orders):
                result.rows.sort(key=lambda row, value=value: _rank(value([row])), reverse=descending)  # type: ignore[misc]

        return command

    def order(self, value: Expression, direction: Token | None) -> tuple[Expression, bool]:
        return value, (direction or "").lower() == "desc"

    def limit(self, count: Token) -> Command:
        """Keep the first rows: CWL_QuerySyntax-Limit."""

        def command(result: Result) -> None:
            result.rows = result.rows[: int(count)]

        return command

    def parse(self, source: Token | None, pattern: Token, *names: Token | None) -> Command:
        """Take fields out of a text: CWL_QuerySyntax-Parse."""
        aliases = [_name(name) for name in names if name is not None]
        expression = _regex(pattern) if pattern.type == "REGEX" else _glob(_unquoted(pattern), aliases)
        found_in = _name(source) if source else "@message"

        def command(result: Result) -> None:
            for number_, row in enumerate(result.rows):
                match = expression.search(shown(row.get(found_in, "")))
                parts = (match.groupdict() or dict(zip(aliases, match.groups(), strict=False))) if match else {}
                result.rows[number_] = row | parts

        return command

    def dedup(self, *names: Token) -> Command:
        """Keep the first row of those that have the same values: CWL_QuerySyntax-Dedup."""

        def command(result: Result) -> None:
            first: dict[tuple[Any, ...], Row] = {}
            for row in result.rows:
                first.setdefault(tuple(row.get(_name(name)) for name in names), row)
            result.rows = list(first.values())

        return command

    def columns(self, *columns: tuple[str, Expression]) -> list[tuple[str, Expression]]:
        return list(columns)

    @v_args(inline=True, meta=True)  # type: ignore[untyped-decorator]
    def column(self, meta: Any, value: Expression, alias: Token | None) -> tuple[str, Expression]:
        return _name(alias) if alias else self._text[meta.start_pos : meta.end_pos].strip("`"), value

    # Expressions

    def either(self, *values: Expression) -> Expression:
        return lambda rows: any(value(rows) for value in values)

    def both(self, *values: Expression) -> Expression:
        return lambda rows: all(value(rows) for value in values)

    def negation(self, _: Token, value: Expression) -> Expression:
        return lambda rows: not value(rows)

    def operation(self, left: Expression, sign: Token, right: Expression) -> Expression:
        calculate = OPERATORS[sign]
        return lambda rows: calculate(left(rows), right(rows))

    def like(self, value: Expression, negation: Token | None, _: Token, pattern: Token) -> Expression:
        contains = like(value, _regex(pattern) if pattern.type == "REGEX" else _unquoted(pattern))
        return contains if negation is None else lambda rows: not contains(rows)

    def among(self, value: Expression, negation: Token | None, _: Token, *choices: Expression | None) -> Expression:
        equal = OPERATORS["="]

        def found(rows: list[Row]) -> bool:
            one = value(rows)
            return any(equal(one, choice(rows)) for choice in choices if choice) == (negation is None)

        return found

    def constant(self, value: Token) -> Expression:
        return lambda _: float(value)

    def signed(self, sign: Token, value: Token) -> Expression:
        return lambda _: float(sign + value)

    def text(self, value: Token) -> Expression:
        return lambda _: _unquoted(value)

    def period(self, value: Token) -> Expression:
        return lambda _: milliseconds(value)

    def value(self, name: Token) -> Expression:
        return lambda rows: rows[0].get(_name(name)) if rows else None

    def call(self, name: Token, *arguments: Expression | Token | None) -> Expression:
        return called(str(name), [each for each in arguments if callable(each)])


def _rank(value: Any) -> tuple[int, Any]:
    """Nothing comes before numbers, and they before text."""
    if value is None:
        return 0, 0
    found = number(value)
    return (1, found) if found is not None else (2, shown(value))


def _name(token: Token) -> str:
    return str(token).strip("`")


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _regex(token: Token) -> re.Pattern[str]:
    """Compile an expression; AWS writes ``(?<name>...)``, and ``(?i)`` anywhere."""
    text = re.sub(r"\(\?<(?![=!])", "(?P<", token[1:-1].replace(r"\/", "/"))
    ignoring = "(?i)" in text
    try:
        return re.compile(text.replace("(?i)", ""), re.IGNORECASE if ignoring else 0)
    except re.error as error:
        raise Malformed(f"{token}: {error}") from None


def _glob(text: str, aliases: list[str]) -> re.Pattern[str]:
    parts = text.split("*")
    if len(parts) - 1 != len(aliases):
        raise Malformed(f"parse has {len(parts) - 1} wildcards and {len(aliases)} names")
    return re.compile("(.*?)".join(re.escape(part) for part in parts) + ("$" if text.endswith("*") else ""), re.DOTALL)


_PARSER = Lark.open("query.lark", rel_to=__file__, start="query", parser="lalr", propagate_positions=True)
