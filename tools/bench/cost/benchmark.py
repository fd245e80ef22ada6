"""The cost of a million orders and a million chat messages on AWS, by service, and its growth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tools.bench.cost import tables
from tools.bench.cost.prices import Prices, dollars
from tools.bench.cost.tables import FAN_OUTS, MILLION
from tools.bench.cost.usage import ASSUMED, FAN_OUT, Business
from tools.bench.pictures import stacked
from tools.bench.report import Run
from tools.bench.section import Section, about
from tools.console import Problem, step
from tools.stack.function_name import logical_id_of


def measure(run: Run) -> Section:
    """Count, and take the durations from what was measured before, without which this is a ``Problem``."""
    missing = [name for name in ("cold", "warm", "broadcast") if name not in run.measured]
    if missing:
        raise Problem(f"the cost needs what {', '.join(missing)} has to measure: run that with --keep before, or all")
    # Imported here, since reading the template is slow, and drawing the report again needs neither.
    from tools.bench.cost.counting import counted  # noqa: PLC0415
    from tools.bench.cost.production import production  # noqa: PLC0415

    with step("count what AWS charges for"):
        data = {"counted": counted(FAN_OUTS), **production()}
    return section(data | durations(run.measured))


def section(data: Any) -> Section:
    """Make the report's section; the prices are those of the table, whenever it is made."""
    prices, business = Prices.load(), Business.of(data)
    split = {
        "orders": prices.by_service(business.month(orders=MILLION)),
        f"chat messages to {FAN_OUT}": prices.by_service(business.month(messages=MILLION)),
    }
    totals = {name: sum(costs.values()) for name, costs in split.items()}
    untraced = {name: total - split[name]["X-Ray"] for name, total in totals.items()}
    used = [service for service in prices.services if any(costs[service] for costs in split.values())]
    rows = [
        (
            service,
            *_cells((dollars(costs[service]), f"{costs[service] / totals[name]:.0%}") for name, costs in split.items()),
        )
        for service in used
    ]
    return Section(
        *about("cost", **ASSUMED | _texts(prices), post=data["post"]),
        head=("service", *_cells((f"a million {name}", "share") for name in split)),
        rows=[
            *rows,
            ("**all**", *_cells((f"**{dollars(total)}**", "") for total in totals.values())),
            ("all but X-Ray", *_cells((dollars(total), "") for total in untraced.values())),
        ],
        chart=stacked(
            "Dollars for a million",
            [(name, {service: costs[service] for service in used}) for name, costs in split.items()],
        ),
        data=data,
        more=(
            tables.by_volume(business, prices),
            tables.by_fan_out(business, prices),
            tables.fixed(business, prices),
            tables.quantities(business, prices),
            tables.billed(business),
        ),
    )


def durations(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the other benchmarks have measured, in milliseconds, by the functions' logical ids."""
    concurrently = [one for one in measured["broadcast"]["measurements"] if one["way"] == "concurrently"]
    largest = max(concurrently, key=lambda one: int(one["connections"]))
    warm, cold = (measured[name]["functions"] for name in ("warm", "cold"))
    return {
        "own": {logical_id_of(one["name"]): one["own"]["median"] for one in warm},
        "init": {logical_id_of(one["name"]): one["shipped"]["init"]["median"] for one in cold},
        "post": largest["time"]["median"] * 1000 / largest["connections"],
    }


def _texts(prices: Prices) -> dict[str, Any]:
    waits = ", ".join(f"{milliseconds} ms for {call}" for call, milliseconds in ASSUMED["waits"].items())
    return {
        "region": prices.region,
        "looked_up": prices.looked_up,
        "waits": waits,
        "cold_of": 1 / ASSUMED["cold_share"],
    }


def _cells(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [cell for pair in pairs for cell in pair]
