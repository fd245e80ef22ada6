"""Log lines: no field is longer than it may be, however it is nested; of a traceback the end is kept."""

import io
import json
from typing import Any

import pytest

from storefront.shared.observability import logger


class Foreign:
    """A value that JSON does not know."""

    def __str__(self) -> str:
        return "f" * 2_000


LONG, CUT = "x" * 1_001, "x" * 1_000 + "…"


@pytest.mark.parametrize(
    ("name", "value", "logged"),
    [
        ("reason", "x" * 1_000, "x" * 1_000),
        ("reason", LONG, CUT),
        ("reason", {"inner": LONG, "deeper": {"list": [LONG, 1]}}, {"inner": CUT, "deeper": {"list": [CUT, 1]}}),
        ("reason", [LONG, "short"], [CUT, "short"]),
        ("reason", Foreign(), "f" * 1_000 + "…"),
        ("reason", {"inner": [Foreign()]}, {"inner": ["f" * 1_000 + "…"]}),
        ("exception", LONG, LONG),
        ("exception", {"frames": [LONG]}, {"frames": [LONG]}),
        ("exception", "x" * 20_000, "x" * 20_000),
        ("exception", "x" + "y" * 20_000, "…" + "y" * 20_000),
        ("exception", {"frames": ["x" + "y" * 20_000]}, {"frames": ["…" + "y" * 20_000]}),
    ],
)
def test_a_field_is_cut(log: io.StringIO, name: str, value: Any, logged: Any) -> None:
    logger.info("told", extra={name: value})

    assert json.loads(log.getvalue())[name] == logged


def test_a_line_is_compact(log: io.StringIO) -> None:
    logger.info("told", extra={"one": 1, "two": [1, 2]})

    assert '"one":1,"two":[1,2]' in log.getvalue()
