"""Words and numbers as people read them.

Canisters choose many of the texts in a report: errors, logs, arguments. Each output escapes for its own syntax, after
`ic_harness.text` has made characters visible that no reader should meet raw.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ic_harness.testing.guarantees import Need, Severity
from ic_harness.testing.results import Outcome, Report, Verdict

OUTCOME_WORDS: Final = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ACCEPTED: "accepted",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.ERROR: "error",
    None: "not checked",
}
"""How an outcome is called; None is a guarantee that no check of this run looked at."""

OUTCOME_SIGNS: Final = {
    Outcome.PASSED: "✅",
    Outcome.FAILED: "❌",
    Outcome.ACCEPTED: "⚠️",
    Outcome.SKIPPED: "⏭️",
    Outcome.NOT_APPLICABLE: "➖",  # noqa: RUF001 - a sign, not a minus
    Outcome.ERROR: "💥",
    None: "▫️",
}
"""One sign an outcome, for places that know no pictures."""

SEVERITY_WORDS: Final = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "high",
    Severity.MEDIUM: "medium",
    Severity.LOW: "low",
}

NEED_WORDS: Final = {
    Need.TWO: "two identities",
    Need.UPGRADE: "an upgrade",
    Need.TIME: "a clock that can be moved",
    Need.ROUND: "several messages in one round",
    Need.STABLE: "a look at stable memory",
}

VERDICT_WORDS: Final = {
    Verdict.PASS: "Passed",
    Verdict.REFUSED: "Refused",
    Verdict.COULD_NOT_RUN: "Could not run",
    Verdict.NOT_JUDGED: "Not judged",
}


def verdict_word(report: Report) -> str:
    """Return the verdict in a word; of a run that judged nothing how its tests ended, `2 of 7 tests failed`."""
    run = report.measured.run if report.measured is not None else None
    if run is None or report.checks or report.stages or report.catalogue:
        return VERDICT_WORDS[report.verdict]
    failed = run.failed + run.errors
    words = (
        f"{failed:,} of {count(run.total, 'test')} failed"
        if failed
        else f"{count(run.passed, 'test')} passed"
    )
    return f"Interrupted: {words}" if run.interrupted else words


MINUS: Final = "\N{MINUS SIGN}"
"""As wide as a plus, so that numbers align."""


def number(value: int) -> str:
    """Write a whole number with narrow spaces between thousands: `1 234 567`."""
    return f"{value:,}".replace(",", "\u202f")


def count(value: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: `1 guarantee`, `3 guarantees`."""
    return f"{number(value)} {noun if value == 1 else plural or f'{noun}s'}"


def short(value: float) -> str:
    """Write a large number with three digits and a unit of a thousand: `12.3 M`."""
    size = float(value)
    for unit in ("", "k", "M", "G", "T"):
        if abs(size) < 999.5 or unit == "T":
            digits = f"{size:.0f}" if unit == "" or abs(size) >= 99.95 else f"{size:.3g}"
            return f"{digits} {unit}".strip()
        size /= 1000
    raise AssertionError(value)


def duration(seconds: float) -> str:
    """Write a time for people: `0 s`, `850 µs`, `12.5 ms`, `3.25 s`, `2 min 5 s`."""
    if seconds >= 59.95:
        minutes, rest = divmod(round(seconds), 60)
        return f"{number(minutes)} min {rest} s"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 0.9995 or unit == "µs":
            return f"{seconds * factor:.3g} {unit}" if seconds else "0 s"
    raise AssertionError(seconds)


def moment(iso: str) -> str:
    """Write an ISO 8601 time as `2026-11-21 10:02:59 UTC`; what is none stays as it is."""
    try:
        found = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if found.tzinfo else iso


def change(now: int, before: int) -> str:
    """How much larger or smaller than before: `+12 %`, `-3.4 %` (with a true minus), `±0 %`."""
    if before == 0:
        return "new cost" if now else "±0 %"
    percent = 100 * (now - before) / before
    if abs(percent) < 0.05:
        return "±0 %"
    digits = 0 if abs(percent) >= 9.95 else 1
    return f"{'+' if percent > 0 else MINUS}{abs(percent):.{digits}f} %"


def names(items: list[str]) -> str:
    """Join names as a sentence does: `A`, `A and B`, `A, B and C`."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def generation_word(report: Report) -> str:
    """Return what `Subject.generation` is: of a capsule backend its generation, else the suite that judged."""
    return "generation" if report.catalogue is None else "suite"
