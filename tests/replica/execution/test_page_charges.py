"""Pages that a message writes first count instructions besides those executed, as the replica publishes it."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Entry, Mode
from ic_harness.replica.execution.interface import Completed

from .canisters import canister, environment

MIB = 1 << 20
WRITE, READ = "stable64_write", "stable64_read"
CALL = 1 + 3 + 5 + 20
"""A function, three constants, the call and its weight, without the bytes."""


def program(*calls: tuple[str, int, int], grown: int = 0, trap: bool = False) -> str:
    """Return a body of a method: function, offset in stable memory and bytes of each call."""
    lines = [f"(drop (call $ic0.stable64_grow (i64.const {grown})))"] if grown else []
    for name, offset, size in calls:
        first, second = (offset, 0) if name == WRITE else (0, offset)
        lines.append(f"(call $ic0.{name} (i64.const {first}) (i64.const {second}) (i64.const {size}))")
    return "\n".join([*lines, "unreachable" if trap else ""])


def module(**methods: str) -> bytes:
    """Return a canister with these methods and a main memory of 4 MiB."""
    functions = "".join(f'(func (export "canister_update {name}") {code})' for name, code in methods.items())
    return canister(functions, memory="(memory 64)")


def pages(install, *calls: tuple[str, int, int], grown: int = 2_000) -> float:
    """Return what the calls count in pages, besides their fixed weights and their bytes."""
    harness = install(module(grow=program(grown=grown), f=program(*calls)))
    harness.ok("grow")
    plain = 1 + sum(CALL - 1 + size for _, _, size in calls)
    counted: int = harness.ok("f").instructions
    return (counted - plain) / 1_000


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([(WRITE, 0, 1)], 1),
        ([(WRITE, 0, 0)], 0),
        ([(WRITE, 4095, 0)], 0),
        ([(WRITE, 0, 4096)], 1),
        ([(WRITE, 4095, 2)], 2),
        ([(WRITE, 1, 4096)], 2),
        ([(WRITE, 0, 1), (WRITE, 100, 1), (WRITE, 4095, 1)], 1),
        ([(WRITE, 0, 1), (WRITE, 4096, 1), (WRITE, 0, 8192)], 2),
        ([(WRITE, 8192, 1), (WRITE, 0, 5 * 4096)], 5),
        ([(WRITE, 0, 4 * MIB), (WRITE, 2 * MIB, 4 * MIB)], 1536),
        ([(READ, 0, 8192)], 0),
        ([(READ, 0, 8192), (WRITE, 0, 1)], 1),
        (
            [(WRITE, 64 * MIB, 1), (WRITE, 64 * MIB - 1, 1), (WRITE, 125 * MIB - 1, 1), (WRITE, 64 * MIB, 2)],
            3,
        ),
    ],
)
def test_a_page_counts_once_in_a_message(install, calls, expected):
    """Whatever a message writes to a page, and how often, the page counts once; reading it counts nothing."""
    assert pages(install, *calls) == expected


def test_every_message_counts_its_own_pages(install):
    """What an earlier message wrote counts again, also when that one trapped or was a query."""
    body = program((WRITE, 4000, 200))
    harness = install(module(grow=program(grown=1), f=body, trap=program((WRITE, 0, 1), trap=True)))
    harness.ok("grow")
    first = harness.ok("f").instructions
    assert first == CALL + 200 + 2_000
    assert harness.ok("f").instructions == first
    assert harness.trap("trap").instructions == CALL + 1 + 1_000 + 1
    assert harness.ok("f").instructions == first
    assert harness.run("f", Mode.QUERY).instructions == first
    assert harness.ok("f").instructions == first


def test_pages_that_a_trapped_message_took_count_again(install):
    """A rollback that shrinks stable memory leaves nothing behind that a later message would pay less for."""
    body = program((WRITE, 65 * MIB, 1), grown=1_100)
    harness = install(module(f=body, trap=f"{body} unreachable"))
    trapped = harness.trap("trap").instructions
    assert harness.ok("f").instructions == trapped - 1


def test_pages_that_exceed_the_limit_end_the_message(install):
    """The charge itself ends a message that has too few instructions left, before anything is written."""
    harness = install(module(grow=program(grown=64), f=program((WRITE, 0, 4 * MIB))))
    harness.ok("grow")
    needed = CALL + 4 * MIB + 1024 * 1_000
    trap = harness.trap("f", instruction_limit=needed - 1)
    assert (trap.error_code, trap.instructions) == (522, needed - 1)
    outcome = harness.run("f", instruction_limit=needed)
    assert isinstance(outcome, Completed)
    assert outcome.instructions == needed


def test_canisters_of_64_bits_pay_the_same(install):
    """A page of stable memory counts as much for a canister whose main memory has 64-bit indices."""
    body = program((WRITE, 0, 8192), grown=1)
    code = f'(func (export "canister_update f") {body})'
    narrow, wide = canister(code), canister(code, is_64=True, memory="(memory i64 1)")
    assert install(narrow).ok("f").instructions == install(wide).ok("f").instructions


STORES = "(i32.store (i32.const 0) (i32.const 7)) (i32.store (i32.const 4096) (i32.const 7))"


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("", 0),
        (STORES, 2),
        (f"{STORES} {STORES}", 2),
        ("(i32.store (i32.const 4094) (i32.const -1))", 2),
        ("(memory.fill (i32.const 0) (i32.const 7) (i32.const 65536))", 16),
        ("(drop (i32.load (i32.const 0)))", 0),
    ],
)
@pytest.mark.parametrize("is_64", [False, True], ids=["32 bits", "64 bits"])
def test_pages_of_main_memory_count_after_the_message(install, code, changed, is_64):
    """Each page of main memory that was changed counts 1,000 instructions once it is committed, or 4,000."""
    data = '(data (i32.const 0) "data of the module")'
    body = f'(func (export "canister_update f") {code}) {data}'
    wide = body.replace("(i32.const 0)", "(i64.const 0)").replace("(i32.const 4", "(i64.const 4")
    wide = wide.replace("(i32.const 65536)", "(i64.const 65536)")
    wasm = canister(wide, is_64=True, memory="(memory i64 1)") if is_64 else canister(body)
    harness = install(wasm)
    executed = []
    for _ in range(2):
        outcome = harness.instance.run(Entry(export="canister_update f"), environment())
        executed.append(outcome.instructions)
        assert harness.instance.commit().page_weight == changed * (4_000 if is_64 else 1_000)
    assert executed[0] == executed[1] < 1_000 + 65_536 * (changed == 16)


def test_data_segments_are_no_pages_of_a_message(engine):
    """What a module brings along is not charged as a change when it is installed."""
    wasm = canister('(data (i32.const 0) "a") (data (i32.const 8192) "b")')
    instance = engine.instantiate(engine.compile(wasm))
    assert isinstance(instance.start(environment(Mode.START)), Completed)
    assert instance.commit().page_weight == 0
