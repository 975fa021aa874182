"""The first screen: passed or refused, which guarantees broke, what that means, and what was judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ic_harness.testing.report.html.guarantees import promise
from ic_harness.testing.report.html.icons import icon, outcome_icon, style_of
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.model import WORST_FIRST, Finding, ReportModel
from ic_harness.testing.report.words import (
    OUTCOME_WORDS,
    SEVERITY_WORDS,
    duration,
    generation_word,
    moment,
    verdict_word,
)
from ic_harness.testing.results import Outcome, Report, Verdict
from ic_harness.text import one_line
from ic_harness.units import human_bytes

_STYLES: Final = {
    Verdict.PASS: "passed",
    Verdict.REFUSED: "failed",
    Verdict.COULD_NOT_RUN: "error",
    Verdict.NOT_JUDGED: "unchecked",
}
_RUN_STYLES: Final = {True: "failed", False: "passed"}
"""The style of a run that judged nothing, by whether a test failed."""
_LISTED: Final = 6
_FEW: Final = 3
"""Up to this many broken guarantees are shown in full on the first screen."""


def verdict(model: ReportModel, contents: Markup | None = None) -> Markup:
    """The header of the page, with the table of contents where there is one."""
    report = model.report
    style = _STYLES[report.verdict] if model.judged else _RUN_STYLES[model.run_failed]
    title = tag("h1", tag("span", icon(style), class_="seal"), verdict_word(report), class_="title")
    return tag(
        "header",
        tag(
            "div",
            tag("p", "ic-harness ", tag("span", one_line(report.subject.canister)), class_="brand"),
            title,
            tag("p", model.headline(), class_="lead"),
            tag("p", model.meaning(), class_="meaning"),
            _worst(model.reported),
            _refusals(model),
            _figures(report),
            _stages(report),
            contents,
            class_="verdict-text",
        ),
        tag("div", _tally(model) if model.all else None, _facts(report), class_="verdict-side"),
        class_=f"verdict v-{style}",
        id="verdict",
    )


def _worst(reported: list[Finding]) -> Markup | None:
    if not reported:
        return None
    items = [
        tag(
            "li",
            tag(
                "a",
                outcome_icon(it.outcome),
                tag("strong", it.guarantee.id),
                tag("span", promise(it.guarantee.text), class_="promise"),
                tag("span", one_line(_consequence(it), 200), class_="means-it"),
                tag(
                    "span",
                    f"{SEVERITY_WORDS[it.severity]}, {OUTCOME_WORDS[it.outcome]}",
                    class_="tag",
                ),
                href=f"#story-{it.guarantee.id}",
                class_=f"o-{style_of(it.outcome)}",
            ),
        )
        for it in reported[:_LISTED]
    ]
    more = len(reported) - _LISTED
    rest = tag("li", tag("a", f"and {more} more", href="#broken"), class_="more") if more > 0 else None
    style = "worst few" if len(reported) <= _FEW else "worst"
    return tag("ul", items, rest, class_=style, aria_label="Guarantees that did not hold")


def _consequence(finding: Finding) -> str:
    """Return what the violation means to users; where the check does not say, or failed itself, what was seen."""
    return finding.meaning or finding.seen


def _refusals(model: ReportModel) -> Markup | None:
    """Return the gate's own reasons, without those about guarantees, which are shown elsewhere on the page."""
    rest = model.other_refusals(len(model.reported))
    if not rest:
        return None
    return tag("ul", [tag("li", text) for text in rest], class_="refusals", aria_label="Reasons")


def _figures(report: Report) -> Markup | None:
    """Return the figures of the run as tiles."""
    if not report.figures:
        return None
    tiles = [tag("div", tag("dt", figure.name), tag("dd", figure.value)) for figure in report.figures]
    return tag("dl", tiles, class_="tiles")


def _stages(report: Report) -> Markup | None:
    """Return the stages of the gate with their outcomes in one line."""
    if not report.stages:
        return None
    steps = [
        tag(
            "li",
            outcome_icon(stage.outcome),
            stage.name,
            tag("span", f" {OUTCOME_WORDS[stage.outcome]}", class_="hidden"),
            class_=f"o-{style_of(stage.outcome)}",
        )
        for stage in report.stages
    ]
    return tag("ol", steps, class_="strip", aria_label="Stages of the gate")


def _tally(model: ReportModel) -> Markup:
    """Return the number of guarantees by outcome, as a bar and as text."""
    order = [Outcome.PASSED, *(outcome for outcome in WORST_FIRST if outcome is not Outcome.PASSED)]
    present = [outcome for outcome in order if model.counts[outcome]]
    items = [
        tag(
            "li",
            outcome_icon(outcome),
            tag("b", model.counts[outcome]),
            f" {OUTCOME_WORDS[outcome]}",
            class_=f"o-{style_of(outcome)}",
        )
        for outcome in present
    ]
    head = tag("h2", f"{len(model.all)} guarantees", class_="side-title")
    return tag("section", head, _bar(model, present), tag("ul", items), class_="tally")


def _bar(model: ReportModel, present: list[Outcome | None]) -> Markup:
    total, start, parts = len(model.all), 0, []
    for outcome in present:
        share = model.counts[outcome]
        parts.append(
            tag(
                "rect",
                x=f"{100 * start / total:.4g}%",
                width=f"{100 * share / total:.4g}%",
                height="100%",
                class_=f"f-{style_of(outcome)}",
            )
        )
        start += share
    return tag("svg", parts, class_="bar", width="100%", height=10, aria_hidden="true")


def _facts(report: Report) -> Markup:
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in _fact_rows(report)]
    return tag("dl", rows, class_="facts")


def _fact_rows(report: Report) -> Iterator[tuple[str, object]]:
    subject = report.subject
    yield "Canister", subject.canister
    yield "Network", subject.network
    if subject.generation:
        yield generation_word(report).capitalize(), subject.generation
    if subject.wasm_sha256:
        yield "Wasm SHA-256", tag("code", subject.wasm_sha256)
    if subject.wasm_size is not None:
        yield "Wasm size", human_bytes(subject.wasm_size)
    if subject.baseline:
        yield "Baseline", subject.baseline
    yield "Started", tag("time", moment(subject.started), datetime=subject.started)
    yield "Took", duration(report.seconds)
