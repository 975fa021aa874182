"""Recording what a canister executes: the records are right, and the canister cannot tell that there are any."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ic_harness.replica.execution import Completed, Engine, Mode, Trapped
from ic_harness.replica.execution.memory_copy import COPIED
from ic_harness.replica.execution.recorder import HOST, SYSTEM_API, Recorder, record
from ic_harness.replica.execution.tracing import Places, TracingError

from .canisters import Harness, canister

EVERYTHING = """
(type $pair (func (param i32) (result i32 i64)))
(table 2 funcref) (elem (i32.const 0) $two $two)
(func $hot (param $n i32) (result i32) (local $i i32)
  (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))) (local.get $i))
(func $two (type $pair)
  (if (i32.eqz (local.get 0)) (then (return (i32.const 1) (i64.const 2)))) (i32.const 3) (i64.const 4))
(func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
(func $tail (param i32) (result i32) (return_call $hot (local.get 0)))
(func $pick (param i32) (result i32)
  (block $c (block $b (block $a (br_table $a $b $c (local.get 0))) (return (i32.const 10))) (return (i32.const 20)))
  (i32.const 30))
(func $fall (param i32) (call $fail (local.get 0)))
(func $fail (param i32) (drop (i32.div_u (i32.const 7) (local.get 0))) (drop (call $hot (i32.const 5))))
(func $never (drop (i32.const 1)))
(func $floats (param f64) (result f64) (local $x v128)
  (f64.sqrt (f64.max (local.get 0) (f64.const 2))))
(func (export "canister_update all")
  (drop (call $hot (i32.const 100))) (call $deep (i32.const 10000)) (drop (call $tail (i32.const 7)))
  (drop (drop (call_indirect (type $pair) (i32.const 1) (i32.const 0))))
  (drop (call $pick (i32.const 1))) (drop (call $pick (i32.const 9))) (drop (call $floats (f64.const 9)))
  (drop (memory.grow (i32.const 1))) (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000))
  (if (i32.const 0) (then (call $never))))
(func (export "canister_update fails") (drop (call $hot (i32.const 3))) (call $fall (i32.const 0)))
(func (export "canister_update endless") (loop $l (br $l)))
(func (export "canister_query counter") (call $ic0.msg_reply) (drop (call $ic0.performance_counter (i32.const 0))))
"""
LIMITED = {"instruction_limit": 100_000}


def traced(wasm, *, coverage=True, profile=True, strategy=None):
    """Install a module on an engine that records; returns the canister and the record."""
    recorder = Recorder(coverage=coverage, profile=profile)
    with record(recorder):
        harness = Harness(Engine(strategy=strategy), wasm)
    assert recorder.failures == {}
    return harness, recorder.modules[harness.module.wasm_hash]


def steps(harness):
    """Run every method of `EVERYTHING`; returns what each came to."""
    outcomes = [
        harness.run("all"),
        harness.run("fails"),
        harness.run("all"),
        harness.run("endless", **LIMITED),
        harness.run("canister_query counter", Mode.QUERY),
    ]
    return [(type(it), it.instructions, getattr(it, "message", "")) for it in outcomes]


@pytest.mark.parametrize(
    "what", [{"profile": False}, {"coverage": False}, {}], ids=["coverage", "profile", "both"]
)
@pytest.mark.parametrize("is_64", [False, True], ids=["32 bits", "64 bits"])
def test_instructions_and_outcomes_are_those_without_recording(install, what, is_64):
    """Calls, traps, exhausted limits and queries come to the same, to the instruction, with and without recording."""
    memory = "(memory i64 1)" if is_64 else "(memory 1)"
    text = (
        EVERYTHING.replace("(memory.grow (i32.const 1))", "(memory.grow (i64.const 1))")
        if is_64
        else EVERYTHING
    )
    text = text.replace("(memory.fill (i32.const 0) (i32.const 1) (i32.const 1000))", "") if is_64 else text
    wasm = canister(text, is_64=is_64, memory=memory)
    expected = steps(install(wasm))
    assert steps(traced(wasm, **what)[0]) == expected
    assert [kind for kind, _, _ in expected] == [Completed, Trapped, Completed, Trapped, Completed]


def test_memories_that_are_copied_record_too(install):
    """The other way to hold memories, which checks bounds in code, records the same."""
    wasm = canister(EVERYTHING)
    harness, found = traced(wasm, strategy=COPIED)
    mapped, other = traced(wasm)
    assert steps(harness) == steps(mapped) == steps(install(wasm))
    assert found.covered() == other.covered()
    assert found.tree().instructions == other.tree().instructions


def test_all_instructions_are_attributed():
    """The instructions in the tree are those of all messages, those that trapped included."""
    harness, found = traced(canister(EVERYTHING))
    used = sum(instructions for _, instructions, _ in steps(harness))
    tree = found.tree()
    assert sum(tree.instructions) == used
    assert tree.lost == 0
    assert tree.functions[0] == HOST
    assert SYSTEM_API in tree.functions
    assert all(caller < number for number, caller in enumerate(tree.callers) if number)


def test_instructions_beyond_a_limit_are_those_of_the_message():
    """A message that runs out of instructions has them all in the tree."""
    harness, found = traced(canister(EVERYTHING))
    outcome = harness.run("endless", **LIMITED)
    assert outcome.instructions == sum(found.tree().instructions) == LIMITED["instruction_limit"]


def test_recursion_is_a_chain_of_calls():
    """A function that calls itself 10,000 times is a chain of as many nodes; the next message begins at the root."""
    harness, found = traced(canister(EVERYTHING))
    harness.run("all")
    tree = found.tree()
    depth = [0]
    for caller in tree.callers[1:]:
        depth.append(depth[caller] + 1)
    assert max(depth) == 10_002
    harness.run("all")
    assert len(found.tree().functions) == len(tree.functions)


def covered_functions(found):
    covered = found.covered()
    return [covered[byte] for byte in found.places.functions]


def test_functions_that_ran_are_covered():
    """Of each function it is known whether it ran, also of those left by a trap, a return or a tail call."""
    harness, found = traced(canister(EVERYTHING))
    assert sum(found.covered()) == 0
    harness.run("all")
    #                                 hot two deep tail pick fall fail never floats all ...
    assert covered_functions(found)[:10] == [1, 1, 1, 1, 1, 0, 0, 0, 1, 1]
    harness.run("fails")
    assert covered_functions(found) == [1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0]


def test_arms_of_branches_are_covered():
    """Of each branch it is known which arms were taken: conditions, both ways, and tables with their default."""
    harness, found = traced(canister(EVERYTHING))
    harness.run("all")
    covered = found.covered()
    functions = {7 - 5 + index: name for index, name in enumerate(["hot", "two", "deep", "tail", "pick"])}
    first = min(branch.function for branch in found.places.branches)
    arms = {
        functions[branch.function - first + 2]: list(covered[branch.byte : branch.byte + branch.arms])
        for branch in found.places.branches
        if branch.function - first < 5
    }
    assert arms == {"hot": [1, 1], "two": [0, 1], "deep": [1, 1], "pick": [0, 1, 1]}


def test_blocks_lie_apart_and_within_the_code():
    """Blocks are in order and do not overlap; each has a byte of the record."""
    _, found = traced(canister(EVERYTHING))
    blocks = sorted(found.places.blocks, key=lambda it: it.start)
    assert all(one.end <= other.start for one, other in pairwise(blocks))
    assert all(one.start < one.end and one.byte < found.places.size for one in blocks)


def test_records_are_shared_by_instances_and_outlive_them():
    """Two canisters of one module have one record; what a closed instance recorded stays."""
    recorder = Recorder(coverage=True, profile=True)
    wasm = canister(EVERYTHING)
    with record(recorder):
        engine = Engine()
        first, other = Harness(engine, wasm), Harness(engine, wasm)
    first.run("all")
    other.run("fails")
    (found,) = recorder.modules.values()
    before, used = found.covered(), sum(found.tree().instructions)
    first.instance.close()
    assert (found.covered(), sum(found.tree().instructions)) == (before, used)
    assert covered_functions(found)[:7] == [1] * 7


@pytest.mark.parametrize("room", [1, 3, 5])
def test_calls_that_do_not_fit_are_counted_for_their_caller(room):
    """When the memory of the tree is full no instruction is lost, and the number of calls without a node is known."""
    harness, found = traced(canister(EVERYTHING))
    tree = harness.instance._live._record._tree
    size, tree.size = tree.size, 64 + 32 * (room + 1)
    harness.instance._live._record._reset()
    assert harness.run("all").instructions == sum(found.tree().instructions)
    assert harness.run("fails").instructions > 0
    assert len(found.tree().functions) <= room + 2
    assert found.tree().lost > 0
    tree.size = size


def test_a_module_is_found_in_the_cache(tmp_path):
    """Compiled code and its places come from the folder of compiled code, as those without recording do."""
    wasm = canister(EVERYTHING)
    seen = []
    for _ in range(2):
        recorder = Recorder(coverage=True)
        with record(recorder):
            harness = Harness(Engine(tmp_path), wasm)
        harness.run("all")
        (found,) = recorder.modules.values()
        seen.append((found.places, found.covered()))
    assert seen[0] == seen[1]
    assert sum(path.name.endswith("-places") for path in tmp_path.iterdir()) == 1


def test_nothing_is_recorded_without_a_recorder(install):
    """Without an active recorder modules are compiled as before."""
    assert install(canister(EVERYTHING)).module.native.record is None


@pytest.mark.parametrize("content", [b"", b"123", b"\1\0\0\0" * 4, b"\xff" * 16])
def test_broken_places_are_refused(content):
    """Bytes that are no places, as from a damaged cache, are an error that says so."""
    with pytest.raises(TracingError, match="places"):
        Places.decode(content)
