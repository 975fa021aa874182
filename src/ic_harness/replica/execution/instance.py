"""A canister's live code and memory, and the transaction that one message is.

A message runs on live views of the committed images (memory.py). `commit` makes its changes permanent,
`rollback` drops them; a message that traps is rolled back before `run` returns.
"""

from __future__ import annotations

from collections.abc import Iterator

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.memory_image import StateImage

from . import instrument, traps
from .committed_memory import Image, MemoryCheckpoint
from .compiler import Compiler
from .frame import RUNNING, Frame
from .interface import Completed, Entry, Environment, Mode, Outcome, Trapped
from .module import Module
from .native import EngineError, NativeTrap
from .outcomes import explain
from .pages import PAGE, Range
from .progress import Progress, SliceExhausted
from .stable_memory_modules import PAGE_WEIGHT
from .wasm_store import WasmStore

HEAP_LIMIT_32 = 4 << 30
HEAP_LIMIT_64 = 6 << 30
_WIDE_PAGES = 4
"""How many times more a page of main memory counts for in a canister of 64 bits."""
_LIMITED = frozenset(Mode) - {Mode.QUERY, Mode.COMPOSITE_QUERY, Mode.HTTP_TRANSFORM, Mode.REPLICATED_QUERY}
_TASKS = {
    "canister_heartbeat": "heartbeat",
    "canister_global_timer": "global timer",
    "canister_on_low_wasm_memory": "on low wasm memory",
}


@dataclass(slots=True)
class PageDiff:
    """What a commit changed. Content is read when asked for: ask before the next commit."""

    heap: Image
    stable: Image
    heap_ranges: tuple[Range, ...]
    stable_ranges: tuple[Range, ...]
    globals: tuple[int, ...]
    heap_size: int
    stable_size: int
    page_weight: int = 0
    """Instructions that the changed pages of main memory count for."""

    def __iter__(self) -> Iterator[tuple[str, int, bytes]]:
        """Region (`heap` or `stable`), byte offset and new content of each changed range."""
        for start, end in self.heap_ranges:
            yield "heap", start, self.heap.read(start, end - start)
        for start, end in self.stable_ranges:
            yield "stable", start, self.stable.read(start, end - start)


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """The committed state of a canister at a moment, code included.

    `close` it when it is no longer needed.
    """

    engine: Compiler
    module: Module
    heap: Image
    stable: Image
    heap_mark: MemoryCheckpoint
    stable_mark: MemoryCheckpoint
    globals: tuple[int, ...]

    def restore_images(self) -> tuple[list[Range], list[Range]]:
        """Bring the images back to this moment; live views of them must be rolled back afterwards.

        Returns what changed in main and in stable memory, as byte ranges.
        """
        return self.heap.restore(self.heap_mark), self.stable.restore(self.stable_mark)

    def revive(self) -> Instance:
        """A new instance as the canister was, for when its own is gone."""
        self.restore_images()
        return Instance(self.engine, self.module, self.heap, self.stable, self.globals)

    def close(self) -> None:
        """Forget this moment."""
        self.heap.forget(self.heap_mark)
        self.stable.forget(self.stable_mark)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The memories that new code takes over from old code; `heap` is the committed one where it does not stay."""

    heap: Image
    stable: Image
    page_weight: int
    """Instructions that the pages of main memory count for which the old code changed."""


class Instance:
    """One canister's code with its memory; used by one thread at a time."""

    def __init__(
        self, engine: Compiler, module: Module, heap: Image, stable: Image, globals_: tuple[int, ...] | None
    ) -> None:
        self.engine = engine
        self.module = module
        self.heap = engine.strategy.open(heap)
        self.stable = engine.strategy.open(stable)
        self._globals = globals_
        self._origin: Instance | None = None
        self._live = self._make()
        if globals_ is None:
            self._globals = self._live.read_globals()
        # What data segments filled is no change that a message made.
        self._filled = 0 if heap.size else _pages(self.heap.written())

    def _make(self) -> WasmStore:
        self.heap.hard_limit = HEAP_LIMIT_64 if self.module.is_64 else HEAP_LIMIT_32
        live = WasmStore(self.engine, self.module, self.heap, self.stable)
        if self._globals is not None:
            live.write_globals(self._globals)
        return live

    @property
    def heap_size(self) -> int:
        """Bytes of Wasm memory at this moment."""
        return self.heap.size

    @property
    def stable_size(self) -> int:
        """Bytes of stable memory at this moment."""
        return self.stable.size

    @property
    def globals_size(self) -> int:
        """Bytes of the globals that change, eight for each."""
        return 8 * len(self._globals or ())

    # --- messages

    def start(
        self,
        env: Environment,
        since: int | None = None,
        *,
        most: int | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Run the module's start function, if there is one: once after installing or upgrading. See `run`."""
        if self.module.native.traits.has_start:
            return self.run(Entry(export=instrument.START), env, since, most=most, progress=progress)
        return Completed(
            effects=Frame(env, self.heap, self.module.is_64, int).effects(), instructions=0, logs=()
        )

    def run(
        self,
        entry: Entry,
        env: Environment,
        since: int | None = None,
        *,
        most: int | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Run one message. Its changes stay uncommitted; if it traps they are gone already.

        `since` is the `Interrupts.count` up to which the caller knows of interrupts (None: all so far). A message that
        needs more than `most` instructions ends with `SliceExhausted`. `progress` shows other threads how far it is.
        Raises KeyError for a function that the module does not export, `Interrupted`.
        """
        known = self.engine.interrupts.count if since is None else since
        outcome = self._run(entry, env, known, most, progress)
        for observer in self.engine.observers:
            observer(entry, env, outcome, self.heap.size, self.stable.size)
        return outcome

    def _run(
        self, entry: Entry, env: Environment, since: int, most: int | None, progress: Progress | None
    ) -> Outcome:
        if self.engine.message_limit.instructions is not None:
            env = self.engine.message_limit.applied(env)
        if most is not None and (most >= env.instruction_limit or self.module.native.record is not None):
            most = None  # what is recorded would be recorded twice
        task = _TASKS.get(entry.export or "", "")
        frame = Frame(env, self.heap, self.module.is_64, self._live.instructions_left, task)
        self.stable.hard_limit = env.stable_memory_limit
        self.heap.soft_limit = env.wasm_memory_limit if env.mode in _LIMITED else 0
        self.heap.refused = 0
        try:
            stopped = self._execute(frame, entry, since, most, progress)
            used = frame.instructions
            if most is not None and used > most:
                raise SliceExhausted  # noqa: TRY301  as an interrupt: nothing of the message may stay
            succeeded = stopped is None and frame.failure is None and not self.heap.refused
            if succeeded and env.mode is not Mode.INSPECT:
                trapped = None
            else:
                trapped = explain(frame, stopped, self.module, self.heap, entry)
        except BaseException:
            self.rollback()  # an interrupt, or a bug of ours: nothing of the message may stay
            raise
        if (
            used > env.instruction_limit
        ):  # by its last block, or by system calls, which the counter does not count
            used = env.instruction_limit
            trapped = trapped or (traps.instruction_limit(used), ())
        if trapped is None and self._wrote_too_much(env):
            trapped = traps.stable_write_limit(env.stable_write_limits), ()
        if trapped is None:
            return Completed(effects=frame.effects(), instructions=used, logs=tuple(frame.logs))
        self.rollback()
        trap, backtrace = trapped
        if isinstance(stopped, NativeTrap):
            lines = self.module.wasm if self.module.native.traits.has_lines else None
            self.engine.traps.add(env.canister_id, trap.message, backtrace, lines, stopped.frames)
        return Trapped(
            error_code=trap.error_code, message=trap.message, advice=trap.advice, anchor=trap.anchor,
            backtrace=backtrace, instructions=used, logs=tuple(frame.logs),
        )  # fmt: skip

    def _wrote_too_much(self, env: Environment) -> bool:
        limits = env.stable_write_limits
        if self.stable.size <= limits.least:
            return False  # nearly always: pages are counted only where there are enough of them
        limit = limits.of(env.mode)
        return self.stable.size > limit and sum(end - start for start, end in self.stable.written()) > limit

    def _execute(
        self, frame: Frame, entry: Entry, since: int, most: int | None, progress: Progress | None
    ) -> NativeTrap | EngineError | None:
        """Run and say what stopped it, None if it came to its end."""
        RUNNING.frame = frame
        try:
            self._live.enter(entry, frame.env.instruction_limit, since, most=most, progress=progress)
        except (NativeTrap, EngineError) as error:
            return error.with_traceback(None)  # its frames would refer to each other in a circle
        finally:
            RUNNING.frame = None
            if self.module.native.record is not None:
                self._live.leave(frame.overhead)
        return None

    # --- transactions

    def commit(self) -> PageDiff:
        """Make all changes since the last commit permanent."""
        if self._origin is not None:
            raise RuntimeError("a fork cannot commit: its origin owns the memory")
        self._globals = self._live.read_globals()
        heap_ranges = self.heap.commit()
        stable_ranges = self.stable.commit()
        weight, self._filled = self._weight(heap_ranges), 0
        if self.module.native.traits.fresh:
            self._remake()
        return PageDiff(
            self.heap.image, self.stable.image, tuple(heap_ranges), tuple(stable_ranges),
            self._globals, self.heap.size, self.stable.size, weight,
        )  # fmt: skip

    def _weight(self, heap_ranges: list[Range]) -> int:
        """What changed pages of main memory count for."""
        changed = max(0, _pages(heap_ranges) - self._filled)
        return changed * PAGE_WEIGHT * (_WIDE_PAGES if self.module.is_64 else 1)

    def hand_over(self, *, heap: bool) -> HandOver:
        """Give the memories to new code: stable memory, and main memory with `heap`.

        They have what this instance changed. It is committed, by a fork only when the new code commits. Until then
        its origin must not.
        """
        if self._origin is None:
            weight = self.commit().page_weight
            return HandOver(self.heap.image, self.stable.image, weight)
        weight = self._weight(self.heap.written())
        return HandOver(self.heap.branch() if heap else self.heap.image, self.stable.branch(), weight)

    def rollback(self) -> None:
        """Drop all changes since the last commit."""
        assert self._globals is not None
        self.heap.rollback()
        self.stable.rollback()
        if self.heap.image.size == 0 and self.stable.image.size == 0:
            return  # nothing was ever committed: the instance is of no more use
        if self.module.native.traits.fresh or not self._live.fit_lengths():
            self._remake()
        else:
            self._live.write_globals(self._globals)

    def _remake(self) -> None:
        self._live.close()
        self._live = self._make()

    # --- copies

    def snapshot(self) -> MemorySnapshot:
        """Remember the committed state; costs nothing until pages are overwritten."""
        assert self._globals is not None
        heap, stable = self.heap.image, self.stable.image
        return MemorySnapshot(
            self.engine, self.module, heap, stable, heap.mark(), stable.mark(), self._globals
        )

    def restore(self, snapshot: MemorySnapshot) -> PageDiff | None:
        """Become what the canister was, code included.

        Returns what changed, None where code or memories are other ones than before.
        """
        heap_ranges, stable_ranges = snapshot.restore_images()
        same = (
            snapshot.module is self.module
            and snapshot.heap is self.heap.image
            and snapshot.stable is self.stable.image
        )
        self._globals = snapshot.globals
        if same:
            self.rollback()
            return PageDiff(
                self.heap.image, self.stable.image, tuple(heap_ranges), tuple(stable_ranges),
                self._globals, self.heap.size, self.stable.size,
            )  # fmt: skip
        self._live.close()
        self.heap.close()
        self.stable.close()
        self.module = snapshot.module
        self.heap = self.engine.strategy.open(snapshot.heap)
        self.stable = self.engine.strategy.open(snapshot.stable)
        self._live = self._make()
        return None

    def fork(self) -> Instance:
        """A second live view of the committed state; use it only while this one does not commit."""
        other = Instance(self.engine, self.module, self.heap.image, self.stable.image, self._globals)
        other._origin = self
        return other

    def export_state(self) -> StateImage:
        """The whole committed state."""
        assert self._globals is not None
        return StateImage(self.heap.image.export(), self.stable.image.export(), self._globals)

    def close(self) -> None:
        """Give back what the instance holds.

        Images live on as long as a snapshot or another instance has them.
        """
        self._live.close()
        self.heap.close()
        self.stable.close()


def _pages(ranges: list[Range]) -> int:
    return sum([end - start for start, end in ranges]) // PAGE if ranges else 0
