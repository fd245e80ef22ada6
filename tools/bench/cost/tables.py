"""The sections below the cost: by volume, by fan-out, the fixed part, quantities, and invocations."""

from __future__ import annotations

from tools.bench.cost.prices import Prices, dollars
from tools.bench.cost.usage import ASSUMED, FAN_OUT, Business
from tools.bench.figure import short
from tools.bench.pictures import lines
from tools.bench.section import Section, about, listed

MILLION = 1_000_000
FAN_OUTS = (1, 10, 100, 1000)
_VOLUMES = (1_000, 100_000, 1_000_000, 10_000_000)


def by_volume(business: Business, prices: Prices) -> Section:
    """Return what a month costs, by how much is done in it."""
    months = {
        "orders": [business.month(orders=each) for each in _VOLUMES],
        "messages": [business.month(messages=each) for each in _VOLUMES],
        "both, with what is fixed": [business.month(each, each, with_fixed=True) for each in _VOLUMES],
    }
    costs = {name: dict(zip(_VOLUMES, map(prices.total, usages), strict=True)) for name, usages in months.items()}
    rows = {volume: [column[volume] for column in costs.values()] for volume in _VOLUMES}
    return Section(
        *about("cost-by-volume", fan_out=FAN_OUT),
        head=("a month", *costs, "of an order and a message"),
        rows=[(f"{volume:,}", *map(dollars, row), dollars(row[-1] / volume)) for volume, row in rows.items()],
        chart=lines(
            "Dollars a month",
            ("orders, messages or both a month", "dollars"),
            {name: list(column.items()) for name, column in costs.items()},
        ),
    )


def by_fan_out(business: Business, prices: Prices) -> Section:
    """Return what a million messages cost, by the size of their rooms."""
    shown = ("API Gateway", "Lambda", "DynamoDB")
    costs: dict[int, dict[str, float]] = {}
    for fan_out in FAN_OUTS:
        split = prices.by_service(business.month(messages=MILLION, fan_out=fan_out))
        known = {name: split.pop(name) for name in shown}
        others = sum(split.values())
        costs[fan_out] = {**known, "others": others, "all": sum(known.values()) + others}
    return Section(
        *about("cost-by-fan-out"),
        head=("in the room", *shown, "others", "all", "a message to one"),
        rows=[
            (f"{fan_out:,}", *map(dollars, each.values()), dollars(each["all"] / MILLION / fan_out))
            for fan_out, each in costs.items()
        ],
        chart=lines(
            "Dollars for a million messages",
            ("connections in the room", "dollars"),
            {name: [(fan_out, each[name]) for fan_out, each in costs.items()] for name in (*shown, "all")},
        ),
    )


def fixed(business: Business, prices: Prices) -> Section:
    """Return what a month costs in which nothing is ordered or said."""
    usage = business.month(with_fixed=True)
    standing = {name: quantity for name, quantity in usage.items() if name != "metrics"}
    used = {price: usage[name] for name, price in prices.of.items() if usage.get(name)}
    return Section(
        *about("cost-fixed", **ASSUMED),
        head=("what", "quantity", "price", "a month"),
        rows=[
            *((each.service, short(amount), each.text, dollars(each.of(amount))) for each, amount in used.items()),
            ("**all**", "", "", f"**{dollars(prices.total(usage))}**"),
            ("what remains when nobody comes", "", "", dollars(prices.total(standing))),
        ],
    )


def quantities(business: Business, prices: Prices) -> Section:
    """Return how much there is of each priced thing."""
    columns = {"orders": business.month(orders=MILLION), f"messages to {FAN_OUT}": business.month(messages=MILLION)}
    return Section(
        *about("cost-quantities"),
        head=("service", "price", *[f"a million {name}" for name in columns], "source of the price"),
        rows=[
            (price.service, price.text, *[short(usage.get(name, 0)) for usage in columns.values()], price.source)
            for name, price in prices.of.items()
        ],
    )


def billed(business: Business) -> Section:
    """Return every invocation that is in the cost, with its duration."""
    durations, rows = business.durations, []
    for name in ("order", f"message to {FAN_OUT}", "connection", "reconciliation"):
        for one in business.counted[name]:
            function, calls = one["function"], one["calls"]
            own, memory = f"{short(durations.own[function])} ms", f"{durations.memory[function]:,} MB"
            time, share = f"{durations.warm(function, calls)} ms", f"{durations.gigabyte_seconds(function, calls):.4f}"
            rows.append((name, function.removesuffix("Function"), own, memory, time, share, listed(calls)))
    return Section(
        *about("cost-billed"), head=("for", "function", "own", "memory", "billed", "GB-s", "AWS calls"), rows=rows
    )
