"""The user's guarantees: a catalogue beside the tests, and tests that prove or refute its rows.

    @guarantee("W1")                       # or @pytest.mark.guarantee("W1")
    def test_paid_once(canister): ...

The catalogue is the file `guarantees.toml` in the folder of the test or in one above it, up to pytest's root. With
`--ic-report` every such test becomes the result of a check in the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ic_harness.errors import HarnessError, InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.suggestions import suggest
from ic_harness.text import clean

if TYPE_CHECKING:
    from ic_harness.testing.call_log import CallRecord
    from ic_harness.testing.guarantees import Guarantee
    from ic_harness.testing.result_collector import ResultCollector
    from ic_harness.testing.results import CheckResult, Outcome

CATALOGUE: Final = "guarantees.toml"
"""The name of a catalogue beside the tests."""
MARKED: Final[pytest.StashKey[MarkedGuarantees]] = pytest.StashKey()
"""The key of a test's guarantees in its item's stash."""


@dataclass(frozen=True, slots=True)
class MarkedGuarantees:
    """The guarantees that one test proves or refutes, and the whole catalogue that they are from."""

    guarantees: tuple[Guarantee, ...]
    catalogue: Mapping[str, Guarantee]


def guarantee(id_: str) -> pytest.MarkDecorator:
    """Mark a test as one that proves or refutes the guarantee `id_` of the catalogue beside it."""
    return pytest.mark.guarantee(id_)


def look_up_guarantees(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look up the guarantees of all tests. Raises `pytest.UsageError` for an id that no catalogue has."""
    for item in items:
        ids = [str(mark.args[0]) for mark in item.iter_markers("guarantee") if mark.args]
        if ids and "ic_results" not in vars(item).get("fixturenames", ()):
            item.stash[MARKED] = _looked_up(item, list(dict.fromkeys(ids)), config.rootpath)


def _looked_up(item: pytest.Item, ids: list[str], root: Path) -> MarkedGuarantees:
    try:
        found = next(_catalogues(item.path.parent, root), None) or _of_suites(ids)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
    for id_ in ids:
        if id_ not in found:
            raise pytest.UsageError(f"{item.nodeid}: there is no guarantee {id_!r}; {_hint(id_, found)}")
    return MarkedGuarantees(tuple(found[id_] for id_ in reversed(ids)), found)


def _hint(id_: str, found: Mapping[str, Guarantee]) -> str:
    if not found:
        return f"there is no {CATALOGUE} beside the test, and no installed suite has it"
    return f"in {CATALOGUE} beside the test {suggest(id_, found)}"


def _catalogues(folder: Path, root: Path) -> Iterator[Mapping[str, Guarantee]]:
    for place in (folder, *folder.parents):
        if (place / CATALOGUE).is_file():
            yield _loaded(place / CATALOGUE)
        if place == root:
            return


def _of_suites(ids: list[str]) -> Mapping[str, Guarantee]:
    """Return the catalogue of the first installed suite that has all of `ids`; an empty one when none has."""
    from ic_harness.testing.gate import suite_named, suite_names  # lazy: start-up time  # noqa: PLC0415

    catalogues = (suite_named(name).load().catalogue for name in suite_names())
    return next((catalogue for catalogue in catalogues if set(ids) <= set(catalogue)), {})


@cache
def _loaded(path: Path) -> Mapping[str, Guarantee]:
    from ic_harness.testing.guarantees import load_catalogue  # lazy: start-up time  # noqa: PLC0415

    return load_catalogue(path)


def results_of(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, log: str
) -> ResultCollector | None:
    """Return the results of one phase of a marked test; None where the phase is not about the guarantees.

    The call counts, and a setup or a teardown that did not pass.
    """
    own = item.stash.get(MARKED, None)
    if own is None or (call.when != "call" and report.passed):
        return None
    from ic_harness.testing.result_collector import ResultCollector  # lazy: start-up time  # noqa: PLC0415

    results = ResultCollector()
    results.generation = "own guarantees"
    results.catalogue = tuple(own.catalogue.values())
    results.checks = [_result(it, item, call, report, log) for it in own.guarantees]
    return results


def _result(
    guarantee: Guarantee, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, log: str
) -> CheckResult:
    from ic_harness.testing.results import Acceptance, CheckResult  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.testing.results import Outcome as Ended  # lazy: start-up time  # noqa: PLC0415

    outcome, message = _ended(call, report)
    accepted = outcome is Ended.ACCEPTED
    return CheckResult(
        guarantee=guarantee,
        check=f"{guarantee.id}-{item.name}",
        outcome=outcome,
        message=clean(message),
        story=_story(item),
        logs=tuple(log.splitlines()) if outcome is not Ended.PASSED else (),
        seconds=report.duration,
        acceptance=Acceptance(id=guarantee.id, reason=message, expires=None) if accepted else None,
    )


def _story(item: pytest.Item) -> tuple[CallRecord, ...]:
    """The calls that the test made through the fixtures `ic_canister` and `ic_target`; none through others."""
    target = vars(item).get("funcargs", {}).get("ic_target")
    return target.call_log.steps if target is not None else ()


def _ended(call: pytest.CallInfo[None], report: pytest.TestReport) -> tuple[Outcome, str]:
    from ic_harness.testing.results import Outcome  # lazy: start-up time  # noqa: PLC0415

    if report.passed:
        return Outcome.PASSED, ""
    if report.skipped and hasattr(report, "wasxfail"):
        return Outcome.ACCEPTED, str(report.wasxfail) or "expected to fail"
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        return Outcome.SKIPPED, str(reason).removeprefix("Skipped: ")
    error = call.excinfo.value if call.excinfo is not None else None
    message = (str(error) if error is not None else report.longreprtext) or type(error).__name__
    if call.when == "call" and (error is None or _is_canisters(error)):
        return Outcome.FAILED, message
    return Outcome.ERROR, f"{call.when}: {type(error).__name__}: {message}"


def _is_canisters(error: BaseException) -> bool:
    """Whether an error speaks against the canister: an assertion, or a refusal of a call."""
    from ic_harness.testing.blame import Blame, blame  # lazy: start-up time  # noqa: PLC0415

    if isinstance(error, HarnessError):
        return blame(error) in (Blame.CANISTER, Blame.INTERFACE)
    return isinstance(error, AssertionError | pytest.fail.Exception)
