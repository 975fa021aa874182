"""The catalogue, the checks and the generated client belong together."""

from __future__ import annotations

from pathlib import Path

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness import icrc
from ic_harness.icrc.checks import CHECKS
from ic_harness.icrc.guarantees import LEDGER_GUARANTEES
from ic_harness.icrc.regenerate import generated
from ic_harness.icrc.suite import LedgerSuite
from ic_harness.testing.gate import suite_for, suite_named

from .ledgers import LEDGERS, PAGE, build, ledger_patch


def test_every_guarantee_is_checked():
    """Each guarantee has a check, and each check a guarantee; names are unique."""
    assert {check.id for check in CHECKS} == set(LEDGER_GUARANTEES)
    names = [check.name for check in LedgerSuite().checks]
    assert len(names) == len(set(names)) == len(CHECKS)


def test_checks_run_in_the_order_of_the_catalogue():
    """The suite's checks are sorted by their guarantees."""
    request = list(LEDGER_GUARANTEES)
    places = [request.index(check.guarantee.id) for check in LedgerSuite().checks]
    assert places == sorted(places)


def test_every_row_says_what_it_means_and_how_to_fix_it():
    """Each guarantee has its meaning and its remedy, and an id that no other suite has."""
    assert [row.id for row in LEDGER_GUARANTEES.values() if not (row.text and row.means and row.fix)] == []
    assert set(LEDGER_GUARANTEES) & set(GUARANTEES) == set()


def test_every_guarantee_is_broken_by_a_faulty_ledger():
    """For each guarantee there is a fault that breaks it, and no fault names an unknown one."""
    broken = {id_ for path in LEDGERS.glob("*.patch") for id_ in ledger_patch(path.stem).breaks}
    assert broken == set(LEDGER_GUARANTEES)


def test_the_client_is_generated():
    """The committed client is exactly what the generator makes of icrc.did."""
    committed = Path(icrc.__file__).with_name("_generated.py").read_text(encoding="utf-8")
    assert committed == generated()


def test_the_suite_is_found_by_the_interface():
    """A ledger's interface selects the suite; its name does too."""
    assert suite_for(build().service) is suite_named("icrc") is icrc.ENTRY


def test_the_page_lists_the_catalogue():
    """docs/icrc.md has a row for each guarantee, with area, severity and text as in the catalogue."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| T")]
    assert rows == [
        f"| {row.id} | {row.area} | {row.severity.value} | {row.text} |" for row in LEDGER_GUARANTEES.values()
    ]
