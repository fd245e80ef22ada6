"""Removes a part from a Python module: the smallest list element, statement or function around each of its names.

A sentence in a docstring, a comment or a message stays: a person rewrites it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from tools.checks.part import Part

Span = tuple[int, int]
Cut = tuple[int, int, str]  # from, to, and what comes in its place
# Neighbours in a list, each by its first and its last node: a parameter and its default, a key and its value
Neighbours = list[tuple[Any, Any]]
_PAIR = 2
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def without(text: str, part: Part) -> str:
    """Return a module's text without the code that names a part, or what such code has defined."""
    gone: set[tuple[str, str]] = set()
    while cut := (module := _Module(text, part, gone)).next():
        begin, end, instead = cut
        text = text[:begin] + instead + text[end:]
        gone |= module.gone
    return text


class _Module:
    """A module from which something is cut.

    Attributes
    ----------
    gone
        Names that cut statements have bound, each with the functions that it was bound in.
    """

    def __init__(self, text: str, part: Part, gone: set[tuple[str, str]]) -> None:
        self._lines = text.splitlines(keepends=True)
        self._part = part
        self._tree = ast.parse(text)
        self._parents = {child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)}
        self.gone = gone

    def next(self) -> Cut | None:
        """Return the next thing to cut: functions and classes first, since their names tell more than their bodies."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and self._part.is_named_in(node.name):
                return self._statement(node)
        cuts = (self._around(node) for node in ast.walk(self._tree) if self._is_naming(node))
        return next(filter(None, cuts), None)

    def _is_naming(self, node: ast.AST) -> bool:
        """Tell whether a node itself names the part, or a thing that is gone."""
        match node:
            case ast.Constant(value=str() as value) if not isinstance(self._parents[node], ast.Expr):
                return any(self._part.is_named_in(word) for word in value.split() if not self._is_prose(word, value))
            case ast.Name(id=name):
                is_gone = not self.gone.isdisjoint({("", name), (self._scope(node), name)})
                return is_gone or self._part.is_named_in(name)
            case ast.Attribute(attr=name) | ast.arg(arg=name) | ast.ImportFrom(module=str() as name):
                return self._part.is_named_in(name)
            case ast.keyword(arg=str() as name):
                return self._part.is_named_in(name)
            case ast.alias(name=name, asname=other):
                return self._part.is_named_in(f"{name} {other}")
        return False

    def _is_prose(self, word: str, text: str) -> bool:
        return " " in text and bool(re.fullmatch(rf"\W*{self._part.word}s?('s?)?\W*", word))

    def _scope(self, node: ast.AST) -> str:
        """Return the names of the functions around a node."""
        names = []
        while node := self._parents.get(node):  # type: ignore[assignment]
            if isinstance(node, ast.FunctionDef):
                names.append(node.name)
        return ".".join(names)

    def _around(self, node: ast.AST) -> Cut | None:
        """Return the smallest thing around a node that can go."""
        while node in self._parents:
            if neighbours := self._neighbours(node):
                return self._one_of(neighbours, node)
            if isinstance(node, ast.match_case) or (isinstance(node, ast.stmt) and self._may_go(node)):
                return self._statement(node)
            node = self._parents[node]
        return None

    def _neighbours(self, node: ast.AST) -> Neighbours:
        """Return the things that stand in a list with a node, if it can go from there."""
        match self._parents[node], node:
            case ((ast.Import(names=names) | ast.ImportFrom(names=names)), ast.alias()) if len(names) > 1:
                return [(name, name) for name in names]
            case (ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements)) as parent, _:
                is_read = isinstance(getattr(parent, "ctx", ast.Load()), ast.Load)
                return [(one, one) for one in elements] if is_read and self._is_of_a_kind(elements) else []
            case ast.Dict(keys=keys, values=values), _ if len(keys) > 1:
                return list(zip(keys, values, strict=True))
            case ast.Call(args=arguments, keywords=keywords), ast.keyword():
                return [(one, one) for one in (*arguments, *keywords)]
            case ast.arguments() as parameters, ast.arg():
                return _with_defaults(parameters)
        return []

    def _is_of_a_kind(self, elements: list[ast.expr]) -> bool:
        """Tell whether these are things of one kind, some of which stay."""
        others = [one for one in elements if not self._part.is_named_in(ast.unparse(one))]
        plain = [one for one in elements if not isinstance(one, ast.Starred)]
        kinds = {type(one.value) if isinstance(one, ast.Constant) else type(one) for one in plain}
        return bool(others) and len(kinds) == 1

    def _may_go(self, statement: ast.stmt) -> bool:
        """Tell whether a function makes sense without a statement: a test or one that returns something does not."""
        parent = self._parents[statement]
        if isinstance(statement, ast.Return | ast.Raise) and isinstance(parent, ast.FunctionDef):
            return False
        return isinstance(statement, ast.FunctionDef) or "test_" not in self._scope(statement)

    def _statement(self, node: Any) -> Cut:
        """Return a statement with its comments, or that around it if nothing else is in it."""
        parent = self._parents[node]
        bodies = [getattr(parent, name, []) for name in _BODIES]
        if any(body == [node] for body in bodies) and not isinstance(parent, ast.Module):
            return self._statement(parent)
        self.gone = self.gone | {(self._scope(node), name) for name in _bound(node)}
        first = min(one.lineno for one in (getattr(node, "pattern", node), *getattr(node, "decorator_list", [])))
        last = getattr(node, "body", [node])[-1].end_lineno if isinstance(node, ast.match_case) else node.end_lineno
        while first > 1 and self._lines[first - 2].strip().startswith("#"):
            first -= 1
        return self._offset(first, 0), self._offset(last + 1, 0), ""

    def _one_of(self, neighbours: Neighbours, node: ast.AST) -> Cut:
        """Return one of several with a comma, that before it or that behind it."""
        (number,) = [number for number, pair in enumerate(neighbours) if node in pair]
        spans = [self._span(first, last) for first, last in neighbours]
        begin, end = spans[number]
        if number + 1 < len(spans):
            end = spans[number + 1][0]
        elif number:
            begin = spans[number - 1][1]
        if isinstance(self._parents[node], ast.Tuple) and len(spans) == _PAIR:
            # A tuple of one has a comma behind it
            return (begin, end, ",") if number else (begin, spans[1][1], f"{self._text(spans[1])},")
        return begin, end, ""

    def _text(self, span: Span) -> str:
        return "".join(self._lines)[slice(*span)]

    def _span(self, first: Any, last: Any) -> Span:
        stars = 0 if first else len("**")
        first = first or last
        return self._offset(first.lineno, first.col_offset) - stars, self._offset(last.end_lineno, last.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        """Return where in the text a place is; the parser counts bytes."""
        before = self._lines[line - 1].encode()[:column].decode() if column else ""
        return len("".join(self._lines[: line - 1])) + len(before)


def _with_defaults(parameters: ast.arguments) -> Neighbours:
    positional = [*parameters.posonlyargs, *parameters.args]
    required: list[ast.expr | None] = [None] * (len(positional) - len(parameters.defaults))
    defaults = [*required, *parameters.defaults, *parameters.kw_defaults]
    pairs = zip([*positional, *parameters.kwonlyargs], defaults, strict=True)
    return [(one, default or one) for one, default in pairs]


def _bound(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.Assign() | ast.AnnAssign():
            names_in = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            yield from (name.id for name in names_in if isinstance(name.ctx, ast.Store))
