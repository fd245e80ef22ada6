"""What a million orders and a million chat messages cost on AWS, split by service, and how that grows.

What AWS charges for is counted while the functions' own handlers run (``counting.py``). The benchmarks ``warm``,
``cold`` and, for a room of many, ``broadcast`` have measured how long they take. ``prices.toml`` has the prices,
``assumptions.py`` the time that AWS adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.bench.cost import assumptions as assumed
from tools.bench.cost import tables
from tools.bench.cost.prices import Prices, dollars
from tools.bench.cost.tables import FAN_OUTS, MILLION
from tools.bench.cost.usage import FAN_OUT, Business
from tools.bench.pictures import stacked
from tools.bench.report import Run
from tools.bench.section import Section, about
from tools.console import Problem, step


def measure(run: Run) -> Section:
    """Count, and take the durations from what was measured before.

    Raises
    ------
    Problem
        If they were not.
    """
    missing = [name for name in ("cold", "warm", "broadcast") if name not in run.measured]
    if missing:
        raise Problem(f"the cost needs what {', '.join(missing)} has to measure: run that with --keep before, or all")
    # Imported here, since reading the template is slow and drawing the report again needs neither.
    from tools.bench.cost.counting import counted  # noqa: PLC0415
    from tools.bench.cost.production import production  # noqa: PLC0415

    with step("count what AWS charges for"):
        data = {"counted": counted(FAN_OUTS), **production()}
    return section(data | durations(run.measured))


def section(data: Any) -> Section:
    """Make the report's section; the prices are those of the table, whenever it is made."""
    prices, business = Prices.load(), Business.of(data)
    columns = {
        "orders": business.month(orders=MILLION),
        f"chat messages to {FAN_OUT}": business.month(messages=MILLION),
    }
    split = {name: prices.by_service(usage) for name, usage in columns.items()}
    services = [name for name in prices.services if any(costs[name] for costs in split.values())]
    totals = {name: sum(costs.values()) for name, costs in split.items()}
    return Section(
        **_about(prices, data),
        head=("service", *[cell for name in split for cell in (f"a million {name}", "share")]),
        rows=[
            *(
                (service, *[cell for name in split for cell in _with_share(split[name][service], totals[name])])
                for service in services
            ),
            ("**all**", *[cell for total in totals.values() for cell in (f"**{dollars(total)}**", "")]),
            (
                "all but X-Ray",
                *[cell for name in split for cell in (dollars(totals[name] - split[name]["X-Ray"]), "")],
            ),
        ],
        chart=stacked(
            "Dollars for a million",
            [(name, {service: costs[service] for service in services}) for name, costs in split.items()],
            "${}",
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
    largest = max(
        (one for one in measured["broadcast"]["measurements"] if one["way"] == "concurrently"),
        key=lambda one: int(one["connections"]),
    )
    warm, cold = (measured[name]["functions"] for name in ("warm", "cold"))
    return {
        "own": {logical_id(one["name"]): one["own"]["median"] for one in warm},
        "init": {logical_id(one["name"]): one["shipped"]["init"]["median"] for one in cold},
        "post": largest["time"]["median"] * 1000 / largest["connections"],
    }


def logical_id(name: str) -> str:
    """Return a function's name in the template."""
    return "".join(word.title() for word in name.split("-")) + "Function"


def _about(prices: Prices, data: Mapping[str, Any]) -> Any:
    return about(
        "cost",
        region=prices.region,
        looked_up=prices.looked_up.isoformat(),
        post=data["post"],
        waits=", ".join(f"{milliseconds:g} ms for {call}" for call, milliseconds in assumed.WAITS.items()),
        whole_processor=assumed.MEMORY_OF_A_PROCESSOR,
        cold_of=1 / assumed.COLD_SHARE,
        platform_log=assumed.PLATFORM_LOG_BYTES,
        access_log=assumed.ACCESS_LOG_BYTES,
        minutes_between=assumed.MINUTES_BETWEEN_MESSAGES,
        minutes_connected=assumed.MINUTES_CONNECTED,
    )


def _with_share(cost: float, total: float) -> tuple[str, str]:
    return dollars(cost), f"{cost / total:.0%}"
