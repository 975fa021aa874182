"""The guarantees: a matrix of areas and severities, and below it each one with what its checks found."""

from __future__ import annotations

from ic_harness.testing.report.html.icons import badge, icon, outcome_icon, style_of
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.model import SEVERITIES, WORST_FIRST, Finding, ReportModel
from ic_harness.testing.report.words import NEED_WORDS, OUTCOME_WORDS, SEVERITY_WORDS, duration, names
from ic_harness.testing.results import CheckResult, Outcome


def matrix(model: ReportModel) -> Markup:
    """One row an area, one column a severity, one chip a guarantee."""
    used = [severity for severity in SEVERITIES if any(f.guarantee.severity is severity for f in model.all)]
    head = tag(
        "tr",
        tag("th", "Area", scope="col"),
        [tag("th", SEVERITY_WORDS[severity].capitalize(), scope="col") for severity in used],
    )
    rows = [
        tag(
            "tr",
            tag("th", area, scope="row"),
            [
                tag(
                    "td",
                    tag("span", SEVERITY_WORDS[severity], class_="cell-label", aria_hidden="true"),
                    tag(
                        "span",
                        [_chip(it) for it in members if it.guarantee.severity is severity],
                        class_="chips",
                    ),
                    class_=None if any(it.guarantee.severity is severity for it in members) else "empty",
                )
                for severity in used
            ],
        )
        for area, members in model.areas.items()
    ]
    caption = tag("caption", "Guarantees by area and severity", class_="hidden")
    return tag("table", caption, tag("thead", head), tag("tbody", rows), class_="matrix")


def _chip(finding: Finding) -> Markup:
    return tag(
        "a",
        outcome_icon(finding.outcome),
        finding.guarantee.id,
        tag("span", f" {OUTCOME_WORDS[finding.outcome]}", class_="hidden"),
        href=f"#g-{finding.guarantee.id}",
        title=f"{OUTCOME_WORDS[finding.outcome]}: {finding.guarantee.text}",
        class_=f"chip o-{style_of(finding.outcome)}",
    )


def legend(model: ReportModel) -> Markup:
    """Return the legend of the icons: every outcome that occurs."""
    present = [outcome for outcome in reversed(WORST_FIRST[:-1]) if model.counts[outcome]]
    present += [None] if model.counts[None] else []
    return tag("ul", [tag("li", badge(outcome)) for outcome in present], class_="legend", aria_label="Signs")


def listing(model: ReportModel) -> Markup:
    """Every guarantee with its promise; the filters above work where scripts do."""
    items = [_entry(finding) for finding in model.all]
    return tag(
        "div",
        _filters(model),
        tag("ul", items, class_="listing", id="listing"),
        tag("p", "No guarantee fits these filters.", class_="nothing", hidden=True),
    )


def _filters(model: ReportModel) -> Markup:
    """Toggle buttons for outcomes and severities and a field for words, shown by the script."""
    outcomes = [outcome for outcome in WORST_FIRST if model.counts[outcome]]
    severities = [s for s in SEVERITIES if any(f.guarantee.severity is s for f in model.all)]
    return tag(
        "form",
        _group(
            "Outcome",
            [
                _toggle("outcome", style_of(it), f"{OUTCOME_WORDS[it]} {model.counts[it]}", outcome_icon(it))
                for it in outcomes
            ],
        ),
        _group("Severity", [_toggle("severity", it.value, SEVERITY_WORDS[it]) for it in severities]),
        tag(
            "label",
            tag("span", "Words"),
            tag("input", type="search", name="words", placeholder="id or words", autocomplete="off"),
        ),
        tag("output", f"{len(model.all)} shown", aria_live="polite"),
        class_="filters",
        id="filters",
        role="search",
        aria_label="Filter guarantees",
        hidden=True,
    )


def _group(name: str, buttons: list[Markup]) -> Markup:
    return tag("fieldset", tag("legend", name), buttons)


def _toggle(kind: str, value: str, words: str, sign: Markup | None = None) -> Markup:
    return tag(
        "button",
        sign,
        words,
        type="button",
        aria_pressed="false",
        data_kind=kind,
        data_value=value,
        class_="toggle",
    )


def _entry(finding: Finding) -> Markup:
    guarantee = finding.guarantee
    summary = tag(
        "summary",
        badge(finding.outcome),
        tag("strong", guarantee.id, class_="id"),
        tag("span", promise(guarantee.text), class_="promise"),
        tag("span", SEVERITY_WORDS[guarantee.severity], class_=f"tag s-{guarantee.severity.value}"),
    )
    return tag(
        "li",
        tag("details", summary, _inside(finding)),
        id=f"g-{guarantee.id}",
        data_outcome=style_of(finding.outcome),
        data_severity=guarantee.severity.value,
    )


def promise(text: str) -> list[Markup | str]:
    """Return the text of a guarantee, with the parts in backquotes as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [text]
    return [tag("code", part) if index % 2 else part for index, part in enumerate(parts)]


def _inside(finding: Finding) -> Markup:
    guarantee = finding.guarantee
    needs = names([words for need, words in NEED_WORDS.items() if need in guarantee.needs])
    facts = f"{guarantee.area}{f' · needs {needs}' if needs else ''}"
    if not finding.checks:
        return tag("div", tag("p", facts, class_="quiet"), tag("p", "No check of this run looked at it."))
    told = finding.outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.ACCEPTED)
    link = tag("p", tag("a", "Its calls ", icon("arrow"), href=f"#story-{guarantee.id}"))
    checks = [_check(check) for check in finding.checks]
    return tag(
        "div", tag("p", facts, class_="quiet"), tag("ul", checks, class_="checks"), link if told else None
    )


def _check(check: CheckResult) -> Markup:
    took = f" in {duration(check.seconds)}" if check.seconds else ""
    return tag(
        "li",
        tag("code", check.check),
        f" {OUTCOME_WORDS[check.outcome]}{took}",
        tag("p", check.message, class_="said") if check.message else None,
    )
