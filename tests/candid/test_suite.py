"""The official test suite, and vectors of our own in its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError

from . import suite

OWN = suite.read((Path(__file__).parent / "data" / "own.test.did").read_text(encoding="utf-8"), "own")
OFFICIAL = suite.asserts()


@pytest.mark.skipif(
    not OFFICIAL, reason="the official suite is not beside the project (../shared/candid-suite)"
)
def test_official_suite_is_whole():
    """The three official files are read to their ends."""
    assert {a.where.split(":")[0] for a in OFFICIAL} == {"construct", "prim", "reference"}
    assert len(OFFICIAL) == 382


@pytest.mark.parametrize("statement", [*OFFICIAL, *OWN], ids=str)
def test_statement(statement):
    """A side decodes or not as the statement says, and two sides are the same value or not as it says."""
    try:
        left = _value(statement.left, statement.types)
        right = _value(statement.right, statement.types) if statement.right else None
    except CandidError as error:
        if statement.decodes:
            pytest.fail(str(error))
        return
    assert statement.decodes == _agree(statement.operator, left, right)


def _value(side: suite.Side, types: tuple[candid.Type, ...]) -> tuple[object, ...]:
    if side.binary is not None:
        return candid.decode(side.binary, types)
    return candid.parse_values(side.text or "", types)


def _agree(operator: str | None, left: object, right: object) -> bool:
    # By their text, because 0 == False in Python and nan != nan.
    same = repr(left) == repr(right)
    return {"==": same, "!=": not same, None: True}[operator]


@pytest.mark.parametrize("statement", [a for a in [*OFFICIAL, *OWN] if a.decodes], ids=str)
def test_values_of_the_suite_round_trip(statement):
    """Every value that the suite decodes survives our encoder and our text."""
    value = _value(statement.left, statement.types)
    again = candid.decode(candid.encode(value, statement.types), statement.types)
    assert repr(again) == repr(value)
    text = candid.format_values(value, statement.types)
    assert repr(candid.parse_values(text, statement.types)) == repr(value)
