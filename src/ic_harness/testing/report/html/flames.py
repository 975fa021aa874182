"""Flame graphs as SVG: in the report, and as a file that needs nothing else.

Nothing moves and nothing needs a script: a frame has its figures as a tooltip, and below the picture of the report is a
table of the most expensive functions.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final
from zlib import crc32

from ic_harness.testing.measured import FlameFrame, FlameGraph
from ic_harness.testing.report.html.blocks import data_table, folded, left_out, meter
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.words import count, number
from ic_harness.text import one_line

_WIDTH: Final = 1200
_EDGE: Final = 10
_ROW: Final = 20
_LETTER: Final = 6.6
"""Width of a letter in the font of frames."""
_THINNEST: Final = 0.4
_NAME: Final = 300
_HUES: Final = 5


def flame_file(graph: FlameGraph) -> str:
    """Write a graph as an SVG file, with its title above the frames."""
    top = 60
    head = [
        tag("rect", width=_WIDTH, height=top + _height(graph) + 10, class_="page"),
        tag("text", one_line(graph.title, 100), x=_EDGE, y=24, class_="title"),
        tag("text", _summary(graph), x=_EDGE, y=44, class_="quiet"),
    ]
    sheets = (files(__package__).joinpath(name) for name in ("flame-file.css", "flame.css"))
    style = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return f"{_svg(graph, top, tag('style', Markup(style)), head, xmlns='http://www.w3.org/2000/svg')}\n"


def flame(graph: FlameGraph) -> Markup:
    """Return a graph as a figure of the report; it scrolls in its box where the screen is narrow."""
    title = one_line(graph.title, 100)
    return tag(
        "figure",
        tag("figcaption", tag("h3", title), tag("p", _summary(graph), class_="quiet")),
        tag(
            "div",
            _svg(graph, 0),
            class_="flame-box",
            tabindex=0,
            role="region",
            aria_label=f"Flame graph of {title}",
        ),
        _functions(graph, title),
        class_="timeline",
    )


def _functions(graph: FlameGraph, title: str) -> Markup | None:
    if not graph.functions:
        return None
    everything = max(graph.instructions, 1)
    rows: list[list[object]] = [
        [
            tag("code", one_line(it.name, _NAME)),
            meter(min(1.0, it.own / everything)),
            f"{100 * it.own / everything:.1f} %",
            it.own,
            it.calls,
        ]
        for it in graph.functions
    ]
    head = ["Function", "Share", "", "Own instructions", "Calls"]
    table = data_table(f"Functions of {title} by their own instructions", head, rows, "bars")
    rest = left_out(graph.functions_left_out, "function")
    return folded("The most expensive functions, by the instructions of their own code", table, rest)


def _summary(graph: FlameGraph) -> str:
    parts = [
        f"{number(graph.instructions)} instructions; a frame's width is what it and its callees executed",
        f"{count(graph.frames_left_out, 'thinner or deeper frame')} left out"
        if graph.frames_left_out
        else "",
        f"{count(graph.lost, 'call')} did not fit into the record; their callers have the instructions"
        if graph.lost
        else "",
    ]
    return "; ".join(filter(None, parts))


def _height(graph: FlameGraph) -> int:
    return _ROW * (1 + max((frame.depth for frame in graph.frames), default=0))


def _svg(graph: FlameGraph, top: int, *head: object, **attributes: str) -> Markup:
    scale = (_WIDTH - 2 * _EDGE) / max(graph.instructions, 1)
    return tag(
        "svg",
        tag("title", f"Instructions of {one_line(graph.title, 100)} by function"),
        head,
        [_frame(frame, top, scale, graph.instructions) for frame in graph.frames],
        viewBox=f"0 0 {_WIDTH} {top + _height(graph) + (10 if top else 0)}",
        preserveAspectRatio="xMidYMin meet",
        role="img",
        class_="flame",
        **attributes,
    )


def _frame(frame: FlameFrame, top: int, scale: float, everything: int) -> Markup:
    start, width = _EDGE + frame.start * scale, max(frame.total * scale, _THINNEST)
    y = top + _ROW * frame.depth
    name = one_line(frame.name, _NAME)
    letters = int((width - 6) / _LETTER)
    shown = name if len(name) <= letters else f"{name[: letters - 1]}…" if letters > 2 else ""
    share = 100 * frame.total / max(everything, 1)
    calls = f", {count(frame.calls, 'call')}" if frame.calls else ""
    words = f"{name}: {number(frame.total)} instructions ({share:.2f} %), own {number(frame.own)}{calls}"
    hue = "root" if frame.depth == 0 else f"h{crc32(name.partition('::')[0].encode()) % _HUES}"
    label = tag("text", shown, x=f"{start + 4:.2f}", y=y + 14) if shown else None
    box = tag("rect", x=f"{start:.2f}", y=y, width=f"{width:.2f}", height=_ROW - 1, rx=2, class_=hue)
    return tag("g", tag("title", words), box, label, class_="f")
