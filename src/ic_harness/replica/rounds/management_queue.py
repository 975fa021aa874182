"""The queue of the management canister: what may be executed now, and what waits.

A call waits while the canister that it concerns is in the middle of a message or an installation. Of installations
that take several rounds a subnet has one at a time, as in DFINITY's replica: others wait for its end. Calls of one
canister are executed in the order in which it made them, so they wait behind one that waits.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable

from ic_harness.replica.execution import CodeChange
from ic_harness.replica.execution.interruption import belongs_to
from ic_harness.replica.management import (
    INSTALLING,
    InstallationEnd,
    ManagementCanister,
    ManagementReject,
    effective_canister,
)
from ic_harness.replica.rounds.long_installations import InstallationWork
from ic_harness.replica.rounds.long_work import LongExecution
from ic_harness.replica.rounds.round_state import RoundState
from ic_harness.replica.state import rejects
from ic_harness.replica.state.replicated_state import FromCanister, Request


class _Ended(enum.Enum):
    """How the execution of a call ended."""

    DONE = enum.auto()
    LONGER = enum.auto()
    """It goes on in the next rounds."""
    GAVE_WAY = enum.auto()
    """Nothing of it was done."""


class ManagementQueue:
    """Works through the management calls of a subnet."""

    def __init__(self, rounds: RoundState, canister: ManagementCanister) -> None:
        self._rounds = rounds
        self._canister = canister
        self._slices = 1

    def execute(self, requests: Iterable[Request], *, first_pass: bool) -> None:
        """Execute what need not wait."""
        self._slices = 0 if first_pass else 1  # in the first pass the slices of a round are given after this
        rounds, queue = self._rounds, self._rounds.state.management_queue
        batch, waiting, blocked = deque(requests), list[Request](), set[bytes]()
        queue.clear()
        while batch:
            if self._waits(batch[0], blocked):
                waiting.append(batch[0])
            else:
                ended = self._execute(batch[0])
                if ended is _Ended.GAVE_WAY:
                    break
                if ended is _Ended.LONGER and self._waits(batch[0], blocked):
                    waiting.append(batch[0])
            batch.popleft()
        rounds.state.management_queue.extendleft(reversed([*waiting, *batch]))

    def has_work(self) -> bool:
        """Whether there is a call that may be executed now."""
        blocked = set[bytes]()
        return any(not self._waits(request, blocked) for request in self._rounds.state.management_queue)

    def _waits(self, request: Request, blocked: set[bytes]) -> bool:
        """Whether a call has to wait; `blocked` are the canisters with a call before it that does."""
        if not self._rounds.long.all:
            return False
        origin = request.origin
        if not self._must_wait(request) and not (
            isinstance(origin, FromCanister) and origin.canister in blocked
        ):
            return False
        if isinstance(origin, FromCanister):
            blocked.add(origin.canister)
        return True

    def _must_wait(self, request: Request) -> bool:
        long = self._rounds.long
        if request.method in INSTALLING and long.installing:
            return True
        try:
            return effective_canister(request) in long.all
        except ManagementReject:
            return False  # the management canister says what is wrong

    def _execute(self, request: Request) -> _Ended:
        rounds, interruption = self._rounds, self._rounds.instances.interruption
        while True:
            rounds.since = interruption.interrupts.count
            if interruption.pausing:
                return _Ended.GAVE_WAY
            if interruption.abandoned and belongs_to(
                request.origin, interruption.abandoned, rounds.state.canisters
            ):
                rounds.refuse(request, rejects.interrupted())
                return _Ended.DONE
            effects = self._canister.execute(rounds, request)
            rounds.apply(effects)
            if effects.longer is not None:
                self._begin(request, effects.longer)
                return _Ended.LONGER
            if effects.complete:
                return _Ended.DONE

    def _begin(self, request: Request, change: CodeChange) -> None:
        concerned = effective_canister(request)
        assert concerned is not None, "bug: an installation concerns a canister"
        engine = self._rounds.instances.engine
        work = InstallationWork(change, engine, self._rounds.subnet.slice_instructions)
        self._rounds.long.add(
            LongExecution(
                canister=concerned,
                message=request,
                task="",
                time_ns=self._rounds.state.time_ns,
                call=work,
                slices=self._slices,
                installs=True,
            )
        )

    def end(self, execution: LongExecution) -> None:
        """Bring a long installation to its end, whose code has run."""
        request, work = execution.message, execution.call
        assert isinstance(request, Request), "bug: an installation is a call"
        assert isinstance(work, InstallationWork), "bug: an installation runs code"
        code = self._rounds.long.take(execution.canister)
        done = InstallationEnd(code, work.change.wasm, execution.time_ns)
        self._rounds.state.management_queue.remove(request)
        self._rounds.apply(self._canister.execute(self._rounds, request, done))
