"""Figures of canister execution: messages, commits, rollbacks, snapshots, with and without much memory.

Run it with Python; it prints medians in milliseconds and the bound of each, if it has one.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import wasmtime

from ic_harness.replica.execution import Completed, Engine, Entry, Environment, Instance, Mode

MEASURED = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "stable64_size" (func $size (result i64)))
  (memory 32)
  (func (export "canister_update empty") (call $reply))
  (func (export "canister_update touch") (local $i i32)
    (loop (i32.store (i32.shl (local.get $i) (i32.const 12)) (i32.const 1))
      (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16)))))
  (func (export "canister_update append") (local $at i64)
    (local.set $at (i64.shl (call $size) (i64.const 16)))
    (drop (call $grow (i64.const 28)))
    (memory.fill (i32.const 65536) (i32.const 7) (i32.const 1800000))
    (call $write (local.get $at) (i64.const 65536) (i64.const 1800000)))
  (func (export "canister_update rewrite")
    (call $write (i64.const 0) (i64.const 65536) (i64.const 1800000)))
  (func (export "canister_update spin") (local $i i32)
    (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 300000))))))
"""


def update(instance: Instance, name: str) -> None:
    """Run one message to its commit."""
    outcome = instance.run(Entry(export=f"canister_update {name}"), Environment(mode=Mode.UPDATE))
    if not isinstance(outcome, Completed):
        raise TypeError(outcome)
    instance.commit()


def query(instance: Instance, name: str) -> None:
    """Run one message and drop what it changed."""
    instance.run(Entry(export=f"canister_update {name}"), Environment(mode=Mode.QUERY))
    instance.rollback()


def measure(
    label: str, act: Callable[[], object], *, times: int = 200, bound_ms: float | None = None
) -> None:
    """Print the median time of an action."""
    seconds = []
    for _ in range(times):
        before = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - before)
    report(label, 1e3 * median(seconds), bound_ms)


def report(label: str, milliseconds: float, bound_ms: float | None = None) -> None:
    """Print one line."""
    bound = "" if bound_ms is None else f"   (bound {bound_ms:g})"
    print(f"{label:58} {milliseconds:9.3f} ms{bound}")


def once(act: Callable[[], object]) -> float:
    """The time of an action in milliseconds."""
    before = time.perf_counter()
    act()
    return 1e3 * (time.perf_counter() - before)


def measure_messages(instance: Instance) -> None:
    """Small messages."""
    measure("empty update, committed", lambda: update(instance, "empty"), bound_ms=0.3)
    measure("empty query, rolled back", lambda: query(instance, "empty"))
    measure("update of 16 pages of heap", lambda: update(instance, "touch"))
    measure("query that changed 16 pages of heap", lambda: query(instance, "touch"))
    measure("instance made and closed", lambda: instance.fork().close())


def measure_snapshots(instance: Instance) -> None:
    """Snapshots of a small and of a large canister."""
    fresh = instance.snapshot()
    measure("snapshot", lambda: instance.snapshot().close())
    update(instance, "touch")
    report("restore of a fresh canister", median(_restores(instance, fresh, "touch")), 3)
    for _ in range(58):
        update(instance, "append")
    report("restore of a fresh canister after 100 MiB", once(lambda: instance.restore(fresh)))
    fresh.close()
    for _ in range(58):
        update(instance, "append")
    large = instance.snapshot()
    report("restore of 100 MiB after a small message", median(_restores(instance, large, "touch")), 10)
    report("restore of 100 MiB after 1.8 MB appended", median(_restores(instance, large, "append")), 10)
    report("restore of 100 MiB after 1.8 MB overwritten", median(_restores(instance, large, "rewrite")), 10)
    measure("update that overwrites 1.8 MB of stable memory", lambda: update(instance, "rewrite"), times=30)
    large.close()


def _restores(instance: Instance, snapshot: object, name: str) -> list[float]:
    times = []
    for _ in range(10):
        update(instance, name)
        times.append(once(lambda: instance.restore(snapshot)))  # type: ignore[arg-type]
    return times


def measure_threads(engine: Engine, wasm: bytes) -> None:
    """Two canisters at once against one after the other."""
    module = engine.compile(wasm)
    instances = [engine.instantiate(module), engine.instantiate(module)]

    def work(instance: Instance) -> None:
        for _ in range(500):
            update(instance, "spin")

    alone = sum(once(partial(work, instance)) for instance in instances)
    threads = [threading.Thread(target=work, args=(instance,)) for instance in instances]
    before = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = 1e3 * (time.perf_counter() - before)
    report("2 x 500 updates of 0.1 ms, one canister after the other", alone)
    report("2 x 500 updates, two canisters at once", together, 0.65 * alone)


def main() -> None:
    """Measure and print everything."""
    wasm = bytes(wasmtime.wat2wasm(MEASURED))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder))
        # The first module has the program compiled that rewrites modules, which is kept beside their compiled code.
        report("compiling a first, small module", once(lambda: engine.compile(wasm)))
        backend = Path(__file__).parents[2] / "fixtures" / "backend.wasm.gz"
        if backend.exists():
            report("compiling the backend", once(lambda: engine.compile(backend.read_bytes())))
            report(
                "the backend from the cache", once(lambda: Engine(Path(folder)).compile(backend.read_bytes()))
            )
        instance = engine.instantiate(engine.compile(wasm))
        instance.commit()
        print(f"memories: {engine.strategy.name}")
        measure_messages(instance)
        measure_snapshots(instance)
        measure_threads(engine, wasm)


if __name__ == "__main__":
    main()
