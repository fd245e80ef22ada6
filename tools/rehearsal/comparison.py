"""How many customers a bad release reaches under each of CodeDeploy's configurations: as tables and as a chart."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from tools.rehearsal.schedule import CONFIGURATIONS
from tools.rehearsal.simulation import Assumptions, Line, StoppedBy, simulated


@cache
def compare(assumptions: Assumptions) -> tuple[Line, ...]:
    """Simulate bad releases under each configuration, with each error rate."""
    return tuple(
        simulated(configuration, rate, assumptions)
        for configuration in CONFIGURATIONS
        for rate in assumptions.error_rates
    )


@cache
def rolled_back_for_nothing(configuration: str, assumptions: Assumptions) -> float:
    """Return the share of good releases that the alarm or the smoke test ends."""
    good = simulated(configuration, assumptions.background_rate, assumptions)
    return 1 - good.stopped_by(StoppedBy.PERSON)


def as_table(lines: Iterable[Line], assumptions: Assumptions) -> str:
    """Return a Markdown table: for each configuration and error rate, what the release costs."""
    rows = [
        (
            line.configuration,
            _percent(line.error_rate),
            ", ".join(f"{what} {_percent(share)}" for what in StoppedBy if (share := line.stopped_by(what))),
            _range(line.quantiles("minutes"), 1),
            _range(line.quantiles("failed")),
            _range(line.quantiles("customers")),
        )
        for line in lines
    ]
    head = ("configuration", "fails", "stopped by", "minutes", "failed requests", "customers")
    table = _aligned([head, *rows])
    good = _aligned(
        [("configuration", f"good releases rolled back (they fail {_percent(assumptions.background_rate)})")]
        + [(name, _percent(rolled_back_for_nothing(name, assumptions))) for name in CONFIGURATIONS]
    )
    return f"{table}\nMedian, and in brackets what 90 % of the releases lie between.\n\n{good}"


def as_short_table(assumptions: Assumptions) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of the table for the documentation: customers who met an error."""
    lines = compare(assumptions)
    head = ("configuration", *(_percent(rate) for rate in assumptions.error_rates), "a good release is rolled back")
    rows = [
        (
            f"`{name}`",
            *(_range(line.quantiles("customers")) for line in lines if line.configuration == name),
            _percent(rolled_back_for_nothing(name, assumptions)),
        )
        for name in CONFIGURATIONS
    ]
    return head, rows


def as_picture(error_rate: float, assumptions: Assumptions) -> str:
    """Return a Mermaid chart: the median as a line, and as bars what one release in twenty exceeds."""
    lines = compare(replace(assumptions, error_rates=(error_rate,)))
    names = ", ".join(f'"{_short(line.configuration)}"' for line in lines)
    medians = ", ".join(f"{line.quantiles('customers')[1]:.0f}" for line in lines)
    worst = ", ".join(f"{line.quantiles('customers')[2]:.0f}" for line in lines)
    return (
        "```mermaid\nxychart-beta\n"
        f'    title "Customers who meet an error when {_percent(error_rate)} of requests fail"\n'
        f'    x-axis [{names}]\n    y-axis "customers"\n    bar [{worst}]\n    line [{medians}]\n```\n'
    )


def _short(configuration: str) -> str:
    replaced = configuration.replace("Canary10Percent", "C").replace("Linear10PercentEvery", "L")
    return replaced.replace("Minutes", "").replace("Minute", "").replace("AllAtOnce", "All")


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _range(quantiles: tuple[float, float, float], digits: int = 0) -> str:
    low, median, high = (f"{value:.{digits}f}" for value in quantiles)
    return f"{median} ({low} to {high})"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
