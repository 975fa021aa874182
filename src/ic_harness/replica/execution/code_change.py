"""The Wasm of an installation: `canister_pre_upgrade` of old code, then `start` and an entry point of the new code.

Interface specification, "Method install_code". Nothing here reads or changes the record of the canister, so that it
can run on any thread: what the code sees was decided before, and what it did is applied by the management canister.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from ic_harness.lazy_dataclass import dataclass

from .engine import Engine
from .instance import Instance
from .interface import Completed, Entry, Environment, Outcome, Trapped
from .module import Module
from .progress import Progress
from .validation import ModuleInvalid


@dataclass(slots=True)
class NewCode:
    """What an installation executed: the outcome of each run, in their order; after a trap there is no further one.

    `instance` is the new one, nothing of it committed; None after a trap, or where the module was `invalid`.
    `page_weight` are the instructions that the pages count for which the old code changed.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    instance: Instance | None = None
    invalid: ModuleInvalid | None = None
    page_weight: int = 0

    @property
    def executed(self) -> int:
        """All instructions so far."""
        return self.page_weight + sum(outcome.instructions for outcome in self.outcomes)

    @property
    def burned(self) -> int:
        """All cycles that were burned so far."""
        return sum(
            outcome.effects.cycles_burned for outcome in self.outcomes if isinstance(outcome, Completed)
        )

    def rounds(self, slice_instructions: int) -> int:
        """In how many rounds this ends: each run begins in the slice in which the one before it ended."""
        return 1 + sum(more_slices(outcome.instructions, slice_instructions) for outcome in self.outcomes)

    def take(self) -> Instance:
        """Return the new instance, which `close` leaves alone from now on."""
        taken, self.instance = self.instance, None
        assert taken is not None, "bug: there is no new instance"
        return taken

    def close(self) -> None:
        """Give back what the new instance holds."""
        if self.instance is not None:
            self.instance.close()
            self.instance = None


def more_slices(instructions: int, slice_instructions: int) -> int:
    """How many slices a run of Wasm needs besides its first."""
    return max(0, -(-instructions // slice_instructions) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChange:
    """What an installation has to run. `leave` is for `canister_pre_upgrade`, None where that does not run.

    `wasm` is the module as it came; `first` is the export that runs after `start`, "" for none. All runs together have
    the instructions of one message.
    """

    module: Module
    wasm: bytes
    leave: Environment | None
    start: Environment
    first: str
    begin: Environment
    upgrade: bool
    keep_heap: bool

    def run(
        self,
        engine: Engine,
        old: Instance | None,
        since: int,
        *,
        most: int | None = None,
        progress: Progress | None = None,
        slice_instructions: int = 1,
    ) -> NewCode:
        """Run everything. An upgrade commits to `old`, whose caller puts it back unless the new code stays.

        Nothing is committed to an `old` that is a fork, whose origin must not change before the new code is committed
        or closed. A run that needs more than `most` instructions ends all with `SliceExhausted`. `progress` counts by
        slices of `slice_instructions`. Raises `Interrupted`; nothing of the new code remains then.
        """
        done = NewCode()
        if old is not None and old.module.native.record is not None:
            most = None  # what is recorded would be recorded twice
        more: dict[str, Any] = {"most": most, "progress": progress}

        def note(outcome: Outcome) -> bool:
            done.outcomes.append(outcome)
            if progress is not None:
                progress.passed += more_slices(outcome.instructions, slice_instructions) * slice_instructions
            return not isinstance(outcome, Trapped)

        if self.leave is not None:
            assert old is not None, "bug: only an upgrade has old code"
            if not note(old.run(Entry(export="canister_pre_upgrade"), self.leave, since, **more)):
                return done
        try:
            done.instance = new = self._instantiate(engine, old, done)
        except ModuleInvalid as problem:
            done.invalid = problem
            return done
        try:
            alive = note(new.start(_rest(self.start, done), since, **more))
            if alive and self.first:
                alive = note(new.run(Entry(export=self.first), _rest(self.begin, done), since, **more))
        except BaseException:  # interrupted, or a slice that is used up
            done.close()
            raise
        if not alive:
            done.close()
        return done

    def _instantiate(self, engine: Engine, old: Instance | None, done: NewCode) -> Instance:
        """Make the new instance, which takes over memories of an upgrade's `old`."""
        if not self.upgrade or old is None:
            return engine.instantiate(self.module)
        if self.leave is None:  # nothing is changed
            heap, stable = old.heap.image, old.stable.image
        else:
            left = old.hand_over(heap=self.keep_heap)
            heap, stable, done.page_weight = left.heap, left.stable, left.page_weight
        return engine.instantiate(self.module, stable=stable, heap=heap if self.keep_heap else None)


def _rest(env: Environment, done: NewCode) -> Environment:
    """Return what a run sees that has the instructions and the cycles which are left."""
    if not done.executed:
        return env
    return env._replace(
        instruction_limit=max(1, env.instruction_limit - done.executed),
        balance=env.balance - done.burned,
        liquid_balance=env.liquid_balance - done.burned,
    )
