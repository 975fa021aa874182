"""Known faults that were accepted: by the id of the guarantee, with a reason, until a date.

In `ic-harness.toml`:

    [gate.accepted]
    UC5 = { reason = "chunks go one by one until #12 is done", expires = 2027-01-31 }

An accepted fault is shown as accepted, never as passed; from the day after `expires` it refuses again. An acceptance
on the command line has neither reason nor date, and is valid for that run only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.suggestions import suggest
from ic_harness.testing.results import Acceptance, CheckResult, Outcome

ON_COMMAND_LINE: Final = "accepted on the command line, for this run"
_KEYS: Final = frozenset({"reason", "expires"})


def read_acceptances(table: object, where: str, catalogue: Collection[str]) -> tuple[Acceptance, ...]:
    """Read the table of accepted faults; `where` names it in errors, `catalogue` has the ids that there are.

    Raises `InputError` for an unknown id, a missing reason, and a missing or invalid date.
    """
    if not isinstance(table, Mapping):
        raise InputError(f'{where} must be a table such as UC5 = {{ reason = "…", expires = 2027-01-31 }}')
    return tuple(_read(str(id_), entry, f"{where}.{id_}", catalogue) for id_, entry in table.items())


def _read(id_: str, entry: object, where: str, catalogue: Collection[str]) -> Acceptance:
    if not isinstance(entry, Mapping):
        raise InputError(f'{where} must be a table such as {{ reason = "…", expires = 2027-01-31 }}')
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise InputError(
            f"{where} has no key {unknown[0]!r}; {suggest(str(unknown[0]), ('reason', 'expires'))}"
        )
    reason = entry.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise InputError(f"{where} needs a reason: why is this fault acceptable?")
    return Acceptance(
        id=known_id(id_, where, catalogue), reason=reason.strip(), expires=_date(entry.get("expires"), where)
    )


def _date(value: Any, where: str) -> date:
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError as error:
            raise InputError(f"{where} expires on {value!r}, which is no date such as 2027-01-31") from error
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, date):
        raise InputError(f"{where} needs a date on which it expires, such as expires = 2027-01-31")
    return value


def accept_ids(ids: Iterable[str], catalogue: Collection[str]) -> tuple[Acceptance, ...]:
    """Accept faults for one run, by the ids that were typed. Raises `InputError` for an unknown one."""
    return tuple(
        Acceptance(id=known_id(id_, "--accept", catalogue), reason=ON_COMMAND_LINE, expires=None)
        for id_ in ids
    )


def known_id(id_: str, where: str, catalogue: Collection[str]) -> str:
    """Check that there is a guarantee with this id, and return it. Raises `InputError` that names some."""
    if id_ not in catalogue:
        alike = [other for other in catalogue if _letters(other) == _letters(id_.upper())]
        hint = f"there are: {', '.join(alike)}" if alike else suggest(id_, catalogue)
        raise InputError(f"{where}: there is no guarantee {id_!r}; {hint}")
    return id_


def _letters(id_: str) -> str:
    """Return the letters of an id, without its number of any length: `UC` for `UC12`."""
    return id_.rstrip("0123456789")


class Acceptances:
    """All accepted faults of a run, as valid on the day of the run."""

    def __init__(self, accepted: Iterable[Acceptance], today: date) -> None:
        self._by_id = {acceptance.id: acceptance for acceptance in accepted}
        self._today = today
        self._used: set[str] = set()

    def valid(self, id_: str | None) -> Acceptance | None:
        """The acceptance that counts today for this guarantee, if there is one."""
        found = self._by_id.get(id_ or "")
        if found is None or self._is_over(found):
            return None
        self._used.add(found.id)
        return found

    def expired(self, id_: str | None) -> Acceptance | None:
        """The acceptance that no longer counts for this guarantee, if there is one."""
        found = self._by_id.get(id_ or "")
        return found if found is not None and self._is_over(found) else None

    def _is_over(self, acceptance: Acceptance) -> bool:
        return acceptance.expires is not None and acceptance.expires < self._today

    def apply(self, result: CheckResult) -> CheckResult:
        """Return the result with its acceptance: accepted when it is valid today, failed with a note when expired."""
        if result.outcome is not Outcome.FAILED:
            return result
        id_ = result.guarantee.id
        accepted, over = self.valid(id_), self.expired(id_)
        if accepted is not None:
            return replace(result, outcome=Outcome.ACCEPTED, acceptance=accepted)
        if over is not None:
            return replace(result, message=f"{result.message}\n{over.expiry_note}", acceptance=over)
        return result

    def needless(self, results: Iterable[CheckResult]) -> list[str]:
        """Return the guarantees that are accepted although they hold in every stage: their entries can be removed."""
        judged: dict[str, set[Outcome]] = {}
        for result in results:
            judged.setdefault(result.guarantee.id, set()).add(result.outcome)
        held = [id_ for id_ in self._by_id if judged.get(id_) == {Outcome.PASSED}]
        return [id_ for id_ in held if id_ not in self._used]
