"""What services tell CloudWatch, and the statistics that make data points of it ("Metrics concepts", Amazon CloudWatch
User Guide).
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import Self


class Unsupported(Exception):
    """An alarm uses something that is not evaluated here."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: another set of dimensions is another metric, also where one set contains the other."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Self:
        """Return the metric with these dimensions, whatever their order."""
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value of a metric at a time in seconds; ``count`` is how often it came, as in ``PutMetricData``."""

    metric: Metric
    time: float
    value: float
    count: int = 1


Statistic = Callable[[Sequence[Measurement]], float]

_STATISTICS: dict[str, Statistic] = {
    "Sum": lambda values: sum(one.value * one.count for one in values),
    "SampleCount": lambda values: sum(one.count for one in values),
    "Average": lambda values: fmean([one.value for one in values], [one.count for one in values]),
    "Minimum": lambda values: min(one.value for one in values),
    "Maximum": lambda values: max(one.value for one in values),
}


def statistic_of(name: str) -> Statistic:
    """Return a statistic by CloudWatch's name: ``Sum``, ``Average``, ``p99``, ...

    Raises
    ------
    Unsupported
        It is a trimmed mean, or another statistic that is not evaluated here.
    """
    if name in _STATISTICS:
        return _STATISTICS[name]
    percentile = re.fullmatch(r"p([0-9]{1,2}(?:\.[0-9]+)?|100)", name)
    if percentile is None:
        raise Unsupported(f"statistic {name}")
    return lambda values: _percentile(values, float(percentile[1]))


def _percentile(values: Sequence[Measurement], percent: float) -> float:
    """Return the smallest value that this percentage of the values does not exceed."""
    ordered = sorted(values, key=lambda one: one.value)
    reached = list(accumulate(one.count for one in ordered))
    return ordered[bisect_left(reached, math.ceil(reached[-1] * percent / 100))].value
