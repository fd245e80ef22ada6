"""Filter patterns: which log events a metric filter, a subscription filter or FilterLogEvents takes.

Filter pattern syntax: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
Patterns of space-delimited fields (``[ip, user, ...]``) are refused: nothing here writes such lines.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

Json = dict[str, Any]
Matches = Callable[[str], bool]
_Condition = Callable[[Any], bool]

# Matching terms in JSON log events: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html
_JSON_GRAMMAR = r"""
    start: "{" either "}"
    ?either: both ("||" both)*
    ?both: _one ("&&" _one)*
    _one: compared | is_null | is_true | is_false | exists_not | "(" either ")"
    compared: SELECTOR EQUALITY (NUMBER | QUOTED | REGEX | WORD) | SELECTOR ORDER NUMBER
    is_null: SELECTOR "IS" "NULL"
    is_true: SELECTOR "IS" "TRUE"
    is_false: SELECTOR "IS" "FALSE"
    exists_not: SELECTOR "NOT" "EXISTS"
    SELECTOR: /\$(\.[\w-]+|\[\d+\]|\.?\["[^"]*"\]|\.?\['[^']*'\])+/
    EQUALITY: "=" | "!="
    ORDER: ">=" | "<=" | "<" | ">"
    NUMBER.2: /[+-]?\d+(\.\d+)?(e[+-]?\d+)?(?=[\s)}&|])/i
    QUOTED: /"(\\.|[^"\\])*"/
    REGEX: /%[^%]+%/
    WORD: /[^\s"%{}()&|=!<>]+/
    %ignore /\s+/
"""
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\.?\[[\"']([^\"']*)[\"']\]")
_TERM = re.compile(r'([-?]?)(?:"((?:\\.|[^"\\])*)"|%([^%]+)%|([^\s"%]+))\s*')
_ABSENT = object()
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class InvalidPattern(ValueError):
    """A filter pattern that cannot be read."""


@cache
def compiled(pattern: str) -> Matches:
    """Return the predicate of a pattern; raise `InvalidPattern` if it cannot be read."""
    pattern = (pattern or "").strip()
    if pattern.startswith("["):
        raise InvalidPattern("Invalid metric filter pattern: fields with spaces between them are not read here")
    return _of_json(pattern) if pattern.startswith("{") else _of_terms(pattern)


def selected(event: Any, selector: str) -> Any:
    """Return the value that a selector such as ``$.users[0].name`` points to, or None."""
    found = _at(event, selector)
    return None if found is _ABSENT else found


def parsed(message: str) -> Any:
    """Return a log event's JSON object, or None if it is none."""
    try:
        event = json.loads(message) if message.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return event


def _of_json(pattern: str) -> Matches:
    try:
        condition: _Condition = _Conditions().transform(_PARSER.parse(pattern))
    except UnexpectedInput as error:
        raise InvalidPattern(f"Invalid metric filter pattern, at character {error.pos_in_stream}") from None
    except VisitError as error:
        raise error.orig_exc from None

    def matches(message: str) -> bool:
        event = parsed(message)
        return event is not None and condition(event)

    return matches


def _of_terms(pattern: str) -> Matches:
    """All terms, none with a minus, and, where all have one, at least one with a question mark.

    Matching terms in log events: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-unstructured-log-events.html
    """
    terms: dict[str, list[Matches]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(pattern):
        term = _TERM.match(pattern, position)
        if term is None:
            raise InvalidPattern(f"Invalid metric filter pattern, at character {position}")
        sign, quoted, expression, word = term.groups()
        terms[sign].append(
            _searched(expression) if expression else _contained(_unquoted(quoted) if word is None else word)
        )
        position = term.end()
    return lambda message: (
        all(term(message) for term in terms[""])
        and not any(term(message) for term in terms["-"])
        and (bool(terms[""] or terms["-"]) or not terms["?"] or any(term(message) for term in terms["?"]))
    )


@v_args(inline=True)
class _Conditions(Transformer):  # type: ignore[misc]
    def start(self, condition: _Condition) -> _Condition:
        return condition

    def either(self, *conditions: _Condition) -> _Condition:
        return lambda event: any(condition(event) for condition in conditions)

    def both(self, *conditions: _Condition) -> _Condition:
        return lambda event: all(condition(event) for condition in conditions)

    def is_null(self, selector: Token) -> _Condition:
        return lambda event: _at(event, selector) is None

    def is_true(self, selector: Token) -> _Condition:
        return lambda event: _at(event, selector) is True

    def is_false(self, selector: Token) -> _Condition:
        return lambda event: _at(event, selector) is False

    def exists_not(self, selector: Token) -> _Condition:
        return lambda event: _at(event, selector) is _ABSENT

    def compared(self, selector: Token, sign: Token, wanted: Token) -> _Condition:
        """Compare with a value node; an array, an object or nothing there fits neither = nor !=."""
        fits = _fits(sign, wanted)

        def condition(event: Any) -> bool:
            value = _at(event, selector)
            return isinstance(value, str | int | float) and fits(value)

        return condition


def _fits(sign: str, wanted: Token) -> _Condition:
    if wanted.type == "NUMBER":
        return lambda value: _compares(sign, value, wanted)
    if wanted.type == "REGEX":
        found = _searched(wanted[1:-1])
        return lambda value: found(_text(value)) == (sign == "=")
    text = _unquoted(wanted[1:-1]) if wanted.type == "QUOTED" else str(wanted)
    pattern = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
    return lambda value: bool(pattern.fullmatch(_text(value))) == (sign == "=")


def _compares(sign: str, value: Any, number: str) -> bool:
    """A string of digits needs no quotes in a pattern, so a string in the event is compared as one."""
    if isinstance(value, bool | str):
        return sign in {"=", "!="} and _OPERATORS[sign](_text(value), number)
    return _OPERATORS[sign](value, float(number))


def _at(event: Any, selector: str) -> Any:
    for name, index, quoted in _STEP.findall(selector):
        if index:
            found = isinstance(event, list) and int(index) < len(event)
            event = event[int(index)] if found else _ABSENT
        else:
            event = event.get(name or quoted, _ABSENT) if isinstance(event, dict) else _ABSENT
    return event


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _contained(text: str) -> Matches:
    return lambda message: text in message


def _searched(expression: str) -> Matches:
    try:
        found = re.compile(expression).search
    except re.error as error:
        raise InvalidPattern(f"Invalid metric filter pattern: {error}") from None
    return lambda message: found(message) is not None


_PARSER = Lark(_JSON_GRAMMAR, parser="lalr")
