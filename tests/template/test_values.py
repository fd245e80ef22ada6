"""In braces a comma ends a value: a text that goes on behind it becomes a member without one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tools.testing.template import openapi, source

FILES = ("template.yaml", "operations.yaml", "edge.yaml", "bootstrap.yaml", "governance.yaml")
DOCUMENTS = {
    "openapi.yaml": openapi(),
    **{name: source(name) for name in FILES},
}


def without_value(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if value is None:
                yield f"{path}/{name}"
            yield from without_value(value, f"{path}/{name}")
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from without_value(value, f"{path}/{at}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_member_has_a_value(name: str) -> None:
    assert list(without_value(DOCUMENTS[name])) == []
