"""Numbers and texts as people read them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.testing.guarantees import Need, Severity
from ic_harness.testing.report.words import (
    NEED_WORDS,
    OUTCOME_SIGNS,
    OUTCOME_WORDS,
    SEVERITY_WORDS,
    VERDICT_WORDS,
    change,
    count,
    duration,
    moment,
    names,
    number,
    short,
)
from ic_harness.testing.results import Outcome, Verdict
from ic_harness.text import clean, one_line


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("a\x1b[31mb", "a␛[31mb"),
        ("nul\x00 del\x7f", "nul␀ del␡"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("a\rb", "a␍b"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("\ud800\ufffe\x85", "\ufffd\ufffd\ufffd"),
        ("Grüße, 日本, 👩", "Grüße, 日本, 👩"),
    ],
)
def test_clean(given_, shown):
    """Controls become visible signs, deceiving signs say their number, everything else stays."""
    assert clean(given_) == shown


@settings(deadline=None)
@given(st.text(st.characters()))
def test_clean_leaves_nothing_invisible(text):
    """No control, format sign of direction or lone surrogate is left, and cleaning twice changes nothing."""
    seen = clean(text)
    assert clean(seen) == seen
    assert {sign for sign in seen if unicodedata.category(sign) in ("Cc", "Cs")} <= {"\n", "\t"}
    assert {unicodedata.bidirectional(sign) for sign in seen}.isdisjoint(
        {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"}
    )
    seen.encode("utf-8")


def test_one_line():
    """One line, cut with an ellipsis, never longer than asked for."""
    assert one_line(" a\n\n b\tc ") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"


def test_numbers():
    """Thousands are set apart, large numbers have three digits, nouns agree."""
    assert number(1234567) == "1\u202f234\u202f567"
    assert [short(value) for value in (0, 999, 1000, 47_311_606, 999_999, 392_118_442_901, 8e15)] == [
        "0", "999", "1 k", "47.3 M", "1 M", "392 G", "8000 T",
    ]  # fmt: skip
    assert [count(1, "call"), count(2, "call"), count(0, "body", "bodies")] == [
        "1 call",
        "2 calls",
        "0 bodies",
    ]
    assert [names([]), names(["A"]), names(["A", "B"]), names(["A", "B", "C"])] == [
        "",
        "A",
        "A and B",
        "A, B and C",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (3e-7, "0.3 µs"), (0.00085, "850 µs"), (0.0125, "12.5 ms"), (0.9999, "1 s"), (3.254, "3.25 s"),
     (59.99, "1 min 0 s"), (125.2, "2 min 5 s")],
)  # fmt: skip
def test_durations(seconds, text):
    """A time is written with the unit that people would take."""
    assert duration(seconds) == text


def test_moments():
    """A time is shown in UTC without signs of a machine; what is no time stays."""
    assert moment("2026-11-21T10:02:59+02:00") == "2026-11-21 08:02:59 UTC"
    assert [moment(text) for text in ("2026-11-21T10:02:59", "noon")] == ["2026-11-21T10:02:59", "noon"]


def test_changes():
    """Growth has a plus, saving a true minus, and noise is none."""
    assert [change(131, 100), change(966, 1000), change(10_000, 10_001), change(5, 0), change(0, 0)] == [
        "+31 %", "\N{MINUS SIGN}3.4 %", "±0 %", "new cost", "±0 %",
    ]  # fmt: skip


def test_every_outcome_has_word_and_sign():
    """Each outcome is called by its own word and shown by its own sign; nothing else is without a word."""
    assert set(NEED_WORDS) == set(Need)
    assert set(SEVERITY_WORDS) == set(Severity)
    assert set(VERDICT_WORDS) == set(Verdict)
    for table in (OUTCOME_WORDS, OUTCOME_SIGNS):
        assert set(table) == {*Outcome, None}
        assert len(set(table.values())) == len(table)
