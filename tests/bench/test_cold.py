"""The section on cold starts: made from samples, and loud where a bound is not kept."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.support.in_process import functions
from tests.unit.test_imports import CALLS_HTTP, PARSES
from tools.bench.bounds import BOUNDS
from tools.bench.cold import benchmark as cold
from tools.bench.cold.figures import BOTO3_FLOOR, CONSTANT, Function, Measured
from tools.bench.cold.start import ColdStart
from tools.bench.figure import Figure
from tools.bench.shop import HOOKS


def starts(*totals: float, megabytes: float = 50) -> list[ColdStart]:
    return [ColdStart(total - 10, total, megabytes) for total in totals]


def function(
    name: str, *, total: float = 200, megabytes: float = 50, shipped: float = 30, without: float = 90
) -> dict[str, Any]:
    return asdict(
        Function(
            name,
            Measured.of(starts(total, total + 4, total - 4, megabytes=megabytes)),
            Measured.of(starts(total + 60)),
            Figure.of([shipped], "ms"),
            Figure.of([without], "ms"),
        )
    )


def data(*measured: dict[str, Any]) -> dict[str, Any]:
    floors = {BOTO3_FLOOR: asdict(Measured.of(starts(180, 200, 220))), CONSTANT: asdict(Measured.of(starts(30)))}
    # As it comes back from the report's file.
    read: dict[str, Any] = json.loads(json.dumps({"rounds": 3, "floors": floors, "functions": list(measured)}))
    return read


def test_figures_are_the_medians_of_the_starts_with_their_spread() -> None:
    measured = Measured.of(starts(100, 140, 110, 300, 120))

    assert measured.total == Figure(120, 100, 300, "ms", 5)
    assert measured.init == Figure(110, 90, 290, "ms", 5)
    assert measured.megabytes == Figure(50, 50, 50, "MB", 5)


def test_a_function_is_shown_with_its_ratio_to_the_floor_of_the_same_run_and_its_bounds() -> None:
    section = cold.section(data(function("get-product", total=230)))

    rows = {row[0]: dict(zip(section.head[1:4], row[1:4], strict=True)) for row in section.rows}
    assert rows["get-product"] == {"cold start": "230 ms", "spread": "226 to 234, 3 runs", "ratio": "1.15"}
    assert rows[BOTO3_FLOOR]["cold start"] == "200 ms"
    assert rows[CONSTANT]["cold start"] == "30.0 ms"
    assert "Every bound is kept." in section.about
    assert section.chart
    assert "get-product" in section.chart
    assert BOTO3_FLOOR in section.chart


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (function("authorize-partner", total=221), "authorize-partner: 1.105 times the boto3 floor, at most 1.1"),
        (function("get-product", total=270), "get-product: 1.350 times the boto3 floor, at most 1.3"),
        (function("place-order", total=310), "place-order: 1.550 times the boto3 floor, at most 1.5"),
        (function("process-orders", total=330), "process-orders: 1.650 times the boto3 floor, at most 1.6"),
        (function("get-product", megabytes=70.2), "get-product: 70.2 MB of memory, at most 70"),
        (function("process-orders", megabytes=75.2), "process-orders: 75.2 MB of memory, at most 75"),
        (function("get-product", shipped=50), "get-product: bytecode makes the import 1.8 times as fast, at least 2"),
    ],
)
def test_a_bound_that_is_not_kept_is_told_with_what_was_measured(measured: dict[str, Any], told: str) -> None:
    found = data(measured)

    assert cold.broken_bounds(found) == [told]
    assert f"**Not kept: {told}.**" in cold.section(found).about


@pytest.mark.parametrize(
    "measured",
    [
        function("authorize-partner", total=220),
        function("get-product", total=260, megabytes=70, shipped=45),
        function("place-order", total=300),
        function("process-orders", total=320, megabytes=75),
    ],
)
def test_a_bound_that_is_just_kept_is_kept(measured: dict[str, Any]) -> None:
    assert cold.broken_bounds(data(measured)) == []


def test_a_hook_is_shown_without_a_ratio() -> None:
    hook = asdict(
        Function(
            "post-traffic-hook",
            Measured.of([ColdStart(900, None, 50)]),
            Measured.of([ColdStart(950, None, 50)]),
            Figure.of([30], "ms"),
            Figure.of([90], "ms"),
        )
    )

    section = cold.section(data(hook))

    assert section.rows[-1][:6] == ("post-traffic-hook", "", "", "", "", "900 ms")
    assert cold.broken_bounds(data(hook)) == []


def test_a_function_that_is_shipped_without_bytecode_has_nothing_to_compare() -> None:
    sandbox = function("payments-sandbox") | {"without": None, "without_import": None}

    section = cold.section(data(sandbox))

    row = dict(zip(section.head[:7], section.rows[-1][:7], strict=True))
    assert (row["function"], row["cold start"], row["without bytecode"]) == ("payments-sandbox", "200 ms", "")
    assert cold.broken_bounds(data(sandbox)) == []


def test_each_function_has_bounds_and_all_but_the_hooks_one_for_the_time() -> None:
    assert BOUNDS.keys() == functions().keys()
    assert {name for name, bound in BOUNDS.items() if bound.ratio is None} == set(HOOKS)


def test_a_bound_is_wider_where_a_library_is_used_and_nowhere_else() -> None:
    handlers = functions()

    assert {handlers[name] for name, bound in BOUNDS.items() if bound.ratio == 1.5} == PARSES
    assert {handlers[name] for name, bound in BOUNDS.items() if bound.megabytes == 75} == CALLS_HTTP
