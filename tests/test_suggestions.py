"""What an error says about a name that is not known."""

from __future__ import annotations

import pytest

from ic_harness.suggestions import alike, suggest


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("tolerence", ["tolerance"], "did you mean tolerance?"),
        ("NETWORK", ["network", "identity"], "did you mean network?"),
        ("canister_id", ["canister-id"], "did you mean canister-id?"),
        ("zzz", ["b", "a"], "there are: b, a"),
        ("zzz", [], "there are none"),
    ],
)
def test_similar_names_else_all(name, known, told):
    """Names that are alike are proposed; without any, those that there are."""
    assert suggest(name, known) == told


def test_long_lists_are_cut_and_names_are_cleaned():
    """Many names are counted, and controls in names from outside are made visible."""
    told = suggest("zzz", [f"{number:03}" for number in range(100)])
    assert told.endswith("023, … (76 more)")
    assert "\x1b" not in suggest("red", ["\x1bred"])


def test_at_most_three_the_most_similar_first():
    """Of many similar names the three most similar ones are proposed."""
    assert alike("name1", ["name2", "name", "name1x", "name12", "names"])[0] in ("name1x", "name12")
    assert len(alike("name1", [f"name{number}" for number in range(9)])) == 3
