"""The stages of the gate, in the order in which they ran."""

from __future__ import annotations

from typing import Final

from ic_harness.testing.report.html.icons import badge, style_of
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.model import split_message
from ic_harness.testing.report.words import count, duration
from ic_harness.testing.results import StageResult

_SHOWN: Final = 6


def stages(steps: tuple[StageResult, ...]) -> Markup | None:
    """The list of stages with their findings; None where no gate ran."""
    return tag("ol", [_stage(step) for step in steps], class_="stages") if steps else None


def _stage(step: StageResult) -> Markup:
    return tag(
        "li",
        tag(
            "div",
            tag("h3", step.name),
            badge(step.outcome),
            tag("span", duration(step.seconds), class_="quiet"),
            class_="stage-head",
        ),
        _findings(step),
        class_=f"b-{style_of(step.outcome)}",
    )


def _findings(step: StageResult) -> Markup | None:
    """The first findings; of a long list the others are folded, and so is the backtrace of each."""
    if not step.findings:
        return None
    items = [_finding(it, f"{step.name}: backtrace {number}") for number, it in enumerate(step.findings, 1)]
    first, rest = tag("ul", items[:_SHOWN]), items[_SHOWN:]
    if not rest:
        return first
    more = tag(
        "details",
        tag("summary", f"and {count(len(rest), 'more finding')}"),
        tag("ul", rest),
    )
    return tag("div", join(first, more))


def _finding(text: str, label: str) -> Markup:
    what, rest = split_message(text)
    if not rest:
        return tag("li", text)
    listing = tag("pre", rest, tabindex=0, role="region", aria_label=label)
    return tag("li", what, tag("details", tag("summary", "Backtrace"), listing))
