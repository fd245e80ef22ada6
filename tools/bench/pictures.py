"""Pictures as SVG text: bars with their spread, stacked bars, and lines on logarithmic scales.

They are shown as images, where no script runs and the page's style does not reach. So each has a ground of its own, and
its colours follow the reader's preference for light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from tools.bench.report import Figure, short

_WIDTH = 800
_LABELS = 210
_FIGURES = 150
_LINE = 20
_TOP = 44
_MARGIN = 16
_PLOT = (90, 640, 300)
# Of the same lightness each, so that none stands out; readable on both grounds (contrast 3 or more).
_SERIES = ("#3b7dd8", "#c2660a", "#2e8b57", "#a64ca6", "#8a7500", "#c43d5a", "#2a8c9b", "#7a6ad8", "#80796b", "#5a8a1f")
_STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328; font: 12px system-ui, sans-serif }
  .title { font-size: 14px; font-weight: 600 }
  .quiet { fill: #59636e }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  .rule { stroke: #d0d7de }
  .spread { stroke: #1f2328; stroke-width: 1.5 }
  .floor { stroke: #59636e; stroke-dasharray: 4 3; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .rule { stroke: #3d444d }
    .spread { stroke: #f0f6fc }
    .floor { stroke: #9198a1 }
  }
"""


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
    figures = [figure for _, row in rows for figure in row] + ([floor] if floor else [])
    scale = (_WIDTH - _LABELS - _FIGURES - _MARGIN) / max(figure.high for figure in figures)
    parts, y = [], _TOP + _LINE
    for label, row in rows:
        parts.append(_text(_LABELS - 8, y + 13, label, "end"))
        for number, figure in enumerate(row):
            middle, high, low = y + 8, _LABELS + figure.high * scale, _LABELS + figure.low * scale
            parts += [
                f'<rect x="{_LABELS}" y="{y + 2}" width="{figure.median * scale:.1f}" height="13" '
                f'fill="{_SERIES[number]}"/>',
                f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}"/>',
                _text(high + 8, y + 13, figure.text),
            ]
            y += _LINE
        y += 6
    if floor:
        x = _LABELS + floor.median * scale
        parts.append(f'<path class="floor" d="M{x:.1f} {_TOP + _LINE - 4}V{y}"/>')
        parts.append(_text(x, y + 12, f"floor: {floor.text}", "quiet middle"))
        y += _LINE
    return _picture(title, [*_legend(series), *parts], y + _MARGIN)


def stacked(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], total: str) -> str:
    """Return bars made of shares; what they are shares of goes by the same names in each row.

    Parameters
    ----------
    total
        How the sum of a row is written, with ``{}`` for the number.
    """
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    scale = (_WIDTH - _LABELS - _FIGURES - _MARGIN) / max(sum(row.values()) for _, row in rows)
    legend = _legend(names)
    parts: list[str] = []
    y = _TOP + _LINE * _legend_lines(names)
    for label, row in rows:
        parts.append(_text(_LABELS - 8, y + 17, label, "end"))
        x = float(_LABELS)
        for name, share in row.items():
            tip = f"<title>{escape(name)}: {total.format(short(share))}</title>"
            parts.append(
                f'<rect x="{x:.1f}" y="{y + 2}" width="{share * scale:.1f}" height="22" '
                f'fill="{_SERIES[names.index(name)]}">{tip}</rect>'
            )
            x += share * scale
        parts.append(_text(x + 8, y + 17, total.format(short(sum(row.values())))))
        y += 2 * _LINE
    return _picture(title, [*legend, *parts], y + _MARGIN)


def lines(title: str, axes: tuple[str, str], series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return a line for each of the series, on logarithmic scales.

    Parameters
    ----------
    axes
        What goes to the right, and what goes up.
    """
    left, width, height = _PLOT
    top = _TOP + _LINE * (_legend_lines(list(series)) + 1)
    across = _Scale.of([x for points in series.values() for x, _ in points], left, left + width)
    up = _Scale.of([y for points in series.values() for _, y in points], top + height, top)
    parts = [_text(left, top - 10, axes[1], "quiet"), _text(left + width, top + height + 36, axes[0], "quiet end")]
    for tick in up.ticks:
        parts.append(f'<path class="rule" d="M{left} {up.at(tick):.1f}H{left + width}"/>')
        parts.append(_text(left - 8, up.at(tick) + 4, _tick(tick), "end"))
    parts += [_text(across.at(tick), top + height + 18, _tick(tick), "middle") for tick in across.ticks]
    for number, points in enumerate(series.values()):
        places = [(across.at(x), up.at(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour = _SERIES[number]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    return _picture(title, [*_legend(list(series)), *parts], top + height + 36 + _MARGIN)


class _Scale:
    """A logarithmic scale, from one power of ten to another."""

    def __init__(self, low: int, high: int, start: float, end: float) -> None:
        self.ticks = [10.0**power for power in range(low, high + 1)]
        self._low, self._start = low, start
        self._step = (end - start) / (high - low)

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float) -> _Scale:
        low = math.floor(math.log10(min(values)))
        return cls(low, max(math.ceil(math.log10(max(values))), low + 1), start, end)

    def at(self, value: float) -> float:
        """Where a value is."""
        return self._start + (math.log10(value) - self._low) * self._step


def _tick(power: float) -> str:
    return f"{power:,.0f}" if power >= 1 else f"{power:g}"


def _legend(names: Sequence[str]) -> list[str]:
    """What the colours stand for, four to a line; one colour needs no legend."""
    if len(names) == 1:
        return []
    parts = []
    for number, name in enumerate(names):
        x, y = _MARGIN + number % 4 * 190, _TOP - 4 + number // 4 * _LINE
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{_SERIES[number]}"/>')
        parts.append(_text(x + 18, y + 10, name))
    return parts


def _legend_lines(names: Sequence[str]) -> int:
    return math.ceil(len(names) / 4)


def _text(x: float, y: float, text: str, style: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escape(text)}</text>'


def _picture(title: str, parts: Sequence[str], height: float) -> str:
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">\n<style>{_STYLE}</style>\n'
        f'<rect class="ground" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1:.0f}" rx="6"/>\n'
        f"{_text(_MARGIN, 26, title, 'title')}\n{inner}\n</svg>\n"
    )
