"""The sections below the cost: by volume, by fan-out, the fixed part, quantities, and invocations."""

from __future__ import annotations

from tools.bench.cost import assumptions as assumed
from tools.bench.cost.prices import Prices, dollars
from tools.bench.cost.usage import FAN_OUT, Business
from tools.bench.figure import short
from tools.bench.pictures import lines
from tools.bench.section import Section, about, listed

MILLION = 1_000_000
FAN_OUTS = (1, 10, 100, 1000)
_VOLUMES = (1_000, 100_000, 1_000_000, 10_000_000)


def by_volume(business: Business, prices: Prices) -> Section:
    """Return what a month costs, by how much is done in it."""
    months = {
        "orders": [business.month(orders=volume) for volume in _VOLUMES],
        "messages": [business.month(messages=volume) for volume in _VOLUMES],
        "both, with what is fixed": [
            business.month(orders=volume, messages=volume, with_fixed=True) for volume in _VOLUMES
        ],
    }
    costs = {name: [prices.total(usage) for usage in usages] for name, usages in months.items()}
    return Section(
        **about("cost-by-volume", fan_out=FAN_OUT),
        head=("a month", *costs, "of an order and a message"),
        rows=[
            (f"{volume:,}", *map(dollars, row), dollars(row[-1] / volume))
            for volume, row in zip(_VOLUMES, zip(*costs.values(), strict=True), strict=True)
        ],
        chart=lines(
            "Dollars a month",
            ("orders, messages or both a month", "dollars"),
            {name: list(zip(_VOLUMES, column, strict=True)) for name, column in costs.items()},
        ),
    )


def by_fan_out(business: Business, prices: Prices) -> Section:
    """Return what a million messages cost, by the size of their rooms."""
    split = {fan_out: prices.by_service(business.month(messages=MILLION, fan_out=fan_out)) for fan_out in FAN_OUTS}
    shown = ("API Gateway", "Lambda", "DynamoDB")
    costs = {
        fan_out: {name: each[name] for name in shown} | {"all": sum(each.values())} for fan_out, each in split.items()
    }
    return Section(
        **about("cost-by-fan-out"),
        head=("in the room", *shown, "others", "all", "a message to one"),
        rows=[
            (
                f"{fan_out:,}",
                *[dollars(each[name]) for name in shown],
                dollars(each["all"] - sum(each[name] for name in shown)),
                dollars(each["all"]),
                dollars(each["all"] / MILLION / fan_out),
            )
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
    return Section(
        **about(
            "cost-fixed",
            queues=len(assumed.QUEUES),
            pollers=assumed.POLLERS,
            poll_seconds=assumed.POLL_SECONDS,
            reconciler_minutes=assumed.RECONCILER_MINUTES,
            detailed_metrics=assumed.DETAILED_METRICS,
        ),
        head=("what", "quantity", "price", "a month"),
        rows=[
            *(
                (price.service, short(usage[name]), price.text, dollars(price.of(usage[name])))
                for name, price in prices.of.items()
                if usage.get(name)
            ),
            ("**all**", "", "", f"**{dollars(prices.total(usage))}**"),
            ("what remains when nobody comes", "", "", dollars(prices.total(standing))),
        ],
    )


def quantities(business: Business, prices: Prices) -> Section:
    """Return how much there is of each priced thing."""
    columns = {"orders": business.month(orders=MILLION), f"messages to {FAN_OUT}": business.month(messages=MILLION)}
    return Section(
        **about("cost-quantities"),
        head=("service", "price", *[f"a million {name}" for name in columns], "source of the price"),
        rows=[
            (price.service, price.text, *[short(usage.get(name, 0)) for usage in columns.values()], price.source)
            for name, price in prices.of.items()
        ],
    )


def billed(business: Business) -> Section:
    """Return every invocation that is in the cost, with its duration."""
    durations = business.durations
    return Section(
        **about("cost-billed"),
        head=("for", "function", "own", "memory", "billed", "GB-s", "AWS calls"),
        rows=[
            (
                name,
                one["function"].removesuffix("Function"),
                f"{short(durations.own[one['function']])} ms",
                f"{durations.memory[one['function']]:,} MB",
                f"{durations.warm(one['function'], one['calls'])} ms",
                f"{durations.gigabyte_seconds(one['function'], one['calls']):.4f}",
                listed(one["calls"]),
            )
            for name in ("order", f"message to {FAN_OUT}", "connection", "reconciliation")
            for one in business.counted[name]
        ],
    )
