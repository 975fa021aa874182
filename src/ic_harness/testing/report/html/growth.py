"""Growth: for each figure of a workload a chart of what was measured, the law, and the limit that it meets."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Final

from ic_harness.testing.growth.series import (
    INSTRUCTIONS,
    UNITS,
    Growth,
    Series,
    growth_of,
    law_words,
    limit_words,
)
from ic_harness.testing.measured import GrowthResult
from ic_harness.testing.report.html.blocks import data_table, left_out
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.words import short
from ic_harness.text import one_line

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 36, 40
_STEPS: Final = 60
_FARTHEST: Final = 1e12
"""The chart ends there, however far away the limit is."""


def growth(found: Sequence[GrowthResult]) -> Markup | None:
    """Return the section of the report."""
    if not found:
        return None
    return join(*(workload(growth_of(it), it.left_out) for it in found))


def workload(growth: Growth, more: int = 0) -> Markup:
    """Return a workload: a table of its figures, and a chart of each; `more` figures are left out."""
    rows: list[list[object]] = [
        [
            tag("code", _name(it)),
            law_words(it),
            f"{100 * max(it.fit.error, it.fit.foretold):.1f} %",
            f"{it.figures[-1]:,}",
            limit_words(it),
        ]
        for it in growth.series
    ]
    title = one_line(growth.title, 200) or "Workload"
    head = ["Method", "Grows by", "Error", "Largest figure", "Limit met at n ="]
    table = data_table(f"Growth of {title}", head, rows, "bars")
    charts = [tag("figure", tag("figcaption", tag("h4", _name(it))), chart(it)) for it in growth.series]
    return tag(
        "div",
        tag("h3", title),
        table,
        left_out(more, "figure"),
        tag("div", charts, class_="plots"),
        class_="workload",
    )


def _name(series: Series) -> str:
    what = "" if series.what == INSTRUCTIONS else f" {series.what}"
    return f"{one_line(series.subject, 120)}{what}"


class _Scale:
    """Logarithmic axes from the smallest size to the limit."""

    def __init__(self, series: Series) -> None:
        met = series.meets_limit
        last = series.sizes[-1]
        far = last * 4 if met is None else min(max(met * 2, last * 2), _FARTHEST)
        self.first, self.far = float(series.sizes[0]), max(float(far), last * 2.0)
        positive = [figure for figure in series.figures if figure > 0] or [1]
        self.low = min(positive) / 2
        self.high = max(series.limit * 2.0, max(positive) * 2.0)

    def x(self, n: float) -> float:
        share = (log10(n) - log10(self.first)) / (log10(self.far) - log10(self.first))
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def chart(series: Series) -> Markup:
    """Draw a series: dots are measured, the line is the law, dashed where it foretells."""
    scale = _Scale(series)
    limit = scale.y(series.limit)
    words = (
        f"{_name(series)} grows by {law_words(series)}; the limit of {short(series.limit)} {UNITS[series.what]} is "
        f"met at n = {limit_words(series)}"
    )
    return tag(
        "svg",
        tag("title", words),
        _axes(scale),
        tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=round(limit, 1), y2=round(limit, 1), class_="limit"),
        tag("text", f"limit {short(series.limit)} {UNITS[series.what]}", x=_LEFT + 6, y=round(limit - 6, 1)),
        _line(series, scale, series.sizes[0], series.sizes[-1], "law"),
        _line(series, scale, series.sizes[-1], scale.far, "law foretold"),
        [_dot(scale, n, figure) for n, figure in zip(series.sizes, series.figures, strict=True)],
        _met(series, scale),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="plot",
    )


def _axes(scale: _Scale) -> list[Markup]:
    bottom = _HEIGHT - _BOTTOM
    found = [
        tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=bottom, y2=bottom, class_="axis"),
        tag("line", x1=_LEFT, x2=_LEFT, y1=_TOP, y2=bottom, class_="axis"),
    ]
    for value in _decades(scale.first, scale.far, 6):
        place = round(scale.x(value), 1)
        found.append(
            tag("text", short(value), x=place, y=bottom + 18, text_anchor="middle", class_="quiet-text")
        )
    for value in _decades(scale.low, scale.high, 5):
        place = round(scale.y(value), 1)
        found.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=place, y2=place, class_="axis"))
        found.append(
            tag("text", short(value), x=_LEFT - 8, y=place + 4, text_anchor="end", class_="quiet-text")
        )
    found.append(tag("text", "n", x=_WIDTH - _RIGHT, y=_HEIGHT - 6, text_anchor="end", class_="quiet-text"))
    return found


def _decades(low: float, high: float, most: int) -> list[float]:
    first, last = int(-(-log10(low) // 1)), int(log10(high) // 1)
    step = max(1, -(-(last - first + 1) // most))
    return [10.0**power for power in range(first, last + 1, step)]


def _line(series: Series, scale: _Scale, start: float, end: float, style: str) -> Markup:
    factor = (end / start) ** (1 / _STEPS)
    points = [start * factor**step for step in range(_STEPS + 1)]
    inside = [n for n in points if series.fit.at(n) <= scale.high]
    text = " ".join(f"{scale.x(n):.1f},{scale.y(series.fit.at(n)):.1f}" for n in inside)
    return tag("polyline", points=text, class_=style)


def _dot(scale: _Scale, n: int, figure: int) -> Markup:
    place = tag("title", f"{figure:,} at n = {n:,}")
    return tag("circle", place, cx=round(scale.x(n), 1), cy=round(scale.y(figure), 1), r=4, class_="run")


def _met(series: Series, scale: _Scale) -> Markup | None:
    size = series.meets_limit
    if size is None or not scale.first <= size <= scale.far:
        return None
    place = round(scale.x(size), 1)
    top, bottom = round(scale.y(series.limit), 1), _HEIGHT - _BOTTOM
    return tag(
        "g",
        tag("line", x1=place, x2=place, y1=top, y2=bottom, class_="limit"),
        tag("text", f"n = {limit_words(series)}", x=place - 6, y=bottom - 8, text_anchor="end"),
    )
