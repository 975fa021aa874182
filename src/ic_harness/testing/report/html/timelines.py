"""Timelines as SVG: Gantt charts of lanes and sessions, throughput below, and the same as a table.

Places are in per cent and text in pixels, so that a chart fits any width and its text keeps its size.
"""

from __future__ import annotations

from itertools import starmap
from typing import Final

from ic_harness.testing.report.charts import Extent, Row, hues, most_at_once, rows, throughput, ticks
from ic_harness.testing.report.html.icons import badge
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.words import count, duration, names
from ic_harness.testing.results import Outcome, Span, Timeline
from ic_harness.units import human_bytes

_TRACK_PX: Final = 20
_LABELLED: Final = 24
"""Up to that many rows have their names beside them, and tracks for what overlaps; more rows are drawn thin."""
_HUES: Final = 5
_HEIGHT_PX: Final = 96
_LISTED: Final = 120
_READABLE: Final = 5.0
"""A bar of that many per cent of the width can hold a few letters."""


def timeline(chart: Timeline) -> Markup | None:
    """One timeline as a figure; None when nothing ran."""
    if not chart.spans:
        return None
    extent = Extent.of(chart.spans)
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), tag("p", _summary(chart, extent), class_="quiet")),
        _gantt(chart, extent),
        _throughput(chart, extent),
        _table(chart),
        class_="timeline",
    )


def _summary(chart: Timeline, extent: Extent) -> str:
    spans = chart.spans
    moved = sum(span.amount for span in spans if not span.failed)
    failed = sum(span.failed for span in spans)
    parts = [
        count(len({span.row for span in spans}), "row"),
        count(len(spans), "piece"),
        f"at most {most_at_once(spans)} at once",
        duration(extent.length_ns / 1e9),
        f"{human_bytes(moved)}, {human_bytes(int(moved * 1e9 / extent.length_ns))}/s" if moved else "",
        f"{failed} failed" if failed else "",
    ]
    return " · ".join(filter(None, parts))


def _gantt(chart: Timeline, extent: Extent) -> Markup:
    drawn = rows(chart.spans)
    if len(drawn) > _LABELLED:
        return _thin(chart.title, drawn, extent)
    tracks = sum(len(row.tracks) for row in drawn)
    if tracks > _LABELLED:
        drawn, tracks = [Row(row.name, (tuple(row.spans),)) for row in drawn], len(drawn)
    height = tracks * _TRACK_PX
    places = [sum(len(row.tracks) for row in drawn[:index]) * _TRACK_PX for index in range(len(drawn))]
    bars = [
        _bar(span, extent, top + level * _TRACK_PX + 2, _TRACK_PX - 4, hue)
        for row, top, hue in zip(drawn, places, hues([row.name for row in drawn], _HUES), strict=True)
        for level, track in enumerate(row.tracks)
        for span in track
    ]
    lines = [tag("line", x1=0, x2="100%", y1=top, y2=top, class_="row-line") for top in places[1:]]
    labels = [
        tag(
            "svg",
            tag("text", row.name, x="100%", y=14),
            tag("title", row.name),
            height=len(row.tracks) * _TRACK_PX,
        )
        for row in drawn
    ]
    names_column = tag("div", labels, class_="row-names", aria_hidden="true")
    picture = _svg(_described(chart.title, drawn), height + 22, _grid(extent, height), lines, bars)
    return tag("div", names_column, picture, class_="gantt")


def _thin(title: str, drawn: list[Row], extent: Extent) -> Markup:
    """A chart of many rows: thin lines without names, in a box that scrolls."""
    pitch = max(1, min(10, 480 // len(drawn)))
    height = len(drawn) * pitch
    bars = [
        _bar(span, extent, index * pitch, max(1, pitch - 1), 0, names_row=True)
        for index, row in enumerate(drawn)
        for span in row.spans
    ]
    picture = _svg(_described(title, drawn), height + 22, _grid(extent, height), bars)
    return tag("div", picture, class_="gantt thin", tabindex=0, role="region", aria_label=title)


def _described(title: str, drawn: list[Row]) -> str:
    if len(drawn) <= 6:
        return f"Gantt chart of {title}: {names([row.name for row in drawn])}. The table below says the same."
    return f"Gantt chart of {title}: {len(drawn)} rows. The table below says the same."


def _bar(span: Span, extent: Extent, top: int, height: int, hue: int, *, names_row: bool = False) -> Markup:
    start, end = extent.place(span.start_ns), extent.place(span.end_ns)
    width = max(end - start, 0.15)
    amount = f", {human_bytes(span.amount)}" if span.amount else ""
    times = f"{duration((span.start_ns - extent.start_ns) / 1e9)} + {duration((span.end_ns - span.start_ns) / 1e9)}"
    row = f"{span.row}: " if names_row else ""
    title = tag("title", f"{row}{span.label}{' failed' if span.failed else ''}, {times}{amount}")
    style = "bar-failed" if span.failed else f"hue-{hue}"
    box = tag("rect", width="100%", height=height, rx=min(3, height / 3))
    words = None
    if width >= _READABLE and height >= 12:
        words = tag("text", f"{'✕ ' if span.failed else ''}{span.label}", x=5, y=12, class_=_size(width))
    # an inner svg cuts its text at its own edge
    return tag(
        "svg", title, box, words, x=_percent(start), y=top, width=_percent(width), height=height, class_=style
    )


def _size(width: float) -> str | None:
    """A small bar's letters would be cut to one or two on a phone, so that they are left out there."""
    return "small" if width < 4 * _READABLE else None


def _grid(extent: Extent, height: int) -> list[Markup]:
    """Vertical lines at round times, and the times below them."""
    marks = [tick * 1e9 for tick in ticks(extent.length_ns / 1e9)]
    parts = []
    for mark in marks:
        x = extent.place(extent.start_ns + mark)
        anchor = "start" if x < 4 else "end" if x > 96 else "middle"
        parts.append(tag("line", x1=_percent(x), x2=_percent(x), y1=0, y2=height, class_="grid"))
        parts.append(
            tag("text", duration(mark / 1e9), x=_percent(x), y=height + 16, text_anchor=anchor, class_="tick")
        )
    return parts


def _throughput(chart: Timeline, extent: Extent) -> Markup | None:
    """Bytes per second over time, as an area; None where nothing was moved."""
    rates = throughput(chart.spans)
    most = max(rates)
    if most <= 0:
        return None
    heights = [100 - 96 * rate / most for rate in rates]
    steps = "".join(f"L{index} {height:.1f}L{index + 1} {height:.1f}" for index, height in enumerate(heights))
    area = tag("path", d=f"M0 100{steps}L{len(rates)} 100Z", class_="area")
    line = tag("path", d=f"M0 {heights[0]:.1f}{steps}", class_="curve")
    inner = tag(
        "svg",
        area,
        line,
        viewBox=f"0 0 {len(rates)} 100",
        preserveAspectRatio="none",
        width="100%",
        height=_HEIGHT_PX,
    )
    peak = f"{human_bytes(int(most))}/s"
    label = f"Throughput of {chart.title} over time, at most {peak}."
    picture = _svg(label, _HEIGHT_PX + 22, inner, _grid(extent, _HEIGHT_PX))
    if len({span.row for span in chart.spans}) > _LABELLED:
        return tag("div", tag("h4", f"Throughput, at most {peak}"), picture, class_="flow")
    words = [tag("span", "Throughput"), tag("span", f"max. {peak}")]
    name = tag("div", words, class_="row-names", aria_hidden="true")
    return tag("div", tag("div", name, picture, class_="gantt"), class_="flow")


def _svg(label: str, height: int, *parts: object) -> Markup:
    return tag("svg", parts, role="img", aria_label=label, width="100%", height=height, class_="chart")


def _percent(value: float) -> str:
    return f"{value:.4g}%"


def _table(chart: Timeline) -> Markup:
    """The chart as a table: each piece of a small timeline, each row of a large one."""
    small = len(chart.spans) <= _LISTED
    heads = ("Row", "Piece" if small else "Pieces", "Began", "Took", "Bytes", "")
    body = map(_piece, chart.spans) if small else starmap(_total, _by_row(chart.spans).items())
    lines = [tag("tr", [tag("td", cell) for cell in cells]) for cells in body]
    head = tag("tr", [tag("th", name, scope="col") for name in heads])
    table = tag("table", tag("thead", head), tag("tbody", lines), class_="data")
    box = tag(
        "div", table, class_="scroll", tabindex=0, role="region", aria_label=f"{chart.title} as a table"
    )
    return tag("details", tag("summary", "As a table"), box)


def _piece(span: Span) -> tuple[object, ...]:
    return (
        span.row,
        span.label,
        duration(span.start_ns / 1e9),
        duration((span.end_ns - span.start_ns) / 1e9),
        human_bytes(span.amount) if span.amount else "",
        badge(Outcome.FAILED) if span.failed else None,
    )


def _by_row(spans: tuple[Span, ...]) -> dict[str, list[Span]]:
    grouped: dict[str, list[Span]] = {}
    for span in spans:
        grouped.setdefault(span.row, []).append(span)
    return grouped


def _total(name: str, spans: list[Span]) -> tuple[object, ...]:
    """One row of a large timeline: all its pieces together."""
    start = min(span.start_ns for span in spans)
    end = max(span.end_ns for span in spans)
    amount = sum(span.amount for span in spans if not span.failed)
    failed = any(span.failed for span in spans)
    return (
        name,
        len(spans),
        duration(start / 1e9),
        duration((end - start) / 1e9),
        human_bytes(amount) if amount else "",
        badge(Outcome.FAILED) if failed else None,
    )
