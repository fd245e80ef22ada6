"""The metrics that the code sends, found in its source: nothing is imported or run."""

import ast
from collections.abc import Iterator
from functools import cache

from tools.testing.source import SOURCE


@cache
def metrics_in_code() -> frozenset[str]:
    """Return the names of all metrics that the functions send through Powertools.

    Raises
    ------
    AssertionError
        A name is written in a way that is not known here.
    """
    trees = [ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))]
    return frozenset(name for tree in trees for call in _calls(tree) for name in _names(call.args[0], tree, trees))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="add_metric")):
                yield node


def _names(argument: ast.expr, tree: ast.Module, trees: list[ast.Module]) -> set[str]:
    match argument:
        case ast.Constant(value=str(name)):
            return {name}
        case ast.Subscript(value=ast.Name(id=table)):
            return _values_of(table, tree)
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            return _given_as(attribute.removeprefix("_"), trees)
        case ast.Name(id=variable):
            return _members_of(variable.title(), tree)
    raise AssertionError(f"a metric's name is written in another way: {ast.unparse(argument)}")


def _values_of(table: str, tree: ast.Module) -> set[str]:
    """Return the values of a dictionary of the module."""
    (value,) = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == table
    ]
    return set(ast.literal_eval(value).values())


def _given_as(keyword: str, trees: list[ast.Module]) -> set[str]:
    """Return what anybody gives as this argument."""
    return {
        str(given.value.value)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for given in node.keywords
        if given.arg == keyword and isinstance(given.value, ast.Constant)
    }


def _members_of(enumeration: str, tree: ast.Module) -> set[str]:
    """Return the values of an enumeration of the module."""
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == enumeration]
    return {ast.literal_eval(node.value) for node in found.body if isinstance(node, ast.Assign)}
