"""What broke, one card a check: what was seen, what it means, who called what, and what the canister printed."""

from __future__ import annotations

from typing import Final

from ic_harness.conformance.report.findings import Finding, Findings, split_message
from ic_harness.conformance.report.html.guarantees import promise
from ic_harness.conformance.report.html.icons import badge, style_of
from ic_harness.conformance.report.html.markup import Markup, tag
from ic_harness.conformance.report.words import SEVERITY_WORDS, count, duration
from ic_harness.conformance.results import Acceptance, CheckResult, Outcome
from ic_harness.conformance.story import Step

_SHORT_LOG: Final = 12
_CALLER_STYLES: Final = 5


def failures(findings: Findings) -> Markup | None:
    """The stories of all guarantees that failed, were accepted or could not be judged; None without any."""
    told = findings.told
    return tag("div", [_card(finding) for finding in told], class_="cards") if told else None


def _card(finding: Finding) -> Markup:
    guarantee = finding.guarantee
    told = (Outcome.FAILED, Outcome.ERROR, Outcome.ACCEPTED)
    head = tag(
        "h3",
        tag("a", guarantee.id, href=f"#g-{guarantee.id}", class_="id"),
        badge(finding.outcome),
        tag("span", SEVERITY_WORDS[guarantee.severity], class_=f"tag s-{guarantee.severity.value}"),
    )
    return tag(
        "article",
        head,
        tag("p", promise(guarantee.text), class_="promise"),
        [_story(check) for check in finding.checks if check.outcome in told],
        class_=f"card b-{style_of(finding.outcome)}",
        id=f"story-{guarantee.id}",
        aria_label=guarantee.id,
        tabindex=-1,
    )


def _story(check: CheckResult) -> Markup:
    what, meaning = split_message(check.message)
    return tag(
        "div",
        tag("p", what.rstrip(":"), class_="what") if what else None,
        _meaning(check, meaning),
        _acceptance(check.acceptance),
        _calls(check.story),
        _logs(check.logs, f"{check.guarantee.id}: canister logs"),
        tag("p", tag("code", check.check), f", {duration(check.seconds)}", class_="quiet"),
        class_="story",
    )


def _meaning(check: CheckResult, meaning: str) -> Markup | None:
    """What it means to users; a check that went wrong itself tells its traceback instead."""
    if not meaning:
        return None
    if check.outcome is not Outcome.ERROR:
        return tag("p", meaning, class_="means")
    return tag(
        "details",
        tag("summary", "Traceback of the check"),
        _listing(meaning, f"{check.guarantee.id}: traceback"),
    )


def _acceptance(acceptance: Acceptance | None) -> Markup | None:
    if acceptance is None:
        return None
    until = f" until {acceptance.expires.isoformat()}" if acceptance.expires else " without an end"
    return tag("p", tag("b", f"Accepted{until}: "), acceptance.reason, class_="acceptance")


def _calls(story: tuple[Step, ...]) -> Markup | None:
    if not story:
        return None
    callers = list(dict.fromkeys(step.caller for step in story))
    steps = [
        _step(step, callers.index(step.caller), "last" if number == len(story) else None)
        for number, step in enumerate(story, 1)
    ]
    return tag(
        "section",
        tag("h4", f"{count(len(story), 'call')} led there"),
        tag("ol", steps, class_="calls"),
        class_="calls-box",
    )


def _step(step: Step, caller: int, style: str | None) -> Markup:
    return tag(
        "li",
        tag("span", step.caller, class_=f"who w-{caller % _CALLER_STYLES}"),
        tag(
            "code",
            tag("b", step.method),
            tag("span", "(", step.arguments, ")", class_="arguments"),
            class_="call",
        ),
        tag("code", tag("span", "→\N{NO-BREAK SPACE}", aria_hidden="true"), step.outcome, class_="came"),
        class_=style,
    )


def _logs(logs: tuple[str, ...], label: str) -> Markup | None:
    if not logs:
        return None
    return tag(
        "details",
        tag("summary", f"What the canister printed ({count(len(logs), 'line')})"),
        _listing("\n".join(logs), label),
        class_="logs",
        open=len(logs) <= _SHORT_LOG,
    )


def _listing(text: str, label: str) -> Markup:
    """Preformatted lines that may be wider than the page: scrolled by keyboard too."""
    return tag("pre", text, tabindex=0, role="region", aria_label=label)
