"""The steps of the gate, in the order they ran."""

from __future__ import annotations

from ic_harness.conformance.report.html.icons import badge, style_of
from ic_harness.conformance.report.html.markup import Markup, tag
from ic_harness.conformance.report.words import duration
from ic_harness.conformance.results import StageResult


def stages(steps: tuple[StageResult, ...]) -> Markup | None:
    """The list of stages with their findings; None where no gate ran."""
    return tag("ol", [_stage(step) for step in steps], class_="stages") if steps else None


def _stage(step: StageResult) -> Markup:
    findings = tag("ul", [tag("li", finding) for finding in step.findings]) if step.findings else None
    return tag(
        "li",
        tag(
            "div",
            tag("h3", step.name),
            badge(step.outcome),
            tag("span", duration(step.seconds), class_="quiet"),
            class_="stage-head",
        ),
        findings,
        class_=f"b-{style_of(step.outcome)}",
    )
