"""Instructions as the public replica counts them: figures that its tests of instrumentation state.

Pages of main memory are left out of the figures: they are no part of the counter, and charged after the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import wasmtime

from ic_harness.code_cache import CodeCache
from ic_harness.replica.execution import ModuleInvalid
from ic_harness.replica.execution.metering import COUNTER, Rewriter
from ic_harness.replica.execution.stable_memory_modules import PAGE_WEIGHT

from .canisters import canister

GLOBAL = "(global $g (mut i64) (i64.const 0))"


def adding(count: int) -> str:
    """Read the global, add one so many times, and write it back: two instructions a time and four."""
    return f"(global.get $g) {'(i64.add (i64.const 1)) ' * count} (global.set $g)"


def update(code: str, rest: str = GLOBAL) -> str:
    """Return a canister with one update method."""
    return f'(func (export "canister_update f") {code}) {rest}'


COUNT_TO_FIVE = """(local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_s (local.get $i) (i32.const 5)))"""
ARITHMETIC = "".join(
    f"(drop (i64.{name} (i64.const 1) (i64.const 2)))"
    for name in ("add", "sub", "mul", "div_s", "rem_s", "and", "or")
)
FACTORIAL = """(func $factorial (param i64) (result i64)
    (if (result i64) (i64.lt_s (local.get 0) (i64.const 1)) (then (i64.const 1))
      (else (i64.mul (local.get 0) (call $factorial (i64.sub (local.get 0) (i64.const 1)))))))"""
STORES = "(i64.store (i32.const 0) (i64.const 17)) (i64.store (i32.const 4096) (i64.const 117))"
STABLE_64 = """(drop (call $ic0.stable64_grow (i64.const 1)))
    (i64.store (i32.const 0) (i64.const 117)) (i64.store (i32.const 1) (i64.const 17))
    (call $ic0.stable64_write (i64.const 0) (i64.const 0) (i64.const 1))
    (call $ic0.stable64_write (i64.const 4096) (i64.const 1) (i64.const 1))
    (call $ic0.stable64_read (i64.const 7) (i64.const 4096) (i64.const 1))
    (global.set $g (i64.load (i32.const 7)))"""
STABLE_32 = re.sub(r"(?<!set \$g \()i64", "i32", STABLE_64.replace("stable64", "stable"))

PUBLISHED = [
    pytest.param(update(adding(10)), 25, id="plain"),
    pytest.param(update(f"{adding(10)} return {adding(10)}"), 26, id="return"),
    pytest.param(update(f"(block {adding(10)})"), 25, id="block"),
    pytest.param(
        update(f"{adding(10)} (block $b {adding(100)} (block (br $b)) {adding(50)}) {adding(10)}"),
        255,
        id="branch out of blocks",
    ),
    pytest.param(
        update(f"{adding(10)} (block {adding(100)} (block (return)) {adding(50)}) {adding(10)}"),
        230,
        id="return out of blocks",
    ),
    pytest.param(
        update(f"{adding(5)} (if (i32.const 0) (then {adding(10)}) (else {adding(20)})) {adding(30)}"),
        126,
        id="if and else",
    ),
    pytest.param(
        update(f"{adding(5)} (if (i32.const 1) (then {adding(10)} return) (else {adding(20)})) {adding(30)}"),
        43,
        id="if with return",
    ),
    pytest.param(
        update(
            f"(local $i i32) {adding(5)} (loop $again {adding(10)} {COUNT_TO_FIVE} {adding(20)}) {adding(30)}"
        ),
        288,
        id="loop",
    ),
    pytest.param(update(f"{STORES} (global.set $g (i64.load (i32.const 0)))"), 11, id="heap"),
    pytest.param(update(f"{STORES} (drop (i64.load (i32.const 0)))"), 10, id="heap, dropped"),
    pytest.param(update(STABLE_64), 205 + 2 * PAGE_WEIGHT, id="stable memory by 64 bits"),
    pytest.param(update(STABLE_32), 205 + 2 * PAGE_WEIGHT, id="stable memory by 32 bits"),
    pytest.param(update(ARITHMETIC), 47, id="arithmetic"),
    pytest.param(
        update("(call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 0) (i32.const 1024))"),
        1_533,
        id="argument of 1024 bytes",
    ),
    pytest.param(update("(drop (call $factorial (i64.const 20)))", FACTORIAL), 335, id="factorial"),
]
"""A program, and what the replica counts for it."""


@pytest.mark.parametrize(("code", "published"), PUBLISHED)
def test_programs_count_what_the_replica_publishes(install, code, published):
    """Programs of the replica's tests count exactly what these tests state."""
    assert install(canister(code)).ok("f", arg=bytes(1024)).instructions == published


@pytest.mark.parametrize(
    ("code", "published"),
    [(STORES, 9), (f"{STORES} (drop (i64.load (i32.const 0)))", 13), (ARITHMETIC, 47)],
    ids=["stores", "heap", "arithmetic"],
)
def test_memories_of_64_bits_cost_more_only_where_they_are_used(install, code, published):
    """Every access of a memory of 64 bits counts one more, and nothing else does."""
    wide = code.replace("(i32.const", "(i64.const")
    module = canister(update(wide), is_64=True, memory="(memory i64 1000)")
    assert install(module).ok("f").instructions == published


def test_a_limit_one_too_low_ends_the_message(install):
    """A message may execute what it is allowed to, and not one instruction more."""
    wasm = canister(update(adding(10)))
    assert install(wasm).ok("f", instruction_limit=25).instructions == 25
    trap = install(wasm).trap("f", instruction_limit=24)
    assert (trap.error_code, trap.instructions) == (522, 24)


def test_a_trap_counts_what_was_executed(install):
    """Code behind an `unreachable` is not counted, and the trap is not mistaken for the limit."""
    trap = install(canister(update(f"{adding(10)} unreachable {adding(10)}"))).trap("f", instruction_limit=30)
    assert (trap.error_code, trap.instructions) == (502, 26)
    short = install(canister(update(f"(if (i32.const 1) (then {adding(10)} unreachable))")))
    trap = short.trap("f", instruction_limit=10)  # which is used up, but not looked at before the trap
    assert (trap.error_code, trap.instructions) == (502, 10)


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        ("(memory.fill (i32.const 0) (i32.const 1) (local.get $n))", 103),
        ("(memory.copy (i32.const 0) (i32.const 1) (local.get $n))", 103),
        ("(memory.init $d (i32.const 0) (i32.const 0) (local.get $n))", 103),
        ("(table.fill $t (i32.const 0) (ref.null func) (local.get $n))", 103),
        ("(table.copy $t $t (i32.const 0) (i32.const 1) (local.get $n))", 103),
        ("(table.init $t $e (i32.const 0) (i32.const 0) (local.get $n))", 103),
        ("(drop (table.grow $t (ref.null func) (local.get $n)))", 303),
        ("(drop (memory.grow (local.get $n)))", 302),
    ],
)
def test_bulk_operations_count_their_size(install, code, fixed):
    """Copies and fills count one for each byte or element besides their weight; growing does not."""
    rest = f"""(table $t 64 funcref) (data $d "{"x" * 32}") (elem $e func {"$none " * 32}) (func $none)"""
    before = 1 + 1 + 1
    for size in (0, 7, 32):
        wasm = canister(update(f"(local $n i32) (local.set $n (i32.const {size})) {code}", rest))
        by_size = 0 if "grow" in code else size
        assert install(wasm).ok("f").instructions == before + fixed + by_size


def test_a_huge_copy_ends_at_the_limit(install):
    """A size that exceeds the limit ends the message before anything is copied."""
    wasm = canister(update("(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))"))
    assert install(wasm).trap("f", instruction_limit=1_000).error_code == 522
    wide = "(memory.fill (i64.const 0) (i32.const 1) (i64.const -1))"
    module = canister(update(wide), is_64=True, memory="(memory i64 1)")
    assert install(module).trap("f", instruction_limit=1_000_000).error_code == 522


def test_huge_stable_copies_end_at_the_limit(install):
    """Sizes of stable memory are charged before they are checked, and cannot bring the counter up again."""
    for size in (1 << 40, -1, -(1 << 63)):
        code = f"(call $ic0.stable64_read (i64.const 0) (i64.const 0) (i64.const {size}))"
        assert install(canister(update(code))).trap("f", instruction_limit=1_000_000).error_code == 522


@pytest.mark.parametrize(
    ("code", "weight"),
    [
        ("(call $ic0.msg_reply_data_append (i32.const 0) (i32.const 1000))", 500 + 50 * 1000),
        ("(call $ic0.msg_reject (i32.const 0) (i32.const 1000))", 500 + 50 * 1000),
        ("(call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 0) (i32.const 3))", 500 + 3),
        ("(call $ic0.certified_data_set (i32.const 0) (i32.const 32))", 500 + 32),
        ("(call $ic0.debug_print (i32.const 0) (i32.const 100))", 100 + 2 * 100 + 50 * 100),
        ("(call $ic0.debug_print (i32.const 0) (i32.const 5000))", 100 + 2 * 4096 + 50 * 4096),
        ("(drop (call $ic0.time))", 500 + 1),
        ("(drop (call $ic0.performance_counter (i32.const 0)))", 200 + 1),
    ],
)
def test_bytes_of_system_calls_count(install, code, weight):
    """Bytes that a system call copies count one each, bytes that leave the canister fifty."""
    instructions = install(canister(update(code))).ok("f", arg=b"abc").instructions
    constants = code.count("const")
    assert instructions == 1 + constants + 5 + weight


def test_system_calls_without_end_are_ended(install):
    """System calls alone use up a limit: the loop around them would last much longer."""
    trap = install(canister(update("(loop $l (drop (call $ic0.time)) (br $l))"))).trap(
        "f", instruction_limit=100_000
    )
    assert (trap.error_code, trap.instructions) == (522, 100_000)


@pytest.fixture(scope="module")
def rewriter() -> Rewriter:
    """The rewriter alone."""
    return Rewriter(CodeCache(None))


def text(wat: str) -> bytes:
    """Return the module that the text describes."""
    return bytes(wasmtime.wat2wasm(wat))


def test_the_counter_is_out_of_reach(engine):
    """A module that names the counter, the added function or its type by index is refused as invalid."""
    for code in ("(global.set 0 (i64.const 1))", "(drop (call 1 (i64.const 1)))", "(drop (block (type 1)))"):
        wasm = text(f'(module (func (export "canister_update f") {code}))')
        with pytest.raises(ModuleInvalid, match="Wasmtime failed to validate"):
            engine.compile(wasm)


@pytest.mark.parametrize(
    "wat",
    [
        "(module)",
        "(module (memory 1))",
        '(module (type (func)) (import "ic0" "msg_reply" (func)) (memory i64 1))',
        '(module (func $start) (start $start) (@custom "other" "content"))',
        "(module (func (param i64 f32) (local i32 v128) (drop (v128.const i64x2 1 2))))",
        "(module (func (block (loop (br_table 0 1 0 2 (i32.const 1))))))",
    ],
)
def test_rewritten_modules_are_valid(rewriter, wat):
    """Sections that are missing are made, and what is not code stays as it is."""
    output = rewriter.meter(text(wat))
    module = wasmtime.Module(wasmtime.Engine(), output)
    assert COUNTER in [item.name for item in module.exports]


def huge(functions: int, body: str) -> bytes:
    """Return a module with many functions."""
    return text("(module (memory 1)" + f"(func {body})" * functions + ")")


@pytest.mark.parametrize(
    "wasm",
    [
        huge(50_000, "nop"),
        huge(4, "(loop)" * 19_000),
        huge(4, "(if (i32.const 1) (then))" * 19_000),
        huge(1, "(block " * 900 + ")" * 900),
        huge(1, "(br_table " + "0 " * 60_000 + "(i32.const 0))"),
        huge(1, "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))" * 30_000),
    ],
    ids=["functions", "loops", "ifs", "nesting", "branches", "fills"],
)
def test_huge_modules_are_rewritten(rewriter, wasm):
    """The rewriter takes what validation lets through, and its output is valid."""
    wasmtime.Module.validate(wasmtime.Engine(), rewriter.meter(wasm))


@contextmanager
def suppress_invalid(reasons: set[str]) -> Iterator[None]:
    """Keep the reason of a refusal."""
    try:
        yield
    except ModuleInvalid as error:
        reasons.add(str(error))


def test_damaged_modules_are_refused(rewriter):
    """Cut or changed at any place, a module is rewritten or refused; the rewriter never fails otherwise."""
    whole = canister(update(f"(local $i i32) (loop $again {COUNT_TO_FIVE}) {STORES}"))
    reasons: set[str] = set()
    for place in range(8, len(whole)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            with suppress_invalid(reasons):
                rewriter.meter(damaged)
    assert len(reasons) > 1
    assert not [reason for reason in reasons if "the rewriter failed" in reason]
    for wasm in (b"", b"\0asm", b"\0asm\x01\0\0", b"\0asm\x0d\0\x01\0", b"\xff" * 100):
        with pytest.raises(ModuleInvalid):
            rewriter.meter(wasm)


def test_names_in_backtraces_stay(install):
    """The functions of a backtrace have the names of the canister's own."""
    wasm = canister(update("(call $outer)", "(func $outer (call $inner)) (func $inner unreachable)"))
    trap = install(wasm).trap("f")
    assert trap.backtrace[:2] == ("inner", "outer")
