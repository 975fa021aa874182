"""Sequence diagrams: bounded, escaped, with each arrow between the columns of its participants."""

from __future__ import annotations

import re

from ic_harness.testing.report import sequence_page
from ic_harness.testing.report.html.sequences import sequence
from ic_harness.testing.results import CallSequence, SequenceArrow

from . import samples


def chart(arrows, participants=("user", "ledger", "vault"), left_out=0):
    made = [
        SequenceArrow(number=number, source=source, target=target, kind=kind, label=label)
        for number, (source, target, kind, label) in enumerate(arrows)
    ]
    return CallSequence(
        title="a test", participants=tuple(participants), arrows=tuple(made), left_out=left_out
    )


def drawn_from(arrows, participants=("user", "ledger", "vault")):
    return sequence(chart(arrows, participants)) or ""


def test_arrows_lead_from_column_to_column():
    drawn = drawn_from([("user", "vault", "call", "pay"), ("vault", "user", "reply", "6 bytes")])
    lines = re.findall(r'<g class="arrow (\w+)"><title>(.*?)</title><line x1="(\d+)" x2="(\d+)"', drawn)
    lines = lines or re.findall(
        r'<g class="arrow (\w+)">.*?<title>(.*?)</title>.*?x1="(\d+)" x2="(\d+)"', drawn
    )
    (call, words, out, to), (reply, _, back, home) = lines
    assert (call, reply) == ("call", "reply")
    assert words == "0. user calls vault, pay"
    assert int(out) == 137
    assert int(to) == 137 + 2 * 170 - 7
    assert (int(back), int(home)) == (137 + 2 * 170, 137 + 7)


def test_what_a_canister_does_by_itself():
    drawn = drawn_from(
        [
            ("vault", "vault", "task", "timer"),
            ("vault", "vault", "trap", "timer trapped"),
            ("vault", "vault", "call", "me"),
        ]
    )
    assert "<circle" in drawn
    assert 'class="cross"' in drawn
    assert 'class="loop"' in drawn


def test_nothing_is_no_figure():
    assert sequence(chart([])) is None


def test_diagrams_are_bounded():
    """Thousands of arrows and participants: the newest arrows, and one column for the last participants."""
    names = [f"user {number}" for number in range(500)]
    drawn = drawn_from([(name, "user 0", "call", "x" * 300) for name in names * 5], names)
    assert drawn.count('class="arrow') == 2_000
    assert "500 earlier arrows left out" in drawn
    assert ">others<" in drawn
    assert drawn.count('class="lifeline"') == 24
    assert max(int(width) for width in re.findall(r'<svg width="(\d+)"', drawn)) <= 52 + 24 * 170
    assert max(map(len, re.findall(r"<text[^>]*>([^<]*)</text>", drawn))) < 600


def test_texts_are_dead():
    text = "<script>alert(1)</script>\"'&\x1b[31m"
    page = sequence_page(text, [samples.hostile_sequence(text)])
    assert page.count("<script>") == 1
    assert "alert(1)</script>" not in page
    assert "\x1b" not in page
