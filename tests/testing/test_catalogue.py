"""Catalogues of guarantees that users write."""

from __future__ import annotations

import pytest

from ic_harness.errors import InputError
from ic_harness.testing import Need, Severity, load_catalogue

ROW = '[W1]\nseverity = "C"\ntext = "Paid  once"\n'


@pytest.fixture
def read(tmp_path):
    """Write a catalogue and read it."""

    def reading(text):
        path = tmp_path / "guarantees.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_catalogue(path)

    return reading


def test_a_row_needs_a_severity_and_a_text(read):
    """The rest may be left out; ids of several digits are ids, and the order is kept."""
    found = read(
        f'{ROW}[WD1234]\nseverity = "L"\narea = "Fees"\ntext = "x"\nneeds = ["time"]\nfix = "f"\nmeans = "m"\n'
    )
    assert list(found) == ["W1", "WD1234"]
    assert (found["W1"].text, found["W1"].area, found["W1"].severity) == (
        "Paid once",
        "Guarantees",
        Severity.CRITICAL,
    )
    assert found["WD1234"].needs == frozenset({Need.TIME})
    assert (found["WD1234"].fix, found["WD1234"].means) == ("f", "m")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "is no TOML"),
        (b"\xff", "is no TOML"),
        ("W1 = 7", "W1 must be a table"),
        (ROW.replace("W1", "w1"), "w1 must be an id"),
        (ROW.replace("W1", "W12345"), "W12345 must be an id"),
        (ROW.replace("[W1]", '["W1<b>"]'), "must be an id"),
        (f"{ROW}colour = 1", "no key 'colour'"),
        ('[W1]\ntext = "x"', "lacks the key 'severity'"),
        (ROW.replace('"C"', '"X"'), "W1.severity must be one of C, H, M, L"),
        (ROW.replace('"C"', "[]"), "W1.severity must be one of"),
        (ROW.replace('"Paid  once"', '" "'), "W1.text must be a text"),
        (f'{ROW}needs = ["moon"]', "W1.needs must be one of two"),
        (f'{ROW}needs = "time"', "W1.needs must be a list of texts"),
    ],
)
def test_careless_rows_are_refused(read, text, words):
    """The error for an invalid row names its position."""
    with pytest.raises(InputError) as refused:
        read(text)
    assert words in str(refused.value)


def test_a_catalogue_that_is_not_there_is_refused(tmp_path):
    """The file is named."""
    with pytest.raises(InputError, match="cannot read"):
        load_catalogue(tmp_path / "none.toml")
