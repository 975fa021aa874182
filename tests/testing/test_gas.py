"""The gas file: its lines, what counts as a difference, and what a run changes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import InputError
from ic_harness.testing.gas import GasEntry, compare, measure, merge, name_of_test, read_gas, write_gas

FIRST, OTHER = "tests/test_a.py::test_one", "tests/test_a.py::test_two"


def gas(test, **methods):
    return measure(test, [("c", method, False, calls, 0) for method, calls in methods.items()])


@given(
    st.lists(
        st.tuples(
            st.text(),
            st.text(),
            st.booleans(),
            st.lists(st.integers(0, 2**63), min_size=1),
            st.integers(-(2**80), 2**80),
        ),
        max_size=4,
    ),
    st.text(min_size=1).map(lambda text: f"test_a.py::{text}"),
)
def test_whatever_names_there_are_can_be_read_back(tmp_path_factory, uses, test):
    """Lines are read as they were written, whatever a test, a canister or a method is called."""
    path = tmp_path_factory.mktemp("gas") / ".ic-gas"
    written = measure(test, uses)
    write_gas(path, written)
    assert read_gas(path) == written
    assert {key[0] for key in written} <= {name_of_test(test)}


def test_what_runs_by_itself_counts_by_its_most_expensive_run(tmp_path):
    """How often timers and heartbeats run is chance; methods are added up, also of two canisters of one name."""
    uses = [
        ("c", "global_timer", False, [5, 9], 70),
        ("c", "add", False, [5, 9], 60),
        ("c", "add", False, [1], 1_000),
    ]
    entries = measure(FIRST, uses)
    assert [it.line().split(" ", 1)[1] for it in entries.values()] == [
        "c.global_timer calls=any instructions=9",
        "c.add calls=3 instructions=15 cycles=1_060",
    ]


@pytest.mark.parametrize(
    ("now", "tolerance", "change"),
    [
        (1000, 0, None),
        (1010, 1, None),
        (990, 1, None),
        (1011, 1, "+1.10 %"),
        (989, 1, "-1.10 %"),
        (1001, 0, "+0.10 %"),
    ],
)
def test_a_difference_is_more_than_the_tolerance(now, tolerance, change):
    """Lines may differ by the tolerance in both directions, the end included."""
    found = compare(gas(FIRST, add=[1000]), gas(FIRST, add=[now]), tolerance)
    assert [it.change for it in found] == ([change] if change else [])


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [(1000, 1000, None), (1000, 1005, None), (1000, 1100, "+0.00 %, cycles +10.00 %"), (0, 900, None)],
)
def test_cycles_are_compared_where_they_are_known(before, now, change):
    """A line whose cycles move differs; one of an earlier version has none, and takes them at the next update."""
    old = measure(FIRST, [("c", "add", False, [50], before)])
    new = measure(FIRST, [("c", "add", False, [50], now)])
    assert [it.change for it in compare(old, new, 1)] == ([change] if change else [])
    (entry,) = merge(old, {FIRST: new}, (), 1).values()
    assert entry.cycles == (now if change or not before else before)


def test_new_and_missing_lines_are_differences():
    """A method that is called for the first time or no longer differs; nothing is a share of nothing."""
    found = compare(gas(FIRST, old=[1], free=[0]), gas(FIRST, new=[1], free=[7]), 1000)
    assert [(it.entry.method, it.change) for it in found] == [
        ("c.free", "+7"),
        ("c.new", "new"),
        ("c.old", "gone"),
    ]


def test_a_run_changes_only_what_it_measured():
    """Lines of other tests stay, those of deleted tests go, and a line within the tolerance stays as it was."""
    before = {**gas(FIRST, add=[1000], old=[5]), **gas(OTHER, add=[7]), **gas("gone.py::test", add=[1])}
    after = merge(before, {FIRST: gas(FIRST, add=[1005], new=[3])}, {"gone.py::test"}, 1)
    assert after == {**gas(FIRST, add=[1000], new=[3]), **gas(OTHER, add=[7])}


def test_a_line_that_is_none_is_refused_with_its_number(tmp_path):
    """The error names file and line, and what to do."""
    path = tmp_path / ".ic-gas"
    path.write_text(f"# head\n{GasEntry('a::b', 'c.d', False, 1, 1).line()}\n=======\n")
    with pytest.raises(InputError, match=r"\.ic-gas, line 3 is no line .*=======.*merge.*--ic-gas=update"):
        read_gas(path)
