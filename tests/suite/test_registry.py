"""The catalogue of guarantees, and that every one of them is checked."""

from __future__ import annotations

import re

import pytest

from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.guarantees import Need, Severity

PREFIXES = ["UB", "UC", "UF", "BL", "CA", "ME", "MR", "MD", "OP", "HT", "FL"]


def test_every_guarantee_has_a_check():
    """Every guarantee of the catalogue has a check."""
    assert {check.guarantee.id for check in CHECKS} == set(GUARANTEES)


def test_checks_have_names_of_their_own():
    """A check is known by the id of its guarantee and the name of its function."""
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z]{2}\d+-[a-z0-9_]+", name) for name in names)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_checks_state_their_rule(check):
    """A check says in one sentence what it holds the canister to."""
    assert (check.run.__doc__ or "").strip().endswith(".")


def test_ids_count_up_in_their_chapter():
    """Ids are two letters and a number; the numbers of a chapter have no gaps."""
    for prefix in PREFIXES:
        numbers = [int(id_[2:]) for id_ in GUARANTEES if id_.startswith(prefix)]
        assert numbers == list(range(1, len(numbers) + 1)), prefix
    assert {id_[:2] for id_ in GUARANTEES} == set(PREFIXES)


def test_catalogue_is_complete():
    """93 guarantees, each with a text, a chapter, a severity and known needs."""
    assert len(GUARANTEES) == 93
    for guarantee in GUARANTEES.values():
        assert len(guarantee.text) > 20
        assert guarantee.area
        assert isinstance(guarantee.severity, Severity)
        assert all(isinstance(need, Need) for need in guarantee.needs)


def test_data_loss_and_intrusion_are_critical():
    """Guarantees against lost photos and unauthorized access are critical."""
    critical = {id_ for id_, row in GUARANTEES.items() if row.severity is Severity.CRITICAL}
    assert {"UC3", "UC4", "UC6", "UC9", "UF7", "BL4", "BL7", "CA6", "ME7", "OP2", "HT3"} <= critical


def test_catalogue_cannot_be_changed():
    """The catalogue cannot be changed at run time."""
    with pytest.raises(TypeError):
        GUARANTEES["UC4"] = None  # type: ignore[index]
