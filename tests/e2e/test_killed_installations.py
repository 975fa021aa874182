"""A served replica that is killed in the middle of a sliced installation: the old code whole, or the new code whole."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from ic_harness import candid
from ic_harness.protocol import Ed25519Identity, seal
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.management.call import interface
from tests.amounts import amount
from tests.replica.support import BOB, MANAGEMENT, create, wat

SOURCE = Path(__file__).resolve().parents[2] / "src"
OWNER = Ed25519Identity.from_seed(b"k" * 32)
SLICE = 1_000_000
PAGES = 32
_MARKS = struct.Struct(f"<{1 + PAGES + PAGES - 1}I")
_CODE = """
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_read" (func $read (param i32 i32 i32)))
  (import "ic0" "stable_write" (func $write (param i32 i32 i32)))
  (memory (export "memory") PAGES)
  (func $spin (local $rounds i32) (local $value i64)
    (local.set $rounds (i32.const 6000000))
    (loop $again
      (local.set $value (i64.rotl (i64.mul (local.get $value) (i64.const 6364136223846793005)) (i64.const 7)))
      (local.set $value (i64.add (local.get $value) (i64.const 1442695040888963407)))
      (local.set $value (i64.xor (local.get $value) (i64.shr_u (local.get $value) (i64.const 3))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (i64.store (i32.const 16) (local.get $value)))
  (func $stable (param $mark i32) (param $page i32) (param $end i32)
    (i32.store (i32.const 0) (local.get $mark))
    (loop $again
      (call $write (i32.shl (local.get $page) (i32.const 16)) (i32.const 0) (i32.const 4))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (local.get $end)))))
  (func $heap (param $mark i32) (local $page i32)
    (local.set $page (i32.const 1))
    (loop $again
      (i32.store (i32.shl (local.get $page) (i32.const 16)) (local.get $mark))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (i32.const PAGES)))))
  (func (export "canister_init")
    (drop (call $grow (i32.const PAGES)))
    (call $stable (i32.const NUMBER) (i32.const 0) (i32.const HALF))
    (call $spin)
    (call $stable (i32.const NUMBER) (i32.const HALF) (i32.const PAGES))
    (call $heap (i32.const NUMBER)))
  (func (export "canister_pre_upgrade")
    (call $heap (i32.const NEXT))
    (call $stable (i32.const NEXT) (i32.const 0) (i32.const HALF))
    (call $spin)
    (call $stable (i32.const NEXT) (i32.const HALF) (i32.const PAGES)))
  (func (export "canister_post_upgrade") (local $page i32)
    (call $heap (i32.const NUMBER))
    (call $spin)
    (loop $again
      (call $read (i32.const 0) (i32.shl (local.get $page) (i32.const 16)) (i32.const 4))
      (if (i32.ne (i32.load (i32.const 0)) (i32.const NUMBER)) (then unreachable))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (i32.const PAGES)))))
  (func (export "canister_query marks") (local $page i32)
    (i32.store (i32.const 0) (i32.const NUMBER))
    (call $append (i32.const 0) (i32.const 4))
    (loop $again
      (call $read (i32.const 0) (i32.shl (local.get $page) (i32.const 16)) (i32.const 4))
      (call $append (i32.const 0) (i32.const 4))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (i32.const PAGES))))
    (local.set $page (i32.const 1))
    (loop $again
      (call $append (i32.shl (local.get $page) (i32.const 16)) (i32.const 4))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $page) (i32.const PAGES))))
    (call $reply))
"""


def module(number):
    """Code that leaves its number in every page of both memories, one half before it takes long, one half after."""
    text = _CODE.replace("HALF", str(PAGES // 2)).replace("PAGES", str(PAGES))
    return wat(text.replace("NUMBER", str(number)).replace("NEXT", str(number + 1)), prelude="")


def opened(folder):
    return Replica(ReplicaConfig(state_dir=folder, slice_instructions=SLICE))


def call(canister, mode, number):
    """Method and argument of an installation."""
    argument = {"mode": {mode: None}, "canister_id": canister, "wasm_module": module(number), "arg": b""}
    return candid.encode((argument,), interface().methods["install_code"].arg_types)


def whole(replica, canister):
    """The number of the code, which everything that there is of the canister must have."""
    record = replica.canister(canister)
    marks = set(_MARKS.unpack(replica.execute_query(BOB, canister, "marks", b"")))
    (number,) = marks
    digest = hashlib.sha256(module(number)).digest()
    assert record.module_hash == digest
    newest = [entry for entry in record.history if entry.kind == "code_deployment"][-1]
    assert newest.module_hash == digest
    assert newest.version == record.version
    return number


def serve(folder, durable):
    """A process that serves the folder, and its URL."""
    options = ["--state-dir", folder, f"--slice-instructions={SLICE}", *["--durable"] * durable]
    process = subprocess.Popen(
        [sys.executable, "-m", "ic_harness.cli", "replica", "start", "--json", *map(str, options)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


def submit(url, canister, mode, number):
    """Submit an installation without waiting for its end; returns the request id."""
    envelope = seal(
        {
            "request_type": "call",
            "sender": OWNER.principal.raw,
            "ingress_expiry": time.time_ns() + 200_000_000_000,
            "canister_id": MANAGEMENT.raw,
            "method_name": "install_code",
            "arg": call(canister, mode, number),
        },
        OWNER,
    )
    request = urllib.request.Request(
        f"{url}/api/v2/canister/{canister}/call",
        envelope.to_cbor(),
        {"content-type": "application/cbor"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202
    return envelope.request_id


def killed(folder, canister, mode, number, *, durable, after_s):
    """Serve the folder, begin an installation, and kill the process after a while; returns the request id."""
    process, url = serve(folder, durable)
    try:
        request_id = submit(url, canister, mode, number)
        threading.Event().wait(after_s)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return request_id


@pytest.mark.slow
@pytest.mark.parametrize("durable", [False, True], ids=["plain", "durable"])
def test_killed_in_the_middle(tmp_path, durable):
    """Reopened, all of the canister is of one code; what was under way goes on or is gone; the next one works."""
    moments, folder = random.Random(7 + durable), tmp_path / "state"
    with opened(folder) as replica:
        canister = create(replica, sender=OWNER.principal)
        began = time.monotonic()
        replica.execute_update(OWNER.principal, MANAGEMENT, "install_code", call(canister, "install", 0))
        longest_s = 2 * (time.monotonic() - began)
        number = whole(replica, canister)
    middle = 0
    for _ in range(amount(6, thorough=40)):
        mode = moments.choice(["upgrade", "upgrade", "reinstall"])
        after_s = moments.random() * longest_s
        request_id = killed(folder, canister, mode, number + 1, durable=durable, after_s=after_s)
        with opened(folder) as replica:
            replica.hold()
            found = whole(replica, canister)
            assert found in (number, number + 1)
            record = replica.node.state.requests.get(request_id)
            under_way = record is not None and record.answer is None
            assert found == number if under_way or record is None else found == number + 1
            middle += under_way
            replica.release()
            assert replica.settle(2_000)
            number = whole(replica, canister)
            assert number == found + under_way
            again = call(canister, "upgrade", number + 1)
            replica.execute_update(OWNER.principal, MANAGEMENT, "install_code", again)
            number = whole(replica, canister)
    assert middle, "no installation was under way when its process was killed"
