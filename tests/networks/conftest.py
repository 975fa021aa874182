"""A small canister and a running embedded network."""

from __future__ import annotations

import pytest
import wasmtime

from ic_harness.networks import embedded, processes
from ic_harness.networks.deadline import Deadline

from .standins.tools import Tools, alive

COUNTER = r"""
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\00\01\79")  ;; one nat32, which follows at 7
  (data (i32.const 16) "counted")
  (func $answer (call $append (i32.const 0) (i32.const 11)) (call $reply))
  (func (export "canister_update increment")
    (i32.store (i32.const 7) (i32.add (i32.load (i32.const 7)) (i32.const 1)))
    (call $print (i32.const 16) (i32.const 7))
    (call $answer))
  (func (export "canister_update trap") unreachable)
  (func (export "canister_query get") (call $answer)))
"""
COUNTER_DID = "service : { increment : () -> (nat32); trap : () -> (); get : () -> (nat32) query }"


@pytest.fixture(scope="session")
def counter_wasm():
    """A counter, written by hand."""
    return bytes(wasmtime.wat2wasm(COUNTER))


@pytest.fixture
def network():
    """An embedded network of the test's own, in memory."""
    with embedded() as running:
        yield running


@pytest.fixture
def tools(tmp_path):
    """A PATH and a home folder of the test's own, without any program yet."""
    folder, home = tmp_path / "programs", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    return Tools(folder, home)


class FakeTime:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def soon():
    """A deadline that is over at once, however long it is: waiting for it takes no time."""
    fake = FakeTime()
    return Deadline(60.0, clock=fake.clock, sleep=fake.sleep)


@pytest.fixture
def soon_after():
    """A deadline that is over once a file has been written: it waits for that, and for nothing else."""

    def make(path):
        fake, real = FakeTime(), Deadline(30.0)

        def sleep(seconds):
            real.wait_for(lambda: (path.is_file() and path.read_text().endswith("\n")) or None)
            fake.sleep(seconds)

        return Deadline(60.0, clock=fake.clock, sleep=sleep)

    return make


@pytest.fixture
def ended(monkeypatch):
    """Tell whether every process that was started in the test has ended."""
    started = []
    make = processes.Child.__init__

    def remember(child, *args, **options):
        make(child, *args, **options)
        started.append(child.pid)

    monkeypatch.setattr(processes.Child, "__init__", remember)
    return lambda: bool(started) and not any(alive(pid) for pid in started)
