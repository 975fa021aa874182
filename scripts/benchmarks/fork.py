"""Forks a canister over HTTP and loads it: seconds, and the memory of the process that does it.

`python scripts/benchmarks/fork.py [MIB…]`, by default 100. The origin is a replica in a process of its own, with that
much stable memory, none of it zeros.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import wasmtime
from _served import served

from ic_harness.networks import Network, connect, embedded, fork_canister
from ic_harness.principal import Principal

_PAGE = 65_536
_MIB = 1 << 20
_FILLER = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_size" (func $size (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (memory 1)
  (func (export "canister_update more") (local $at i64) (local $end i64)
    (call $arg (i32.const 0) (i32.const 0) (i32.const 4))
    (local.set $at (i64.mul (call $size) (i64.const 65536)))
    (drop (call $grow (i64.extend_i32_u (i32.load (i32.const 0)))))
    (local.set $end (i64.mul (call $size) (i64.const 65536)))
    (loop $next
      (i64.store (i32.const 8) (i64.mul (i64.add (local.get $at) (i64.const 1)) (i64.const 0x9E3779B97F4A7C15)))
      (call $write (local.get $at) (i64.const 8) (i64.const 8))
      (local.set $at (i64.add (local.get $at) (i64.const 512)))
      (br_if $next (i64.lt_u (local.get $at) (local.get $end))))
    (call $reply)))"""
_STEP_PAGES = 1024


def _filled(network: Network, mib: int) -> Principal:
    """Install the canister and fill its stable memory."""
    canister = network.deploy(bytes(wasmtime.wat2wasm(_FILLER)))
    left = mib * _MIB // _PAGE
    while left:
        pages = min(left, _STEP_PAGES)
        network.agent().update(canister, "more", pages.to_bytes(4, "little"))
        left -= pages
    return canister


def _measure(mib: int, passphrase: str | None) -> None:
    with tempfile.TemporaryDirectory() as scratch, served() as url, connect(url) as origin:
        canister = _filled(origin, mib)
        before, started = _rss_mib(), time.perf_counter()
        fork_canister(origin, canister, Path(scratch) / "a.fork", passphrase=passphrase)
        forked, peak = time.perf_counter() - started, _rss_mib()
        started = time.perf_counter()
        with embedded(seed=b"desk") as desk:
            desk.load_fork(Path(scratch) / "a.fork", passphrase=passphrase)
            loaded = time.perf_counter() - started
        sys.stdout.write(
            f"{mib} MiB{' encrypted' if passphrase else ''}: forked in {forked:.1f} s, peak {peak} MiB (before: "
            f"{before}); checked and loaded in {loaded:.1f} s, peak {_rss_mib()} MiB\n"
        )


def _rss_mib() -> int:
    """Return the largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    for size in [int(word) for word in sys.argv[1:]] or [100]:
        _measure(size, None)
        _measure(size, "a passphrase")
