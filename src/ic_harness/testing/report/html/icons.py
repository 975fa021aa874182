"""Icons of outcomes: each has its own shape, so that they differ without colours."""

from __future__ import annotations

from typing import Final

from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.words import OUTCOME_WORDS
from ic_harness.testing.results import Outcome

# Drawn on a grid of 16 by 16 with a stroke of 2; the circle of "not checked" is empty on purpose.
_SHAPES: Final = {
    "passed": ["M3 8.5l3.2 3.2L13 4.8"],
    "failed": ["M4 4l8 8", "M12 4l-8 8"],
    "accepted": ["M8 2.2L14.4 13.4H1.6z", "M8 6.6v3", "M8 11.6v.2"],
    "skipped": ["M3.5 4l4 4-4 4", "M8.5 4l4 4-4 4"],
    "not_applicable": ["M3.5 8h9"],
    "error": ["M9 1.8L3.8 9H7.6L7 14.2 12.2 7H8.4z"],
    "unchecked": ["M8 4.2a3.8 3.8 0 1 0 0 7.6a3.8 3.8 0 1 0 0-7.6z"],
    "arrow": ["M3 8h9.5", "M9 4.5L12.5 8 9 11.5"],
    "theme": ["M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 1 0 0-11.6z", "M8 2.2v11.6", "M10 5v6", "M12 7v2.4"],
}


def style_of(outcome: Outcome | None) -> str:
    """Return the class name of an outcome; None is a guarantee that was not checked."""
    return "unchecked" if outcome is None else outcome.value


def icon(name: str) -> Markup:
    """A sign of the sprite; the words beside it say the same, so that it is hidden from screen readers."""
    return tag("svg", tag("use", href=f"#i-{name}"), class_="icon", aria_hidden="true", focusable="false")


def outcome_icon(outcome: Outcome | None) -> Markup:
    """The sign of an outcome."""
    return icon(style_of(outcome))


def badge(outcome: Outcome | None) -> Markup:
    """Sign and word of an outcome."""
    return tag("span", outcome_icon(outcome), OUTCOME_WORDS[outcome], class_=f"badge o-{style_of(outcome)}")


def sprite() -> Markup:
    """All signs once, to be used by their names."""
    symbols = [
        tag("symbol", [tag("path", d=path) for path in paths], id=f"i-{name}", viewBox="0 0 16 16")
        for name, paths in _SHAPES.items()
    ]
    return tag("svg", join(*symbols), class_="sprite", aria_hidden="true", width=0, height=0)
