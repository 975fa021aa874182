"""Subtyping and upgrades: the rules of the specification, and their explanations."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError, subtyping
from ic_harness.candid.subtyping import SubtypeCache

TYPES = """
  type List = opt record { head : int; tail : List };
  type Nats = opt record { head : nat; tail : Nats };
  type Tree = variant { leaf : nat; node : record { Tree; Tree } };
  type IntTree = variant { leaf : int; node : record { IntTree; IntTree }; more };
  type VecVec = vec VecVec;
  type Self = service { me : () -> (Self) query };
  type Other = service { me : () -> (Self) query };
"""
SUBTYPES = """
nat <: nat
nat <: int
empty <: nat
nat <: reserved
null <: opt nat
nat <: opt nat
text <: opt nat
opt nat <: opt int
opt text <: opt nat
reserved <: opt nat
vec nat <: vec int
vec empty <: vec nat
blob <: vec nat8
record { a : nat; b : text } <: record { a : int }
record {} <: record { a : opt nat }
record {} <: record { a : null; b : reserved }
record { nat; nat } <: record { 0 : int }
variant { A } <: variant { A; B }
variant { A : nat } <: variant { A : int }
variant {} <: variant { A }
func (int) -> (nat) <: func (nat) -> (int)
func () -> (nat, text) <: func (nat) -> (nat)
func (opt nat) -> () <: func () -> ()
func () -> () <: func () -> (opt nat)
service { f : () -> (); g : () -> () } <: service { f : () -> () }
service {} <: principal
Nats <: List
Tree <: IntTree
VecVec <: vec VecVec
Self <: Other
Other <: Self
"""
NOT_SUBTYPES = """
int <: nat
nat8 <: nat
nat8 <: nat16
float32 <: float64
reserved <: nat
nat <: empty
nat <: null
null <: nat
opt nat <: nat
opt nat <: null
vec int <: vec nat
nat <: vec nat
record {} <: record { a : nat }
record { a : text } <: record { a : nat }
record {} <: variant {}
variant { A; B } <: variant { A }
variant { A : int } <: variant { A : nat }
variant { A } <: variant {}
func (nat) -> () <: func (int) -> ()
func () -> (int) <: func () -> (nat)
func () -> () <: func () -> (nat)
func (nat) -> () <: func () -> ()
func () -> () query <: func () -> ()
func () -> () <: func () -> () query
func () -> () query <: func () -> () composite_query
principal <: service {}
func () -> () <: principal
service {} <: service { f : () -> () }
service { f : (nat) -> () } <: service { f : (int) -> () }
vec record { List } <: vec record { nat }
IntTree <: Tree
VecVec <: vec vec vec nat
"""


def _answer(line):
    left, _, right = line.partition(" <: ")
    service = candid.parse(f"{TYPES} type L = {left}; type R = {right};")
    return candid.is_subtype(service.types["L"], service.types["R"])


@pytest.mark.parametrize("line", SUBTYPES.strip().splitlines())
def test_subtypes(line):
    """The left type is a subtype of the right one."""
    assert _answer(line)


@pytest.mark.parametrize("line", NOT_SUBTYPES.strip().splitlines())
def test_not_subtypes(line):
    """The left type is no subtype of the right one."""
    assert not _answer(line)


def test_same_interface_is_compatible():
    """An interface may be upgraded to itself, and to one with more methods or optional arguments."""
    old = "service : { f : (record { a : nat }) -> (record { b : nat }) }"
    new = """service : {
      f : (record { a : int; c : opt text }, opt nat) -> (record { b : nat; d : text }, nat);
      g : () -> ();
    }"""
    assert candid.check_upgrade(old, old) == []
    assert candid.check_upgrade(old, new) == []
    assert candid.check_upgrade(candid.parse(old), candid.parse(new)) == []


UPGRADES = [
    ("f : () -> ()", "", "", "gone"),
    ("f : () -> ()", "f : () -> () query", "", "was an update, is now a query"),
    ("f : (nat) -> ()", "f : (text) -> ()", "args[0]", "old clients send nat, which cannot be read as text"),
    ("f : () -> ()", "f : (text) -> ()", "args[0]", "do not send this argument"),
    ("f : () -> (nat)", "f : () -> ()", "results[0]", "expect this result"),
    ("f : () -> (nat)", "f : () -> (int)", "results[0]", "int cannot be read as nat"),
    (
        "f : (record {}) -> ()",
        "f : (record { a : nat }) -> ()",
        "args[0]",
        "not send the field a; make it opt",
    ),
    ("f : () -> (record { a : nat })", "f : () -> (record {})", "results[0]", "expect the field a"),
    ("f : (variant { A; B }) -> ()", "f : (variant { A }) -> ()", "args[0]", "may send the case B"),
    ("f : () -> (variant { A })", "f : () -> (variant { A; B })", "results[0]", "do not know the case B"),
    (
        "f : () -> (vec record { x : opt nat; y : record { z : nat } })",
        "f : () -> (vec record { y : record { z : text } })",
        "results[0][].y.z",
        "text cannot be read as nat",
    ),
    ("f : (func () -> () query) -> ()", "f : (func () -> ()) -> ()", "args[0]", "query, not update"),
    (
        "f : (func (nat) -> ()) -> ()",
        "f : (func (text) -> ()) -> ()",
        "args[0].args[0]",
        "text cannot be read as nat, which old clients expect",
    ),
    (
        "f : () -> (func (nat) -> (nat))",
        "f : () -> (func (text) -> (nat))",
        "results[0].args[0]",
        "old clients send nat, which cannot be read as text",
    ),
    (
        "f : () -> (func (nat) -> (nat))",
        "f : () -> (func (nat) -> (text))",
        "results[0].results[0]",
        "text cannot be read as nat, which old clients expect",
    ),
    ("f : () -> (service { g : () -> () })", "f : () -> (service {})", "results[0]", "the method g"),
]


@pytest.mark.parametrize(("old", "new", "path", "why"), UPGRADES)
def test_unsafe_upgrades(old, new, path, why):
    """An unsafe upgrade is reported once, with its method, path and one sentence."""
    (found,) = candid.check_upgrade(f"service : {{ {old} }}", f"service : {{ {new} }}")
    assert (found.method, found.path) == ("f", path)
    assert why in found.message
    assert str(found).startswith("f")


def test_all_faults_are_reported():
    """Every method that breaks, and every place in it, is in the list."""
    old = "service : { a : (nat) -> (nat); b : () -> (record { x : nat; y : nat }); c : () -> () }"
    new = "service : { a : (text) -> (text); b : () -> (record {}) }"
    found = [f"{i.method} {i.path}" for i in candid.check_upgrade(old, new)]
    assert found == ["a args[0]", "a results[0]", "b results[0]", "b results[0]", "c "]


def test_recursive_interfaces_are_compared():
    """Recursive types are compared without end, also when they differ deep inside."""
    old = f"{TYPES} service : {{ f : (List) -> (Tree) }}"
    new = f"{TYPES} service : {{ f : (List) -> (IntTree) }}"
    assert candid.check_upgrade(old, old) == []
    assert {i.path for i in candid.check_upgrade(old, new)} == {"results[0]", "results[0].leaf"}


def test_text_that_is_no_interface():
    """A text that is no interface raises `CandidError`."""
    with pytest.raises(CandidError):
        candid.check_upgrade("service : {", "service : {}")


def _types(text):
    return candid.parse_types(text)


def test_goals_are_decided_alike_again():
    """A cache returns the same result for a goal that it has decided before."""
    new, old, other = _types("(record { a : nat; b : vec nat }, record { a : int }, record { a : text })")
    cache = SubtypeCache()
    assert [cache.holds(new, old) for _ in range(3)] == [True] * 3
    assert [cache.holds(new, other) for _ in range(3)] == [False] * 3
    assert not cache.holds(old, new)
    assert cache.holds(new, old)


def test_assumptions_of_a_failed_goal_are_dropped():
    """A pair that was only assumed on the way to a violation is not taken for proved."""
    types = candid.parse("""
      type A = record { x : opt A; next : vec A; bad : text };
      type B = record { x : opt B; next : vec B; bad : nat };
      service : { f : (A, B) -> () }
    """).types
    cache = SubtypeCache()
    (listed_a, listed_b) = (candid.Vec(types["A"]), candid.Vec(types["B"]))
    assert not cache.holds(listed_a, listed_b)
    assert not cache.holds(types["A"], types["B"])
    assert not cache.holds(candid.Vec(listed_a), candid.Vec(listed_b))


def test_proved_goals_cost_nothing_again(monkeypatch):
    """All goals of a cache share a number of steps, which proved goals do not use again."""
    monkeypatch.setattr(subtyping, "MAX_STEPS", 4)
    cache = SubtypeCache()
    new, old, more = _types("(vec vec vec nat, vec vec vec int, vec text)")
    for _ in range(3):
        assert cache.holds(new, old)
    with pytest.raises(CandidError, match="takes more than"):
        cache.holds(more, _types("(vec vec nat)")[0])


def test_long_types_are_shortened_in_sentences():
    """A sentence quotes at most 60 characters of a type; the fields `old` and `new` have all of it."""
    sixty = f"record {{ {'a' * 43} : nat }}"
    assert len(sixty) == 60
    for text, shown in ((sixty, sixty), (sixty.replace("nat", "nat8"), f"record {{ {'a' * 43} : na…")):
        (found,) = candid.check_upgrade(
            "service : { f : (text) -> () }", f"service : {{ f : ({text}) -> () }}"
        )
        assert found.message == f"old clients send text, which cannot be read as {shown}"
        assert found.new == text
