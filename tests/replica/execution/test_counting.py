"""Metered code counts what an interpreter of the rules counts: at the end, at traps, and at any limit."""

from __future__ import annotations

import ctypes
import threading

import pytest

from ic_harness.replica.execution import Completed, Entry, Interrupted, Progress, SliceExhausted, Task
from ic_harness.replica.execution.metering import PORTION

from .canisters import canister, environment
from .counting_model import Interpreter, Trap, random_program, text_of

EXPORTED = '(global (mut i32) (i32.const 0)) (func (export "canister_update f")'


def counted(seed: int) -> tuple[bytes, int, bool]:
    """A canister with a random program, what it counts, and whether it traps."""
    program = random_program(seed)
    entry = f"{EXPORTED} (call {len(program) - 1} (i32.const {seed})))"
    model, trapped = Interpreter(program, count=1 + 1 + 5), False
    try:
        model.call(len(program) - 1, seed)
    except Trap:
        trapped = True
    return canister(text_of(program, 0) + entry), model.count, trapped


@pytest.mark.parametrize("first", [0, 40])
def test_random_programs_count_what_the_rules_say(install, first):
    """Programs of branches, loops, calls, copies and traps count exactly what an interpreter counts."""
    traps = 0
    for seed in range(first, first + 40):
        wasm, expected, trapped = counted(seed)
        harness = install(wasm)
        outcome = harness.run("f")
        assert (isinstance(outcome, Completed), outcome.instructions) == (not trapped, expected), seed
        traps += trapped
        assert harness.run("f", instruction_limit=expected).instructions == expected
        if not trapped:
            short = harness.trap("f", instruction_limit=expected - 1)
            assert (short.error_code, short.instructions) == (522, expected - 1)
    assert 3 < traps < 37


@pytest.mark.parametrize("first", [80, 100])
def test_slices_count_as_a_whole(install, first):
    """A random program ends within a slice of its size, not within a smaller one; it counts the same, also watched."""
    for seed in range(first, first + 20):
        wasm, expected, trapped = counted(seed)
        instance, entry = install(wasm).instance, Entry(export="canister_update f")
        for more in ({}, {"most": expected}, {"progress": Progress()}):
            outcome = instance.run(entry, environment(), **more)
            assert (isinstance(outcome, Completed), outcome.instructions) == (not trapped, expected), seed
            instance.rollback()
        for most in {1, expected // 2, expected - 1} - {0}:
            with pytest.raises(SliceExhausted):
                instance.run(entry, environment(), most=most)
        outcome = instance.run(entry, environment())
        assert outcome.instructions == expected
        instance.rollback()


def test_progress_is_seen_from_another_thread(install):
    """What is seen never exceeds what is executed, grows, and is nothing before and after."""
    body = """(func (export "canister_update f") (local $i i32) (loop $again
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 80000000)))))"""
    instance, progress, seen = install(canister(body)).instance, Progress(), list[int]()
    assert progress.at_least() == 0
    running = Task(lambda: instance.run(Entry(export="canister_update f"), environment(), progress=progress))
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.ends_within(0.001):
        seen.append(progress.at_least())
    thread.join()
    assert progress.at_least() == 0
    used = running.result().instructions
    assert sorted(seen[:-1]) == seen[:-1]  # the last one may have been read after the end
    assert PORTION < max(seen) <= used


@pytest.mark.parametrize("check", ["", "(br_if $again (i32.lt_u (local.get $i) (i32.const 60)))"])
@pytest.mark.parametrize(
    ("code", "weight"),
    [
        ("(i32.load (i32.shl (local.get $i) (i32.const 10)))", 4),
        ("(i32.div_u (i32.const 1) (i32.sub (i32.const 64) (local.get $i)))", 14),
    ],
)
def test_a_trap_in_a_loop_counts_the_rounds_before(install, code, weight, check):
    """Rounds that neither call nor return are counted when the 64th traps by an access or by a division."""
    body = f"""(func (export "canister_update f") (local $i i32) (loop $again
        (local.set $i (i32.add (local.get $i) (i32.const 1))) {check} (drop {code}) (br $again)))"""
    last = weight + 1 + 2
    every = 4 + (5 if check else 0)
    expected = 1 + 64 * every + (5 if check else 64) * last
    assert install(canister(body)).trap("f").instructions == expected


COUNTING = f"""(func (export "canister_update f") (local $i i32) (local.set $i (i32.const {3 * PORTION // 7}))
    (loop $again (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))"""


def test_limits_beyond_a_portion_are_exact(install):
    """A message of several portions ends at its own limit, not at that of a portion."""
    harness = install(canister(COUNTING))
    used = harness.ok("f").instructions
    assert used > 2 * PORTION
    assert harness.ok("f", instruction_limit=used).instructions == used
    for limit in (used - 1, used - PORTION, 2 * PORTION, 2 * PORTION + 1, PORTION - 1, PORTION, 1):
        trap = harness.trap("f", instruction_limit=limit)
        assert (trap.error_code, trap.instructions) == (522, limit)


def test_a_copy_of_several_portions_is_charged(install):
    """One copy may take more than a portion: the rest pays for it."""
    body = f'(func (export "canister_update f") (memory.fill (i32.const 0) (i32.const 0) (i32.const {5 * PORTION})))'
    harness = install(canister(body, memory="(memory 1000)"))
    used = harness.ok("f").instructions
    assert used == 1 + 3 + 100 + 5 * PORTION
    assert harness.trap("f", instruction_limit=used - 1).error_code == 522


@pytest.mark.parametrize(
    "code",
    ["(loop $again (br $again))", "(loop $again (call $nothing) (br $again))", "(call $deep (i32.const 60))"],
    ids=["loop", "calls", "recursion"],
)
def test_code_of_any_kind_is_interrupted(engine, code):
    """A loop that touches nothing, one of calls, and recursion without loops all stop at an interrupt."""
    rest = """(func $nothing) (func $deep (param i32) (if (local.get 0) (then
        (call $deep (i32.sub (local.get 0) (i32.const 1))) (call $deep (i32.sub (local.get 0) (i32.const 1))))))"""
    begun = "(i32.store8 (i32.const 0) (i32.const 1))"
    module = engine.compile(canister(f'(func (export "canister_update f") {begun} {code}) {rest}'))
    instance = engine.instantiate(module)

    def interrupt_when_begun() -> None:
        tick = threading.Event()
        while not ctypes.c_uint8.from_address(instance.heap.base).value:
            tick.wait(0.001)
        engine.interrupts.interrupt()

    interrupting = threading.Thread(target=interrupt_when_begun)
    interrupting.start()
    with pytest.raises(Interrupted):
        instance.run(Entry(export="canister_update f"), environment(instruction_limit=1 << 60))
    interrupting.join()
