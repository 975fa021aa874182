"""What broke, one card a guarantee: what was seen, what it means, how to fix it, the calls, and code to paste."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.report.html.guarantees import promise
from ic_harness.testing.report.html.icons import badge, style_of
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.model import Finding, ReportModel, split_message
from ic_harness.testing.report.words import SEVERITY_WORDS, count, duration
from ic_harness.testing.results import Acceptance, CheckResult, Outcome
from ic_harness.text import one_line

_SHORT_LOG: Final = 12
_SHORT_STORY: Final = 12
_OPEN: Final = 6
"""So many cards are open from the start; of more, each is folded to one line."""
_CALLER_STYLES: Final = 5
_TOLD: Final = (Outcome.FAILED, Outcome.ERROR, Outcome.ACCEPTED)


def failures(model: ReportModel) -> Markup | None:
    """The cards of all guarantees that failed, were accepted or could not be judged; None without any."""
    reported = model.reported
    if not reported:
        return None
    cards = [_card(finding, is_open=len(reported) <= _OPEN) for finding in reported]
    return tag("div", cards, class_="cards" if len(reported) <= _OPEN else "cards many")


def _card(finding: Finding, *, is_open: bool) -> Markup:
    guarantee = finding.guarantee
    checks = [check for check in finding.checks if check.outcome in _TOLD]
    body = tag(
        "div",
        tag("p", promise(guarantee.text), " ", _guarantee_link(guarantee), class_="promise"),
        [_seen(check) for check in checks],
        _remedy(guarantee) if finding.violations else None,
        [_evidence(check) for check in checks],
        class_="inside",
    )
    return tag(
        "article",
        tag("details", tag("summary", _head(finding)), body, open=is_open),
        class_=f"card b-{style_of(finding.outcome)}",
        id=f"story-{guarantee.id}",
        aria_label=guarantee.id,
        tabindex=-1,
    )


def _head(finding: Finding) -> Markup:
    """Return the line of a folded card: the guarantee, its severity, and the worst violation."""
    guarantee = finding.guarantee
    more = f" and {count(finding.others, 'more violation')}" if finding.others else None
    return join(
        tag(
            "h3",
            tag("span", guarantee.id, class_="id"),
            badge(finding.outcome),
            tag("span", SEVERITY_WORDS[finding.severity], class_=f"tag s-{finding.severity.value}"),
        ),
        tag("span", one_line(finding.seen, 160), tag("i", more) if more else None, class_="lead-line"),
    )


def _guarantee_link(guarantee: Guarantee) -> Markup:
    return tag("a", f"{guarantee.id} in the list", href=f"#g-{guarantee.id}")


def _remedy(guarantee: Guarantee) -> Markup | None:
    """Return the repair, and the place in the reference backend that does it."""
    if not guarantee.fix:
        return None
    places = [tag("li", tag("code", place)) for place in guarantee.pattern]
    return tag(
        "div",
        tag("p", tag("b", "How to fix it: "), promise(guarantee.fix)),
        join(tag("p", "The reference backend does it in", class_="quiet"), tag("ul", places, class_="places"))
        if places
        else None,
        class_="remedy",
    )


def _seen(check: CheckResult) -> Markup:
    return tag(
        "div",
        _violations(check) if check.reported else _crash(check),
        _unfinished(check),
        tag("p", check.expiry_note, class_="acceptance")
        if check.expiry_note
        else _acceptance(check.acceptance),
        class_="seen",
    )


def _evidence(check: CheckResult) -> Markup:
    """The calls of a check, the code that makes them again, and what the canister printed."""
    return tag(
        "div",
        _calls(check),
        _code(check),
        _logs(check.logs, f"{check.check}: canister logs"),
        tag("p", tag("code", check.check), f", {duration(check.seconds)}", class_="quiet"),
        class_="story",
    )


def _violations(check: CheckResult) -> Markup:
    """Return each violation with its severity; a meaning that several share is written once."""
    return tag("ul", list(_items(check)), class_="violations")


def _items(check: CheckResult) -> Iterator[Markup]:
    before = ""
    for number, violation in enumerate(check.reported, 1):
        label = f"{check.check}: backtrace {number}"
        meaning = violation.meaning if violation.meaning != before else ""
        before = violation.meaning
        yield tag(
            "li",
            tag("span", SEVERITY_WORDS[violation.severity], class_=f"tag s-{violation.severity.value}"),
            tag(
                "div",
                tag("p", violation.what, class_="what"),
                tag("p", meaning, class_="means") if meaning else None,
                _folded("Backtrace", violation.trace, label) if violation.trace else None,
            ),
        )


def _crash(check: CheckResult) -> Markup:
    """Return the error of the check itself, with its traceback folded."""
    what, trace = split_message(check.message)
    label = f"{check.check}: traceback"
    return join(
        tag("p", what.rstrip(":"), class_="what") if what else None,
        _folded("Traceback of the check", trace, label) if trace else None,
    )


def _unfinished(check: CheckResult) -> Markup | None:
    if not check.unfinished:
        return None
    what, rest = split_message(check.unfinished)
    return join(
        tag("p", f"After that the check could not go on: {what.rstrip(':')}", class_="quiet"),
        _folded("Where it stopped", rest, f"{check.check}: where it stopped") if rest else None,
    )


def _folded(title: str, text: str, label: str) -> Markup:
    return tag("details", tag("summary", title), _listing(text, label))


def _acceptance(acceptance: Acceptance | None) -> Markup | None:
    if acceptance is None:
        return None
    until = f" until {acceptance.expires.isoformat()}" if acceptance.expires else " without an end"
    return tag("p", tag("b", f"Accepted{until}: "), acceptance.reason, class_="acceptance")


def _calls(check: CheckResult) -> Markup | None:
    """The calls in order; those after which a violation was seen are marked."""
    story = check.story
    if not story:
        return None
    callers = list(dict.fromkeys(step.caller for step in story))
    marked = {violation.call for violation in check.violations} or {story[-1].number or len(story)}
    steps = [_step(step, number, callers, marked) for number, step in enumerate(story, 1)]
    return tag(
        "details",
        tag("summary", f"{count(len(story), 'call')} led there"),
        tag("ol", steps, class_="calls"),
        class_="calls-box",
        open=len(story) <= _SHORT_STORY,
    )


def _step(step: CallRecord, place: int, callers: list[str], marked: set[int]) -> Markup:
    number = step.number or place
    return tag(
        "li",
        tag("span", step.caller, class_=f"who w-{callers.index(step.caller) % _CALLER_STYLES}"),
        tag(
            "code",
            tag("b", step.method),
            tag("span", "(", step.arguments, ")", class_="arguments"),
            class_="call",
        ),
        tag("code", tag("span", "→\N{NO-BREAK SPACE}", aria_hidden="true"), step.outcome, class_="came"),
        class_="last" if number in marked else None,
        data_number=number,
    )


def _code(check: CheckResult) -> Markup | None:
    """The reproduction; the script adds a button that copies it."""
    if not check.reproduction:
        return None
    return tag(
        "details",
        tag("summary", "Reproduce it: Python code to paste"),
        _listing(check.reproduction, f"{check.check}: reproduction"),
        class_="code",
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
