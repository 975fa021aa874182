"""What runs in a long execution, and what is known of it: plain values, and the work as a protocol.

See `long_executions` for how they are used.
"""

from __future__ import annotations

from typing import Any, Protocol

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import Entry, Instance, Outcome, Progress
from ic_harness.replica.execution.code_change import more_slices
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.interface import Environment
from ic_harness.replica.state.replicated_state import Canister, Message


class LongWork(Protocol):
    """What a long execution runs on its thread. `own` is what `begin` returned, for this work alone."""

    def begin(self, canister: Canister, instances: InstancePool) -> Any:
        """Return what the work is done on."""

    def run(self, own: Any, since: int, progress: Progress) -> Any:
        """Do the work, on any thread, and return its outcome. Raises `Interrupted`."""

    def rounds(self, outcome: Any, slice_instructions: int) -> int:
        """In how many rounds work ends that came to this outcome."""

    def end(self, canister_id: bytes, own: Any, instances: InstancePool) -> None:
        """Give `own` back after the work, whose outcome will be used."""

    def drop(self, canister_id: bytes, own: Any, instances: InstancePool, outcome: Any) -> None:
        """Give `own` back as if nothing had run; `outcome` is None where there is none yet."""


@dataclass(frozen=True, slots=True)
class WasmCall:
    """A run of Wasm for a message. `before` are the bytes of the canister's memories when the message began."""

    entry: Entry
    env: Environment
    before: int

    def begin(self, canister: Canister, instances: InstancePool) -> Instance:
        """Borrow the canister's instance."""
        with instances.lock(canister.id):
            return instances.lend(canister)

    def run(self, own: Instance, since: int, progress: Progress) -> Outcome:
        """Run the Wasm."""
        return own.run(self.entry, self.env, since, progress=progress)

    def rounds(self, outcome: Outcome, slice_instructions: int) -> int:
        """A round for each slice."""
        return 1 + more_slices(outcome.instructions, slice_instructions)

    def end(self, canister_id: bytes, own: Instance, instances: InstancePool) -> None:
        """Give the instance back with its uncommitted changes."""
        with instances.lock(canister_id):
            instances.take_back(canister_id, own)

    def drop(self, canister_id: bytes, own: Instance, instances: InstancePool, _outcome: object) -> None:
        """Give the instance back without its changes."""
        with instances.lock(canister_id):
            own.rollback()
            instances.take_back(canister_id, own)


@dataclass(frozen=True, slots=True)
class Known:
    """The outcome of a run of Wasm that need not be made again; or what it raised, which was our own bug."""

    outcome: Outcome | Exception
    before: int

    def get(self) -> Outcome:
        """Return the outcome, or raise what there was instead."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Exhausted(Exception):  # noqa: N818 - not an error: the message becomes a long one
    """A message did not end within its first slice, in `call`."""

    def __init__(self, call: WasmCall) -> None:
        super().__init__()
        self.call = call


@dataclass(slots=True, kw_only=True)
class LongExecution:
    """A message, or a task by name (`message` None), that takes several rounds; `slices` is how many it had so far.

    `time_ns` is when it began, which is the time that it sees. `known` are runs of Wasm that the message has behind it,
    such as a callback that trapped before its cleanup. `installs`: the message is a call of the management canister.
    """

    canister: bytes
    message: Message | None
    task: str
    time_ns: int
    call: LongWork
    known: tuple[Known, ...] = ()
    slices: int = 1
    installs: bool = False

    def recalled(self, outcome: Outcome | Exception) -> tuple[Known, ...]:
        """Return the outcomes of all its runs of Wasm, of which the last came to `outcome`."""
        assert isinstance(self.call, WasmCall), "bug: a message runs Wasm"
        return (*self.known, Known(outcome, self.call.before))
