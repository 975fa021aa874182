"""Random messages with traps, upgrades and snapshots, against a plain model that copies everything."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ic_harness.replica.execution import Completed, Engine, Entry, Trapped

from .canisters import Harness, canister, environment

# The argument is a list of 12-byte commands (kind, offset, value), each done in turn; 255 traps.
INTERPRETER = canister("""
  (global $sum (mut i64) (i64.const 0))
  (func (export "canister_update run") (local $at i32) (local $end i32)
    (local.set $end (call $ic0.msg_arg_data_size))
    (call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 0) (local.get $end))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (call $do (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))
          (i32.load offset=8 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 12)))
        (br $next)))))
  (func $do (param $kind i32) (param $offset i32) (param $value i32)
    (if (i32.eq (local.get $kind) (i32.const 0))
      (then (i32.store8 (local.get $offset) (local.get $value))))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then
      (i32.store8 (i32.const 1000) (local.get $value))
      (call $ic0.stable64_write (i64.extend_i32_u (local.get $offset)) (i64.const 1000) (i64.const 1))))
    (if (i32.eq (local.get $kind) (i32.const 2))
      (then (drop (memory.grow (local.get $value)))))
    (if (i32.eq (local.get $kind) (i32.const 3))
      (then (drop (call $ic0.stable64_grow (i64.extend_i32_u (local.get $value))))))
    (if (i32.eq (local.get $kind) (i32.const 4))
      (then (global.set $sum (i64.add (global.get $sum) (i64.extend_i32_u (local.get $value))))))
    (if (i32.eq (local.get $kind) (i32.const 5))
      (then (memory.fill (local.get $offset) (local.get $value) (i32.const 9000))))
    (if (i32.eq (local.get $kind) (i32.const 255)) (then (unreachable))))
""")
PAGE = 1 << 16


class Model:
    """Heap, stable memory and the global as plain values; every message works on copies."""

    def __init__(self) -> None:
        self.heap, self.stable, self.sum = bytearray(PAGE), bytearray(), 0

    def copy(self) -> Model:
        other = Model()
        other.heap, other.stable, other.sum = bytearray(self.heap), bytearray(self.stable), self.sum
        return other

    def run(self, commands: list[tuple[int, int, int]]) -> bool:
        """Do the commands; False and no change when one traps."""
        work = self.copy()
        arg = encode(commands)
        work.heap[: len(arg)] = arg
        if not all(work.step(*command) for command in commands):
            return False
        self.heap, self.stable, self.sum = work.heap, work.stable, work.sum
        return True

    def step(self, kind: int, offset: int, value: int) -> bool:
        if kind == 0:
            return _put(self.heap, offset, bytes([value]))
        if kind == 1:
            self.heap[1000] = value
            return _put(self.stable, offset, bytes([value]))
        if kind == 2:
            self.heap.extend(bytes(value * PAGE))
        if kind == 3:
            self.stable.extend(bytes(value * PAGE))
        if kind == 4:
            self.sum += value
        if kind == 5:
            return _put(self.heap, offset, bytes([value]) * 9000)
        return kind != 255

    def equals(self, harness: Harness) -> None:
        whole = harness.instance.export_state()
        assert whole.globals == (self.sum,)
        assert bytes(whole.stable) == bytes(self.stable)
        assert bytes(whole.heap) == bytes(self.heap)


def _put(memory: bytearray, offset: int, content: bytes) -> bool:
    if offset + len(content) > len(memory):
        return False
    memory[offset : offset + len(content)] = content
    return True


def encode(commands: list[tuple[int, int, int]]) -> bytes:
    return b"".join(number.to_bytes(4, "little") for command in commands for number in command)


OFFSETS = st.one_of(
    st.integers(500, 3 * PAGE), st.sampled_from([4095, 4096, PAGE - 1, PAGE, 2 * PAGE - 1, 0xFFFF_FFFF])
)
COMMANDS = st.one_of(
    st.tuples(st.sampled_from([0, 1, 5]), OFFSETS, st.integers(0, 255)),
    st.tuples(st.sampled_from([2, 3]), st.just(0), st.integers(0, 2)),
    st.tuples(st.just(4), st.just(0), st.integers(0, 99)),
    st.just((255, 0, 0)),
)
ACTIONS = st.one_of(
    st.tuples(st.just("update"), st.lists(COMMANDS, max_size=8)),
    st.tuples(st.just("query"), st.lists(COMMANDS, max_size=8)),
    st.tuples(st.sampled_from(["snapshot", "restore", "forget", "fork", "upgrade"]), st.integers(0, 3)),
)


class Run:
    """A canister and its model, side by side."""

    def __init__(self, engine: Engine) -> None:
        self.harness, self.model = Harness(engine, INTERPRETER), Model()
        self.saved: list = []

    def update(self, commands: list) -> None:
        outcome = self.harness.run("run", arg=encode(commands))
        assert isinstance(outcome, Completed) == self.model.run(commands), outcome
        assert isinstance(outcome, Completed | Trapped)

    def query(self, commands: list) -> None:
        self.harness.instance.run(Entry(export="canister_update run"), environment(arg=encode(commands)))
        self.harness.instance.rollback()

    def fork(self, _: int) -> None:
        other = self.harness.instance.fork()
        other.run(Entry(export="canister_update run"), environment(arg=encode([(0, 9000, 7), (2, 0, 1)])))
        other.close()

    def snapshot(self, _: int) -> None:
        self.saved.append((self.harness.instance.snapshot(), self.model.copy()))

    def restore(self, index: int) -> None:
        if self.saved:
            snapshot, model = self.saved[index % len(self.saved)]
            self.harness.instance.restore(snapshot)
            self.model = model.copy()

    def forget(self, index: int) -> None:
        if self.saved:
            self.saved.pop(index % len(self.saved))[0].close()

    def upgrade(self, _: int) -> None:
        old = self.harness.instance
        self.harness.instance = old.engine.instantiate(old.module, stable=old.stable.image)
        self.harness.instance.commit()
        old.close()
        fresh = Model()
        fresh.stable = self.model.stable
        self.model = fresh

    def check(self) -> None:
        self.model.equals(self.harness)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, max_size=25))
def test_any_sequence_of_messages(any_engine, actions):
    """After any messages, traps, snapshots and upgrades, memory is what the copying model has."""
    run = Run(any_engine)
    for name, argument in actions:
        getattr(run, name)(argument)
        run.check()
    run.harness.instance.close()
