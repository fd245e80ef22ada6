"""Pictures as SVG text: bars with their spread, stacked bars, and lines on logarithmic scales.

They are shown as images, where no script runs and the page's style does not reach. So each has a ground of its own, and
its colours follow the reader's preference for light or dark. docs/decisions.md says why no library draws them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tools.bench.figure import Figure, short

_STYLE = Path(__file__).with_name("pictures.css")
_WIDTH, _MARGIN, _LINE = 800, 16, 20
# Left and right of bars: their labels, and their figures.
_LABELS, _FIGURES = 210, 150
_BARS = _WIDTH - _LABELS - _FIGURES - _MARGIN
_LEGEND_COLUMNS, _LEGEND_WIDTH = 4, 190
# Of the same lightness each, so that none stands out; readable on both grounds (contrast 3 or more).
_SERIES = ("#3b7dd8", "#c2660a", "#2e8b57", "#a64ca6", "#8a7500", "#c43d5a", "#2a8c9b", "#7a6ad8", "#80796b", "#5a8a1f")


def bars(
    title: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[Figure]]], floor: Figure | None = None
) -> str:
    """Return bars from left to right, each with its spread.

    Parameters
    ----------
    series
        What the bars of one row stand for, in their order.
    rows
        A label and its figures, one for each of the series, all of the same unit.
    floor
        Drawn as a line across all rows.
    """
    picture = _Picture(title, series)
    scale = _BARS / max(
        figure.high for figure in [*(figure for _, row in rows for figure in row), *filter(None, [floor])]
    )
    top = y = picture.top
    for label, figures in rows:
        picture.text(_LABELS - 8, y + 13, label, "end")
        for number, figure in enumerate(figures):
            low, high = _LABELS + figure.low * scale, _LABELS + figure.high * scale
            picture.bar(_LABELS, y + 2, figure.median * scale, 13, number)
            picture.path("spread", f"M{low:.1f} {y + 8}H{high:.1f}")
            picture.text(high + 8, y + 13, figure.text)
            y += _LINE
        y += 6
    if floor:
        x = _LABELS + floor.median * scale
        picture.path("floor", f"M{x:.1f} {top - 4}V{y}")
        picture.text(x, y + 12, f"floor: {floor.text}", "quiet middle")
        y += _LINE
    return picture.finished(y)


def stacked(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], total: str) -> str:
    """Return bars made of shares.

    Parameters
    ----------
    rows
        A label and its shares by their names, which mean the same in each row.
    total
        How the sum of a row is written, with ``{}`` for the number.
    """
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    picture = _Picture(title, names)
    scale = _BARS / max(sum(row.values()) for _, row in rows)
    y = picture.top
    for label, row in rows:
        picture.text(_LABELS - 8, y + 17, label, "end")
        x = float(_LABELS)
        for name, share in row.items():
            picture.bar(x, y + 2, share * scale, 22, names.index(name), f"{name}: {total.format(short(share))}")
            x += share * scale
        picture.text(x + 8, y + 17, total.format(short(sum(row.values()))))
        y += 2 * _LINE
    return picture.finished(y)


def lines(title: str, axes: tuple[str, str], series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return a line for each of the series, on logarithmic scales.

    Parameters
    ----------
    axes
        The names of the horizontal and the vertical axis.
    """
    picture = _Picture(title, list(series))
    left, right, top = 90, 730, picture.top + _LINE
    bottom = top + 300
    across = _Scale([x for points in series.values() for x, _ in points], left, right)
    up = _Scale([y for points in series.values() for _, y in points], bottom, top)
    picture.text(left, top - 10, axes[1], "quiet")
    picture.text(right, bottom + 36, axes[0], "quiet end")
    for tick in up.ticks:
        picture.path("rule", f"M{left} {up.at(tick):.1f}H{right}")
        picture.text(left - 8, up.at(tick) + 4, _power(tick), "end")
    for tick in across.ticks:
        picture.text(across.at(tick), bottom + 18, _power(tick), "middle")
    for number, points in enumerate(series.values()):
        picture.line([(across.at(x), up.at(y)) for x, y in points], number)
    return picture.finished(bottom + 36)


class _Scale:
    """A logarithmic scale, from one power of ten to another."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        high = max(math.ceil(math.log10(max(values))), self._low + 1)
        self._start, self._step = start, (end - start) / (high - self._low)
        self.ticks = [10.0**power for power in range(self._low, high + 1)]

    def at(self, value: float) -> float:
        """Where a value is."""
        return self._start + (math.log10(value) - self._low) * self._step


def _power(of_ten: float) -> str:
    return f"{of_ten:,.0f}" if of_ten >= 1 else f"{of_ten:g}"


class _Picture:
    """A title, a legend if there are several series, and the shapes below them, from ``top`` on."""

    def __init__(self, title: str, names: Sequence[str]) -> None:
        self._title = title
        self._parts: list[str] = []
        self.text(_MARGIN, 26, title, "title")
        shown = names if len(names) > 1 else ()
        for number, name in enumerate(shown):
            x, y = _MARGIN + number % _LEGEND_COLUMNS * _LEGEND_WIDTH, 40 + number // _LEGEND_COLUMNS * _LINE
            self.bar(x, y, 12, 12, number)
            self.text(x + 18, y + 10, name)
        self.top = 44 + _LINE * math.ceil(len(shown) / _LEGEND_COLUMNS)

    def text(self, x: float, y: float, text: str, style: str = "") -> None:
        kind = f' class="{style}"' if style else ""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escape(text)}</text>')

    def bar(self, x: float, y: float, width: float, height: int, number: int, tip: str = "") -> None:
        place = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{_SERIES[number]}"'
        self._parts.append(f"<rect {place}><title>{escape(tip)}</title></rect>" if tip else f"<rect {place}/>")

    def path(self, style: str, path: str) -> None:
        self._parts.append(f'<path class="{style}" d="{path}"/>')

    def line(self, points: Sequence[tuple[float, float]], number: int) -> None:
        colour, path = _SERIES[number], " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        self._parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]

    def finished(self, bottom: float) -> str:
        height = bottom + _MARGIN
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
                f'aria-label="{escape(self._title)}">',
                f"<style>\n{_STYLE.read_text()}</style>",
                f'<rect class="ground" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1:.0f}" rx="6"/>',
                *self._parts,
                "</svg>\n",
            ]
        )
