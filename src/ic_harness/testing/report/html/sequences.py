"""Sequence diagrams as SVG: a column for each caller and canister, an arrow for each call and answer.

Columns and rows have fixed sizes in pixels, so that a diagram of hundreds of messages stays readable; it scrolls in its
box, with the names of the columns above it.
"""

from __future__ import annotations

from typing import Final

from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.words import count
from ic_harness.testing.results import CallSequence, SequenceArrow
from ic_harness.text import one_line

_COLUMN_PX: Final = 170
_ROW_PX: Final = 26
_HEAD_PX: Final = 34
_LEFT_PX: Final = 52
"""The width of the column with the numbers of messages."""
_LETTER_PX: Final = 6.8
_NAME: Final = 20
_MOST_COLUMNS: Final = 24
_MOST_ARROWS: Final = 2_000
_WORDS_LENGTH: Final = 500
_OTHERS: Final = "others"
_WORDS: Final = {"call": "calls", "reply": "replies to", "reject": "rejects", "task": "runs", "trap": "traps"}


def sequence(chart: CallSequence, id_: str | None = None) -> Markup | None:
    """One sequence as a figure with this id; None when nothing was called."""
    if not chart.arrows:
        return None
    arrows = chart.arrows[-_MOST_ARROWS:]
    left_out = chart.left_out, len(chart.arrows) - len(arrows)
    columns = _columns(chart.participants)
    width = _LEFT_PX + len(set(columns.values())) * _COLUMN_PX
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), tag("p", _summary(chart, left_out), class_="quiet")),
        tag(
            "div",
            _head(chart, columns, width),
            _body(arrows, columns, width, chart.title),
            class_="sequence",
            tabindex=0,
            role="region",
            aria_label=chart.title,
        ),
        tag(
            "details",
            tag("summary", "The same as text"),
            tag("ol", map(_line, arrows), class_="sequence-text"),
        ),
        id=id_,
        class_="timeline",
    )


def _summary(chart: CallSequence, left_out: tuple[int, int]) -> str:
    parts = [
        count(len(chart.participants), "participant"),
        count(len(chart.arrows), "arrow"),
        f"{count(left_out[0], 'earlier message')} left out" if left_out[0] else "",
        f"{count(left_out[1], 'earlier arrow')} left out" if left_out[1] else "",
    ]
    return " · ".join(filter(None, parts))


def _columns(participants: tuple[str, ...]) -> dict[str, int]:
    """The column of each participant; those beyond the most that are drawn share the last."""
    return {name: min(index, _MOST_COLUMNS - 1) for index, name in enumerate(participants)}


def _middle(column: int) -> int:
    return _LEFT_PX + column * _COLUMN_PX + _COLUMN_PX // 2


def _head(chart: CallSequence, columns: dict[str, int], width: int) -> Markup:
    shared = len(chart.participants) > _MOST_COLUMNS
    names: dict[int, str] = {}
    for name, column in columns.items():
        names[column] = _OTHERS if shared and column == _MOST_COLUMNS - 1 else name
    boxes = [
        tag(
            "g",
            tag("title", name),
            tag("rect", x=_middle(column) - 76, y=4, width=152, height=_HEAD_PX - 8, rx=6),
            tag("text", _cut(name, _NAME), x=_middle(column), y=_HEAD_PX // 2 + 4, text_anchor="middle"),
        )
        for column, name in names.items()
    ]
    return tag("svg", boxes, width=width, height=_HEAD_PX, class_="sequence-head", aria_hidden="true")


def _body(arrows: tuple[SequenceArrow, ...], columns: dict[str, int], width: int, title: str) -> Markup:
    height = len(arrows) * _ROW_PX + 14
    lines = [
        tag("line", x1=_middle(column), x2=_middle(column), y1=0, y2=height, class_="lifeline")
        for column in sorted(set(columns.values()))
    ]
    drawn = []
    shown = None
    for index, arrow in enumerate(arrows):
        y = index * _ROW_PX + _ROW_PX
        if arrow.number != shown:
            drawn.append(tag("text", arrow.number, x=_LEFT_PX - 10, y=y + 4, class_="number"))
            shown = arrow.number
        drawn.append(_arrow(arrow, columns, y))
    return tag(
        "svg",
        tag("title", f"Sequence diagram of {title}. The list below says the same."),
        lines,
        drawn,
        width=width,
        height=height,
        role="img",
        class_="sequence-body",
    )


def _arrow(arrow: SequenceArrow, columns: dict[str, int], y: int) -> Markup:
    kind = arrow.kind if arrow.kind in _WORDS else "call"
    start, end = columns.get(arrow.source, 0), columns.get(arrow.target, 0)
    title = tag("title", _words(arrow))
    if start == end:
        return tag("g", title, _at_itself(arrow, kind, _middle(start), y), class_=f"arrow {kind}")
    x1, x2 = _middle(start), _middle(end)
    back = -1 if x2 > x1 else 1
    room = int((abs(x2 - x1) - 16) / _LETTER_PX)
    return tag(
        "g",
        title,
        tag("line", x1=x1, x2=x2 + 7 * back, y1=y, y2=y),
        tag("path", d=f"M{x2} {y}l{8 * back} -4v8z"),
        tag("text", _cut(_label(arrow), room), x=(x1 + x2) // 2, y=y - 7, text_anchor="middle"),
        class_=f"arrow {kind}",
    )


def _at_itself(arrow: SequenceArrow, kind: str, x: int, y: int) -> Markup:
    """What a canister does by itself: a call of itself, a task, a trap."""
    room = int((_COLUMN_PX - 40) / _LETTER_PX)
    text = tag("text", _cut(_label(arrow), room), x=x + 16, y=y + 4)
    if kind == "trap":
        return join(tag("path", d=f"M{x - 5} {y - 5}l10 10m0 -10l-10 10", class_="cross"), text)
    if kind == "task":
        return join(tag("circle", cx=x, cy=y, r=5), text)
    return join(tag("path", d=f"M{x} {y - 6}h10v10h-8", class_="loop"), text)


def _label(arrow: SequenceArrow) -> str:
    return (
        f"{arrow.label}: {arrow.detail}" if arrow.kind in ("reject", "trap") and arrow.detail else arrow.label
    )


def _words(arrow: SequenceArrow) -> str:
    verb = _WORDS.get(arrow.kind, arrow.kind)
    target = "" if arrow.source == arrow.target else f" {arrow.target}"
    detail = f": {arrow.detail}" if arrow.detail else ""
    return one_line(f"{arrow.number}. {arrow.source} {verb}{target}, {arrow.label}{detail}", _WORDS_LENGTH)


def _line(arrow: SequenceArrow) -> Markup:
    return tag("li", _words(arrow))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(1, most - 1)]}…"
