"""Runs a ledger to its end on one network: takes what is due, keeps lanes busy, notes every outcome.

    ledger ──lease──▶ lane (a task a file and stage) ──▶ done, waiting, or dead ──▶ ledger

How many files are on their way follows their size: a new one begins while fewer than `lanes` are under way and the
bytes that are still to be sent are less than two windows. So small files, which wait for answers, go 48 abreast where
answers take long, and large ones, which wait for bandwidth, two or three; each is quick from its first byte to its
memory.

Everything runs on one event loop; image work is in processes of its own, models run in a thread.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from ic_harness.errors import HarnessError, InputError, StateError

from .backoff import Dice, delay_s
from .classify import Failure, classify
from .embedder import Embedder
from .governed import Errand
from .lanes import Lanes
from .ledger import Ledger
from .older import WholeLanes
from .options import Options
from .records import Lease
from .states import FailureClass, Stage
from .target import Target

_POLL_S: Final = 0.25
"""How soon a file that another process adds or retries is noticed."""
_LEASE_S: Final = 120.0


class Coordinator:
    """One run. `run` returns when everything is done, dead, or (with `once`) not due yet."""

    def __init__(
        self,
        ledger: Ledger,
        target: Target,
        options: Options,
        embedder: Embedder | None = None,
        *,
        dice: Dice = random.uniform,
    ) -> None:
        self._ledger = ledger
        self._target = target
        self._options = options
        self._embedder = embedder
        self._dice = dice
        whole = options.whole or not target.strategy.repeatable
        self._lanes = WholeLanes(ledger, target) if whole else Lanes(ledger, target)
        self._tasks: dict[Stage, set[asyncio.Task[None]]] = {stage: set() for stage in Stage}
        self._errands: dict[asyncio.Task[None], Errand] = {}
        self._begun = 0
        self._started = 0
        self._dry: dict[Stage, float] = {}
        self._seen = -1

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that this run can do."""
        stages = self._options.stages
        return stages if self._embedder is not None else tuple(s for s in stages if s is not Stage.EMBED)

    async def run(self) -> None:
        """Work until nothing is left. Cancelling it gives back what is under way and returns soon."""
        self._ledger.event("run", stages=[str(stage) for stage in self.stages])
        try:
            while await self._step():
                pass
        finally:
            await self._stop()
            self._ledger.event("stopped")

    async def _step(self) -> bool:
        """Start what can be started and wait for something to happen; False when there is nothing left."""
        self._look_for_changes()
        for stage in self.stages:
            self._fill(stage)
        running = [task for tasks in self._tasks.values() for task in tasks]
        if not running and not self._anything_later():
            return False
        if running:
            await asyncio.wait(running, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(_POLL_S)
        for task in running:
            if task.done():
                self._forget(task)
        return True

    def _anything_later(self) -> bool:
        if self._options.forever:
            return True
        if self._options.once or self._spent:
            return False
        return self._ledger.next_due(self.stages) is not None

    @property
    def _spent(self) -> bool:
        return self._options.budget is not None and self._begun >= self._options.budget

    # -- lanes ----------------------------------------------------------------------------------------------

    def _fill(self, stage: Stage) -> None:
        if stage is Stage.EMBED:
            self._fill_embed()
            return
        while self._has_room(stage):
            leases = self._lease(stage, 1)
            if not leases:
                return
            self._start(stage, leases)

    def _lease(self, stage: Stage, limit: int) -> list[Lease]:
        """Take what is due. A stage in which nothing is due is not asked again before something can be."""
        if self._ledger.clock() < self._dry.get(stage, 0.0):
            return []
        leases = self._ledger.lease(stage, limit, seconds=_LEASE_S)
        if not leases:
            due = self._ledger.next_due([stage])
            self._dry[stage] = float("inf") if due is None else due
        return leases

    def _look_for_changes(self) -> None:
        """Notice what other processes have added or retried."""
        seen = self._ledger.changes()
        if seen != self._seen:
            self._seen = seen
            self._dry.clear()

    def _has_room(self, stage: Stage) -> bool:
        running = len(self._tasks[stage])
        if running >= self._wide(stage):
            return False
        if stage is not Stage.UPLOAD:
            return True
        if self._spent:
            return False
        unsent = sum(self._errands[task].unsent for task in self._tasks[stage])
        return not running or unsent < 2 * self._target.governor.room.bytes.limit

    def _wide(self, stage: Stage) -> int:
        """How many files may be on their way in a stage.

        More than there may be calls would only wait for each other. While files are to be uploaded, which makes them
        safe, the other stages take a quarter.
        """
        wide = min(self._options.lanes, int(self._target.governor.room.calls.limit) + 2)
        if stage is not Stage.UPLOAD and self._tasks[Stage.UPLOAD]:
            return max(2, wide // 4)
        return wide

    def _fill_embed(self) -> None:
        if self._tasks[Stage.EMBED] or self._embedder is None:
            return
        leases = self._lease(Stage.EMBED, self._embedder.batch)
        if leases:
            self._start(Stage.EMBED, leases)

    def _start(self, stage: Stage, leases: list[Lease]) -> None:
        self._started += 1
        errand = Errand(leases[0].file.id, stage, rank=self._started)
        work: Coroutine[Any, Any, None]
        if stage is Stage.UPLOAD:
            errand.unsent = leases[0].file.size
            self._begun += leases[0].file.size
            work = self._noted(leases, self._lanes.upload(leases[0], errand))
        elif stage is Stage.PROCESS:
            work = self._noted(leases, self._lanes.process(leases[0], errand))
        else:
            work = self._noted(leases, self._embed(leases))
        task = asyncio.create_task(work)
        self._tasks[stage].add(task)
        self._errands[task] = errand

    def _forget(self, task: asyncio.Task[None]) -> None:
        for tasks in self._tasks.values():
            tasks.discard(task)
        del self._errands[task]
        self._dry.clear()  # its outcome makes something ready, now or later
        task.result()  # lanes note their failures themselves: what comes out here is a bug, and ends the run

    async def _noted(self, leases: list[Lease], work: Coroutine[Any, Any, None]) -> None:
        """Do a lane's work and note how it failed, if it did."""
        try:
            await work
        except asyncio.CancelledError:
            for lease in leases:
                self._ledger.give_back(lease.file.id, lease.stage)
            raise
        except StateError:
            raise  # the ledger or the replica's folder cannot be written: that ends the run, not the file
        except Exception as error:  # noqa: BLE001 - whatever it is becomes a class, a text and a retry or a dead letter
            failure = classify(error)
            for lease in leases:
                note(self._ledger, lease, failure, self._dice)

    async def _embed(self, leases: list[Lease]) -> None:
        assert self._embedder is not None, "bug: embed is no stage of a run without an embedder"
        wanted: list[tuple[Lease, bytes]] = []
        for lease in leases:
            picture = self._ledger.preview(lease.file.sha256 or b"")
            if picture is None:
                note(
                    self._ledger,
                    lease,
                    classify(InputError(f"{lease.file.name} has no thumbnail: retry its processing")),
                    self._dice,
                )
            else:
                wanted.append((lease, picture))
        if not wanted:
            return
        vectors = await asyncio.to_thread(self._embedder.embed, [picture for _, picture in wanted])
        with self._ledger.transaction():
            for (lease, _), vector in zip(wanted, vectors, strict=True):
                assert lease.file.sha256 is not None, "bug: a file with a thumbnail has a hash"
                self._ledger.set_embedding(lease.file.sha256, self._embedder.name, self._embedder.dim, vector)
                self._ledger.done(lease.file.id, Stage.EMBED)

    async def _stop(self) -> None:
        running = [task for tasks in self._tasks.values() for task in tasks]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        for task in running:
            with suppress(asyncio.CancelledError, HarnessError):
                task.result()
            for tasks in self._tasks.values():
                tasks.discard(task)


def note(ledger: Ledger, lease: Lease, failure: Failure, dice: Dice) -> None:
    """Note a failed try: another one later, or a dead letter."""
    last = failure.counts and lease.attempts + 1 >= lease.max_attempts
    if failure.cls is FailureClass.INVALID or last:
        ledger.dead(lease, failure.cls, failure.text)
        return
    delay = delay_s(
        failure.cls, lease.attempts + 1, dice, stage=lease.stage, retry_after_s=failure.retry_after_s
    )
    ledger.wait(
        lease,
        failure.cls,
        failure.text,
        delay_s=delay,
        counts=failure.counts,
        retry_after_s=failure.retry_after_s,
    )
