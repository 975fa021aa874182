"""Fifty callers that call, take snapshots and put back, of canisters and of the network; run by test_restoring.py.

Arguments: the seed, how many interrupts the main thread gets (0: it goes on until it is killed), and a state folder or
"-". After each interrupt, and at the end, no canister may be half of one moment and half of another.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from ic_harness import candid
from ic_harness.errors import HarnessError
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.management.call import interface
from tests.replica.support import ALICE, BOB, MANAGEMENT, create, install, wat

PAGES = 24
SLICE = 2_000_000
CANISTERS = 4
CALLERS = 50
RESTORERS = 3
"""How many of them put the network back, by which the others lose the calls that they wait for."""
_MARKS = struct.Struct(f"<{2 * PAGES - 1}I")
_CODE = f"""
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_read" (func $read (param i32 i32 i32)))
  (import "ic0" "stable_write" (func $write (param i32 i32 i32)))
  (memory (export "memory") {PAGES})
  (global $count (mut i32) (i32.const 0))
  (func $spin (param $rounds i32) (local $value i64)
    (loop $again
      (local.set $value (i64.add (i64.mul (local.get $value) (i64.const 6364136223846793005)) (i64.const 7)))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (i64.store (i32.const 16) (local.get $value)))
  (func $mark (param $page i32) (param $end i32)
    (i32.store (i32.const 0) (global.get $count))
    (loop $again
      (call $write (i32.shl (local.get $page) (i32.const 16)) (i32.const 0) (i32.const 4))
      (if (local.get $page) (then
        (i32.store (i32.shl (local.get $page) (i32.const 16)) (global.get $count))))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (local.get $end)))))
  (func $all (param $rounds i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $mark (i32.const 0) (i32.const {PAGES // 2}))
    (call $spin (local.get $rounds))
    (call $mark (i32.const {PAGES // 2}) (i32.const {PAGES})))
  (func (export "canister_init") (drop (call $grow (i32.const {PAGES}))))
  (func (export "canister_update short") (call $all (i32.const 1)) (call $reply))
  (func (export "canister_update long") (call $all (i32.const 3000000)) (call $reply))
  (func (export "canister_query marks") (local $page i32)
    (loop $again
      (call $read (i32.const 0) (i32.shl (local.get $page) (i32.const 16)) (i32.const 4))
      (call $append (i32.const 0) (i32.const 4))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (i32.const {PAGES}))))
    (local.set $page (i32.const 1))
    (loop $again
      (call $append (i32.shl (local.get $page) (i32.const 16)) (i32.const 4))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (i32.const {PAGES}))))
    (call $reply))
"""


def opened(folder):
    return Replica(ReplicaConfig(state_dir=folder, slice_instructions=SLICE))


def check_whole(replica, canisters):
    """Every page of a canister has the mark of the same message."""
    for canister in canisters:
        marks = set(_MARKS.unpack(replica.execute_query(BOB, canister, "marks", b"")))
        assert len(marks) == 1, marks


class Callers:
    """Threads that use a replica until they are asked to stop; `done` counts what they did, by name."""

    def __init__(self, replica, canisters, seed):
        self.replica, self.canisters = replica, canisters
        self.stop = threading.Event()
        self.done: dict[str, int] = {}
        self.problems: list[BaseException] = []
        self.threads = [
            threading.Thread(
                target=self.work, args=(random.Random(seed * 1000 + number), number < RESTORERS), daemon=True
            )
            for number in range(CALLERS)
        ]
        for thread in self.threads:
            thread.start()

    def work(self, chance, restores):
        actions = [self.short] * 8 + [self.long, self.look, self.of_canister, self.of_canister]
        if restores:
            actions.append(self.of_network)
        while not self.stop.is_set():
            action = chance.choice(actions)
            try:
                action(chance.choice(self.canisters))
            except HarnessError:
                continue  # a restore took the call with it, or a snapshot is gone
            except BaseException as problem:
                self.problems.append(problem)
                raise
            self.done[action.__name__] = self.done.get(action.__name__, 0) + 1

    def short(self, canister):
        self.replica.execute_update(BOB, canister, "short", b"")

    def long(self, canister):
        self.replica.execute_update(BOB, canister, "long", b"")

    def look(self, canister):
        check_whole(self.replica, [canister])

    def manage(self, method, argument):
        known = interface().methods[method]
        reply = self.replica.execute_update(
            ALICE, MANAGEMENT, method, candid.encode((argument,), known.arg_types)
        )
        return candid.decode(reply, known.return_types)

    def of_canister(self, canister):
        (taken,) = self.manage("take_canister_snapshot", {"canister_id": canister})
        self.short(canister)
        named = {"canister_id": canister, "snapshot_id": taken["id"]}
        self.manage("load_canister_snapshot", named)
        self.manage("delete_canister_snapshot", named)

    def of_network(self, canister):
        snapshot = self.replica.snapshot()
        self.short(canister)
        self.replica.restore(snapshot)
        snapshot.close()

    def end(self):
        """Let all end."""
        self.stop.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a caller waits for ever"
        assert not self.problems, self.problems


def interrupt(count, chance, ready):
    for _ in range(count):
        ready.wait()
        ready.clear()
        threading.Event().wait(chance.random() * 0.05)
        os.kill(os.getpid(), signal.SIGINT)


def main(seed, interrupts, folder):
    chance = random.Random(seed)
    replica = opened(folder)
    canisters = [create(replica) for _ in range(CANISTERS)]
    for canister in canisters:
        install(replica, canister, wat(_CODE, prelude=""))
    first, before = replica.snapshot(), replica.state_hash()
    callers, caught, ready = Callers(replica, canisters, seed), 0, threading.Event()
    sys.stdout.write(json.dumps([str(canister) for canister in canisters]) + "\n")
    sys.stdout.flush()
    arguments = (interrupts, random.Random(seed + 1), ready)
    threading.Thread(target=interrupt, args=arguments, daemon=True).start()
    while caught < interrupts or not interrupts:
        try:
            ready.set()  # once for each interrupt, and where it is caught
            while True:
                with suppress(HarnessError):
                    chance.choice([callers.of_network, *[callers.of_canister, callers.short] * 4])(
                        canisters[0]
                    )
        except KeyboardInterrupt:
            caught += 1
            check_whole(replica, canisters)
    callers.end()
    check_whole(replica, canisters)
    # A restore may bring back messages whose callers have gone.
    assert replica.settle(1_000)
    last = replica.snapshot(), replica.state_hash()
    for name, snapshot, known in (("first", first, before), ("last", *last)):
        replica.restore(snapshot)
        assert replica.state_hash() == known, name
    replica.close()
    sys.stdout.write(json.dumps({"interrupts": caught, **callers.done}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), None if sys.argv[3] == "-" else Path(sys.argv[3]))
