"""What a module can make the replica do is bounded: tables, counts, packed sizes, names in backtraces."""

from __future__ import annotations

import gzip

import pytest
import wasmtime

from ic_harness.replica.execution import ModuleInvalid
from ic_harness.replica.execution.api.calls import MAX_CALLS, MAX_CALLS_BYTES
from ic_harness.replica.execution.demangle import MAX_NAME, demangle, demangle_all
from ic_harness.replica.execution.demangle_v0 import Budget
from ic_harness.replica.execution.frame import LOG_BYTES
from ic_harness.replica.execution.instrument import leb128
from ic_harness.replica.execution.module import draft
from ic_harness.replica.execution.validation import MAX_TABLE_ELEMENTS
from ic_harness.replica.execution.wasm_binary import parse

from .canisters import canister

REPLY_4 = "(call $ic0.msg_reply_data_append (i32.const 0) (i32.const 4)) (call $ic0.msg_reply)"


def growing(table: str) -> bytes:
    """A canister whose methods grow its table up to the limit, and beyond it."""
    grow = "(i32.store (i32.const 0) (table.grow $t (ref.null func) (i32.const {by})))"
    return canister(f"""(table $t {table} funcref)
      (func (export "canister_update up") {grow.format(by=MAX_TABLE_ELEMENTS - 5)} {REPLY_4})
      (func (export "canister_update beyond") {grow.format(by=MAX_TABLE_ELEMENTS - 4)} {REPLY_4})
      (func (export "canister_update size") (i32.store (i32.const 0) (table.size $t)) {REPLY_4})""")


@pytest.mark.parametrize("table", ["5", "5 4000000000", "5 1000000"])
def test_a_table_grows_to_the_networks_limit(install, table):
    """`table.grow` past 1,000,000 elements returns -1, whatever maximum the module names, and none is allocated."""
    grown = install(growing(table))
    assert int.from_bytes(grown.reply("beyond"), "little", signed=True) == -1
    assert int.from_bytes(grown.reply("size"), "little") == 5
    assert int.from_bytes(grown.reply("up"), "little", signed=True) == 5


def test_a_tables_own_maximum_counts(install):
    """A maximum below the limit stays what it is."""
    grown = install(growing("5 100"))
    assert int.from_bytes(grown.reply("up"), "little", signed=True) == -1


@pytest.mark.parametrize("text", ["(table i64 5 funcref)", "(table 5 externref)", "(table 0 0 funcref)", ""])
def test_every_table_has_a_maximum(engine, text):
    """Index type, element type and minimum of a table survive; a module without one gets an empty one."""
    module = draft(bytes(wasmtime.wat2wasm(f"(module (memory 1) {text})")))
    (table,) = parse(module.instrumented.wasm).tables
    assert table.limits.maximum in (0, MAX_TABLE_ELEMENTS)
    assert table.limits.is_64 is ("i64" in text)
    engine.compile(module.wasm)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(table 1 funcref) (table 1 funcref)", "2 tables which exceeds the maximum number allowed 1"),
        ("(table 1000001 funcref)", "a table of 1000001 elements"),
        ("(table 4294967295 funcref)", "a table of 4294967295 elements"),
    ],
)
def test_tables_beyond_the_limit_are_refused(engine, text, reason):
    """One table of at most a million elements, as the network's store allows."""
    with pytest.raises(ModuleInvalid, match=reason):
        engine.compile(bytes(wasmtime.wat2wasm(f"(module {text})")))


def _section(number: int, content: bytes) -> bytes:
    return b"\0asm\x01\0\0\0" + bytes([number]) + leb128(len(content)) + content


COUNTED = {
    "types": (1, b"\x60\0\0"),
    "imports": (2, b"\0\0\0\0"),
    "functions": (3, b"\0"),
    "exports": (7, b"\0\0\0"),
}


@pytest.mark.parametrize("what", COUNTED)
def test_counts_beyond_the_engines_limit_are_refused(what):
    """A hundred million entries that come as 100 kB of gzip are refused by their number, before any is read."""
    number, entry = COUNTED[what]
    module = gzip.compress(_section(number, leb128(20_000_000) + entry * 20_000_000), 1)
    with pytest.raises(ModuleInvalid, match="count of 20000000 exceeds limit"):
        draft(module)


# --- names in backtraces -----------------------------------------------------------------------------------

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _base62(number: int) -> str:
    """A number as v0 symbols write it: `_` is 0, `0_` is 1."""
    if number == 0:
        return "_"
    text = ""
    number -= 1
    while text == "" or number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return f"{text}_"


def _doubling(levels: int) -> str:
    """A v0 symbol in which each tuple names the one before twice: 2^levels elements."""
    body = "IC1aTuuE"
    last = 4
    for _ in range(levels):
        here, reference = len(body), _base62(last)
        body += f"TB{reference}B{reference}E"
        last = here
    return f"_R{body}E"


HOSTILE = {
    "thin LTO": "_ZN" + "4core" * 300 + "17h0123456789abcdefE.llvm.12345x",
    "ambiguous lengths": "_ZN" + "1" * 1_900 + "E.llvm.1",
    "many parts": "_ZN" + "1a" * 900 + "E",
    "back references": _doubling(100),
    "nested tuples": "_RIC1a" + "T" * 1_900,
    "nested generics": "_R" + "I" * 1_900,
    "wide": "_RIC1a" + "u" * 1_900 + "E",
    "long number": "_RCs" + "z" * 1_900 + "_1a",
    "long constant": "_RIC1aKj" + "f" * 1_900 + "_E",
    "megabytes": "x" * 5_000_000,
}


@pytest.mark.parametrize("symbol", HOSTILE.values(), ids=HOSTILE)
def test_hostile_symbols(symbol):
    """A symbol takes a bounded number of steps, and its name is no longer than the bound."""
    assert len(demangle(symbol)) <= MAX_NAME + 1


def test_a_backtrace_has_one_budget(monkeypatch):
    """A hundred hostile names together take the steps that one may take; usual names all fit."""
    spent = []
    spend = Budget.spend

    def counted(budget):
        spent.append(1)
        return spend(budget)

    monkeypatch.setattr(Budget, "spend", counted)
    shown = demangle_all([symbol for symbol in HOSTILE.values() for _ in range(10)])
    assert len(shown) == 100
    assert len(spent) <= Budget().steps + len(shown)
    usual = ["_ZN4core6option13expect_failed17h0123456789abcdefE", "_RNvCs48ktKRNhSJl_3ic04trap"] * 50
    assert set(demangle_all(usual)) == {"core::option::expect_failed", "ic0::trap"}


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_ZN4core6option13expect_failed17h0123456789abcdefE.llvm.1234567890", "core::option::expect_failed"),
        ("_ZN4core3fooE.llvm.A5310EB9", "core::foo"),
        ("_ZN4core3fooE.llvm.a5", "core::foo.llvm.a5"),
        ("_ZN4core3fooE.cold", "core::foo.cold"),
        ("_ZN4core3fooEcold", "_ZN4core3fooEcold"),
        ("_ZN13_$u5b$u8$u5d$3fooE", "[u8]::foo"),
        ("_ZN10a$u110000$E", "a$u110000$"),
        ("_ZN7a$u1b$bE", "a$u1b$b"),
        ("_ZN²E", "_ZN²E"),
        ("_RC²a", "_RC²a"),
        ("_RIC1aKj10000000000000000_E", "a::<0x10000000000000000>"),
    ],
)
def test_symbols_of_thin_lto_and_odd_ones(symbol, name):
    """Suffixes of the linker are taken off, escapes of what cannot be shown stay."""
    assert demangle(symbol) == name


SPENDER = canister("""
  (data (i32.const 16) "method")
  (func (export "canister_update print") (local $i i32)
    (loop $again
      (i32.store (i32.const 0) (local.tee $i (i32.add (local.get $i) (i32.const 1))))
      (call $ic0.debug_print (i32.const 0) (i32.const 30000))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 500)))))
  (func $call_all (param $size i32) (local $i i32) (local $made i32)
    (loop $again
      (i32.store (i32.const 0) (local.get $i))
      (call $ic0.call_new (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 6)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $ic0.call_data_append (i32.const 0) (local.get $size))
      (local.set $made (i32.add (local.get $made) (i32.eqz (call $ic0.call_perform))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8000))))
    (i32.store (i32.const 0) (local.get $made))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 4)) (call $ic0.msg_reply))
  (func (export "canister_update small") (call $call_all (i32.const 0)))
  (func (export "canister_update large") (call $call_all (i32.const 65536)))""")


def test_a_message_keeps_its_newest_lines(install):
    """A message that prints without end keeps as much as the largest log holds, not all of it."""
    lines = install(SPENDER).ok("print").logs
    assert sum(len(line) + 20 for line in lines) <= LOG_BYTES < sum(len(line) + 20 for line in lines) + 30_020
    assert int.from_bytes(lines[-1][:4], "little") == 500


def test_calls_of_a_message_are_bounded(install):
    """A message to ever new callees makes a bounded number of calls, with a bounded payload in all."""
    assert int.from_bytes(install(SPENDER).reply("small"), "little") == MAX_CALLS
    assert int.from_bytes(install(SPENDER).reply("large"), "little") == MAX_CALLS_BYTES // 65536
