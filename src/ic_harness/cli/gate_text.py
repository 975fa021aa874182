"""The gate's report in a terminal: stages, guarantees, the calls of each failure, and the verdict.

Every outcome has a word or a letter besides its colour, and nothing is wider than 80 columns unless the terminal
is. Texts of canisters are cleaned before they are shown: they may hold control characters.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ic_harness.testing import Guarantee
from ic_harness.testing.gate import STAGES, ProgressCallback, guarantee_outcomes
from ic_harness.testing.report import generation_word, known_guarantees
from ic_harness.testing.results import CheckResult, Outcome, Report, StageResult, Subject, Verdict
from ic_harness.testing.runner import SEVERITIES
from ic_harness.text import for_log, one_line
from ic_harness.units import human_bytes

_WIDEST: Final = 100
_LOG_WIDTH: Final = 120
"""Columns where there is no terminal, such as in the log of a CI job."""
_CALLS: Final = 8
"""The most calls that are shown: the last ones before the failure."""
_LOGS: Final = 5
_VIOLATIONS: Final = 6
"""Violations of one check that are shown; a report has all."""
_REASON: Final = 150
_REASONS: Final = 8
_FINDINGS: Final = 8

_WORDS: Final = {
    Outcome.PASSED: ("pass", "green"),
    Outcome.FAILED: ("FAIL", "bold red"),
    Outcome.ACCEPTED: ("accepted", "yellow"),
    Outcome.SKIPPED: ("skipped", "dim"),
    Outcome.NOT_APPLICABLE: ("n/a", "dim"),
    Outcome.ERROR: ("ERROR", "bold magenta"),
}
_LETTERS: Final = {
    Outcome.PASSED: ".",
    Outcome.FAILED: "F",
    Outcome.ACCEPTED: "a",
    Outcome.SKIPPED: "s",
    Outcome.NOT_APPLICABLE: "-",
    Outcome.ERROR: "E",
}
_UNJUDGED: Final = (Outcome.SKIPPED, Outcome.NOT_APPLICABLE)
_VERDICTS: Final = {
    Verdict.PASS: (" PASS ", "bold white on green"),
    Verdict.REFUSED: (" REFUSED ", "bold white on red"),
    Verdict.COULD_NOT_RUN: (" COULD NOT RUN ", "bold white on magenta"),
    Verdict.NOT_JUDGED: (" NOT JUDGED ", "bold white on magenta"),
}


def _no_progress(_doing: str, _done: int, _total: int) -> None:
    """Show nothing."""


@contextmanager
def showing_progress() -> Iterator[ProgressCallback]:
    """Show the gate's progress on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield _no_progress
        return
    columns = (TextColumn("{task.description:<14}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        stages = {name: number for number, name in enumerate(STAGES)}

        def show_progress(doing: str, done: int, total: int) -> None:
            if total:
                progress.update(task, description=f"Guarantee {doing}", completed=done, total=total)
            else:
                progress.update(
                    task,
                    description=doing,
                    completed=stages.setdefault(doing, len(stages)),
                    total=len(stages),
                )

        yield show_progress


def show(report: Report, written: Sequence[Path], console: Console | None = None) -> None:
    """Print a report on standard output (or on `console`), with the verdict last."""
    console = console or _standard_output()
    catalogue = known_guarantees(report)
    console.print(_subject(report.subject, generation_word(report)))
    console.print()
    console.print(_stages(report.stages, catalogue))
    if report.checks:
        console.print()
        console.print(_matrix(report.checks, catalogue))
        for reason, ids in _unjudged(report.checks).items():
            console.print(Text(f"{' '.join(ids)}: {reason}", style="dim"))
    for result in _worth_telling(report.checks):
        console.print()
        _show_check(console, result)
    console.print()
    for path in written[:1]:
        console.print(Text(f"The report: {one_line(str(path))}", style="dim"), soft_wrap=True)
    _show_verdict(console, report)


def _standard_output() -> Console:
    console = Console(highlight=False, emoji=False, markup=False)
    console.width = min(console.width, _WIDEST) if sys.stdout.isatty() else _LOG_WIDTH
    return console


def _subject(subject: Subject, head: str) -> Table:
    size = f", {human_bytes(subject.wasm_size)}" if subject.wasm_size is not None else ""
    digest = f", SHA-256 {subject.wasm_sha256[:12]}…" if subject.wasm_sha256 else ""
    rows = {
        "canister": f"{subject.canister}{size}{digest}",
        head: subject.generation,
        "baseline": subject.baseline or "none",
        "network": subject.network,
    }
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name, style="dim"), Text(for_log(value)))
    return table


def _stages(stages: Sequence[StageResult], catalogue: Collection[str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for stage in stages:
        word, style = _WORDS[stage.outcome]
        log = _shown(stage, catalogue)
        table.add_row(Text(stage.name, style="bold"), Text(word, style=style), log)
    return table


def _shown(stage: StageResult, catalogue: Collection[str]) -> Text:
    """Return the findings of a stage without backtraces: of Guarantees only the sums, as its faults are shown below."""
    whole = stage.outcome is Outcome.ERROR  # a traceback of ours, which nothing else shows
    log = [for_log(it if whole else it.partition("\n")[0]) for it in stage.findings]
    if stage.name == "Guarantees" and stage.outcome in (Outcome.FAILED, Outcome.ACCEPTED):
        log = [finding for finding in log if finding.split(":")[0] not in catalogue]
    left_out = len(log) - _FINDINGS
    if left_out > 0:
        log[_FINDINGS:] = [f"… and {left_out} more, in the report (--report DIR)"]
    return Text("\n".join(log))


def _matrix(checks: Sequence[CheckResult], catalogue: Mapping[str, Guarantee]) -> Table:
    """Return one line for each area: a letter for each guarantee, and the ids of those that did not pass."""
    outcomes = guarantee_outcomes(list(checks))
    areas: dict[str, list[str]] = {}
    for id_, guarantee in catalogue.items():
        if id_ in outcomes:
            areas.setdefault(guarantee.area, []).append(id_)
    table = Table.grid(padding=(0, 2))
    for area, ids in areas.items():
        table.add_row(Text(area), _letters([outcomes[id_] for id_ in ids]), _look_at(ids, outcomes))
    return table


def _letters(outcomes: Sequence[Outcome]) -> Text:
    letters = Text()
    for outcome in outcomes:
        letters.append(_LETTERS[outcome], style=_WORDS[outcome][1])
    return letters


def _look_at(ids: Sequence[str], outcomes: dict[str, Outcome]) -> Text:
    told = Text()
    for outcome, (word, style) in _WORDS.items():
        found = [id_ for id_ in ids if outcomes[id_] is outcome]
        if not found:
            continue
        text = f"all {len(ids)} hold" if len(found) == len(ids) else f"{len(found)} of {len(ids)} hold"
        if outcome is not Outcome.PASSED:
            text = f"{word}: {' '.join(found)}"
        told.append(f"{'; ' if told else ''}{text}", style=style)
    return told


def _unjudged(checks: Sequence[CheckResult]) -> dict[str, list[str]]:
    """Return the guarantees that were not judged, by reason."""
    reasons: dict[str, list[str]] = {}
    for result in checks:
        if result.outcome in _UNJUDGED:
            ids = reasons.setdefault(for_log(result.message), [])
            ids += [result.guarantee.id] if result.guarantee.id not in ids else []
    return reasons


def _worth_telling(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Return the results that did not hold, failures before accepted faults, by severity."""
    told = (Outcome.FAILED, Outcome.ERROR, Outcome.ACCEPTED)
    severities = list(SEVERITIES)
    found = [result for result in checks if result.outcome in told]
    return sorted(
        found,
        key=lambda result: (told.index(result.outcome), severities.index(result.severity)),
    )


def _show_check(console: Console, result: CheckResult) -> None:
    """Print one failure: what was seen, what it means, and the calls before it."""
    word, style = _WORDS[result.outcome]
    guarantee = result.guarantee
    title = Text(f"{guarantee.id} {SEVERITIES[result.severity]}, {word}", style=style)
    console.print(Rule(title, align="left", style=style, characters="-"))
    console.print(Text(guarantee.text, style="italic"))
    table = Table.grid(padding=(0, 2))
    for name, text in (*_seen(result), *_remedy(result), *_acceptance(result)):
        if text:
            table.add_row(Text(name, style="dim"), Text(for_log(text)))
    console.print(table)
    _show_lines(console, "calls", [str(step) for step in result.story], _CALLS)
    _show_lines(console, "the canister printed", list(result.logs), _LOGS)


def _seen(result: CheckResult) -> list[tuple[str, str]]:
    """Print each violation with its meaning, worst first; a meaning that several share is printed once."""
    if not result.reported:
        what, _, rest = result.message.partition("\n")
        return [("seen", what), ("", rest.strip())]
    rows, before = [], ""
    for violation in result.reported[:_VIOLATIONS]:
        milder = violation.severity is not result.severity
        word = f" ({SEVERITIES[violation.severity]})" if milder else ""
        rows.append(("seen", f"{violation.what}{word}"))
        if violation.meaning != before:
            rows.append(("means", violation.meaning))
        before = violation.meaning
    left_out = len(result.reported) - _VIOLATIONS
    return [*rows, *([("", f"… and {left_out} more, in the report (--report DIR)")] if left_out > 0 else [])]


def _remedy(result: CheckResult) -> list[tuple[str, str]]:
    guarantee = result.guarantee
    if not result.reported or not guarantee.fix:
        return []
    places = [("as in", ", ".join(guarantee.pattern))] if guarantee.pattern else []
    return [("fix", guarantee.fix), *places]


def _acceptance(result: CheckResult) -> list[tuple[str, str]]:
    acceptance = result.acceptance
    if result.expiry_note:
        return [("", result.expiry_note)]
    if acceptance is None or result.outcome is not Outcome.ACCEPTED:
        return []
    until = f"until {acceptance.expires}: " if acceptance.expires else ""
    return [("accepted", f"{until}{acceptance.reason}")]


def _show_lines(console: Console, name: str, lines: Sequence[str], most: int) -> None:
    if not lines:
        return
    left_out = len(lines) - most
    more = f" (the last {most} of {len(lines)})" if left_out > 0 else ""
    console.print(Text(f"{name}{more}", style="dim"))
    for line in lines[-most:]:
        console.print(Padding(Text(for_log(line)), (0, 0, 0, 2)))


def _show_verdict(console: Console, report: Report) -> None:
    word, style = _VERDICTS[report.verdict]
    told = Text.assemble((word, style))
    told.append(f" {_headline(report)} ({report.seconds:.0f} s)", style="bold")
    console.print(told)
    for number, reason in enumerate(report.refusals[:_REASONS], 1):
        console.print(Padding(Text(f"{number}. {_short(for_log(reason))}"), (0, 0, 0, 2)))
    if len(report.refusals) > _REASONS:
        console.print(Text(f"  … and {len(report.refusals) - _REASONS} more, see above"))


def _short(text: str) -> str:
    """Cut a reason: its full text is further up, and the verdict must stay visible."""
    return text if len(text) <= _REASON else f"{text[: _REASON - 1]}…"


def _headline(report: Report) -> str:
    name, runs = for_log(report.subject.canister), report.subject.wasm_sha256 is None
    if report.verdict is Verdict.REFUSED:
        return f"{name} {'must not stay as it is' if runs else 'must not be deployed'}"
    if report.verdict is Verdict.COULD_NOT_RUN:
        return f"nothing is proved about {name}"
    if report.verdict is Verdict.NOT_JUDGED:
        return f"{name} was not judged as a whole"
    outcomes = guarantee_outcomes(list(report.checks))
    accepted = [id_ for id_, outcome in outcomes.items() if outcome is Outcome.ACCEPTED]
    known = f", with accepted faults: {' '.join(accepted)}" if accepted else ""
    unjudged = sum(outcome in _UNJUDGED for outcome in outcomes.values())
    beside = f"; {unjudged} of {len(outcomes)} guarantees were not judged" if unjudged else ""
    return f"{name} {'may stay as it is' if runs else 'may be deployed'}{known}{beside}"
