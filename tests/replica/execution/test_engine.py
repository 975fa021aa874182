"""Compiled code on disk, threads, and readable names."""

from __future__ import annotations

import threading

import pytest

from ic_harness.replica.execution import Completed, Engine, Entry
from ic_harness.replica.execution.demangle import demangle

from .canisters import Harness, canister, environment

SPIN = canister("""
  (func (export "canister_update f") (local $i i32)
    (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000000))))
    (i32.store (i32.const 0) (i32.add (i32.const 1) (i32.load (i32.const 0))))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 1)) (call $ic0.msg_reply))
""")


def test_compiled_code_is_found_again(tmp_path, monkeypatch):
    """A second engine takes compiled code from the folder and does not compile."""
    Harness(Engine(tmp_path), SPIN).ok("f")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files
    monkeypatch.setattr("wasmtime.Module.__init__", _refuse)
    Harness(Engine(tmp_path), SPIN).ok("f")
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def _refuse(*_):
    raise AssertionError("compiled although the code was there")


@pytest.mark.parametrize("damage", [b"", b"short", bytes(5000)])
def test_damaged_code_is_made_anew(tmp_path, damage):
    """A file that is not what was written is ignored and replaced."""
    Harness(Engine(tmp_path / "first"), SPIN).ok("f")  # loads what a process loads once, from that folder
    folder = tmp_path / "second"
    Harness(Engine(folder), SPIN).ok("f")
    whole = list(folder.iterdir())
    assert whole
    for path in whole:
        path.write_bytes(damage)
    Harness(Engine(folder), SPIN).ok("f")
    assert all(path.read_bytes()[:32] != damage[:32] for path in whole)


def test_a_folder_that_cannot_be_written_costs_speed_only(tmp_path):
    """Without a usable folder everything is compiled, and works."""
    engine = Engine(tmp_path / "code")
    (tmp_path / "code").rmdir()
    Harness(engine, SPIN).ok("f")


def test_instances_in_threads(engine):
    """Canisters run in several threads at once, each with its own messages."""
    harnesses = [Harness(engine, SPIN) for _ in range(3)]
    replies: dict[int, list[bytes]] = {}

    def work(index: int) -> None:
        replies[index] = [harnesses[index].reply("f") for _ in range(20)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == {index: [bytes([count]) for count in range(1, 21)] for index in range(3)}


def test_many_canisters(engine):
    """Two hundred canisters live side by side: address space is reserved, memory is not."""
    module = engine.compile(SPIN)
    instances = [engine.instantiate(module) for _ in range(200)]
    entry = Entry(export="canister_update f")
    assert isinstance(instances[0].run(entry, environment()), Completed)
    assert isinstance(instances[-1].run(entry, environment()), Completed)
    for instance in instances:
        instance.close()


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_ZN4core6option13expect_failed17h0123456789abcdefE", "core::option::expect_failed"),
        ("_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
         "<alloc::string::String as core::fmt::Display>::fmt"),
        ("_RNvCs48ktKRNhSJl_3ic04trap", "ic0::trap"),
        ("_RINvNtCs5zMSUEPUNgy_6ic_cdk3api4trapReEB4_", "ic_cdk::api::trap::<&str>"),
        ("_RNCNvCs1_3app4mains_0", "app::main::{closure#1}"),
        ("_RNCNvCs1_3app4main0.llvm.12", "app::main::{closure#0}"),
        ("_RNvXs_Cs1_3appNtB4_5StateNtNtCs2_4core3fmt7Display3fmt",
         "<app::State as core::fmt::Display>::fmt"),
        ("_RNvMs_Cs1_3appINtB4_5StackTyhEKj4_E4push", "<app::Stack<(u64, u8), 4>>::push"),
        ("_RINvCs1_3app3rundFEuDNtNtCs2_4core3fmt5DebugEL_E", "app::run::<f64, fn(), dyn core::fmt::Debug>"),
        ("_RNv", "_RNv"),
        ("_RB_", "_RB_"),
        ("plain_c_name", "plain_c_name"),
        ("_ZN99short17h0123456789abcdefE", "_ZN99short17h0123456789abcdefE"),
        ("canister_update greet", "canister_update greet"),
    ],
)  # fmt: skip
def test_demangle(symbol, name):
    """Rust's symbols become paths; other names stay."""
    assert demangle(symbol) == name
