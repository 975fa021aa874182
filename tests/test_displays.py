"""Displays of objects: hostile texts are cleaned and escaped, long tables are cut."""

from __future__ import annotations

import re

from ic_harness.candid import parse
from ic_harness.displays import MAX_ROWS, Display
from ic_harness.errors import NetworkError
from ic_harness.networks.network_displays import canister_display
from ic_harness.principal import Principal

HOSTILE = '"<script>alert(1)</script>\x1b[2J\u202e"'


def tags(text: str) -> set[str]:
    """The elements of a fragment."""
    return set(re.findall(r"<([a-z]+)", text))


def display(text: str) -> Display:
    """The display of a canister with an interface."""
    return canister_display(
        "Canister", Principal(b"\1"), HOSTILE, Principal(b"\4"),
        service=lambda: parse(text), module_hash=lambda: None,
    )  # fmt: skip


def test_texts_from_outside():
    """Names that canisters choose are shown, and are neither elements nor control sequences."""
    shown = display(f"service : {{ {HOSTILE} : (record {{ {HOSTILE} : text }}) -> () query }}")
    assert tags(shown.html()) == {"div", "b", "table", "tr", "th", "td"}
    for text in (shown.html(), shown.text()):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "alert(1)" in shown.text()


def test_long_interfaces():
    """A table is cut, and the rest is counted; a long signature is cut, too."""
    shown = display(f"service : {{ {';'.join(f'm{i} : () -> ()' for i in range(MAX_ROWS + 7))} }}")
    assert shown.text().endswith("… 7 more")
    assert "… 7 more" in shown.html()
    assert shown.text().count("-> ()") == MAX_ROWS
    long = display(f"service : {{ m : (record {{ {';'.join(f'f{i} : nat' for i in range(500))} }}) -> () }}")
    assert max(map(len, long.text().splitlines())) < 400


def test_what_cannot_be_read():
    """The reason replaces what a network does not return."""

    def fail():
        raise NetworkError("it is\x1b gone")

    shown = canister_display(
        "Canister", Principal(b"\1"), "n", Principal(b"\4"), service=fail, module_hash=fail
    ).text()
    assert "module     cannot be read: it is␛ gone" in shown
    assert "interface  it is␛ gone" in shown


def test_nothing_to_show():
    """A title alone is one line."""
    assert Display(title="x").text() == "x"
    assert tags(Display(title="x").html()) == {"div", "b"}
