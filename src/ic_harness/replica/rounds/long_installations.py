"""An installation that needs more than one slice: its code runs on a thread, over several rounds.

The old code stays as it is, and answers queries, until the installation ends. So what an upgrade runs works on a second
view of the canister's memories. What it changes is kept beside them, and is committed with the new code; gigabytes that
it leaves alone are not copied.
"""

from __future__ import annotations

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import CodeChange, Engine, Instance, NewCode, Progress
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.state.replicated_state import Canister


@dataclass(frozen=True, slots=True)
class InstallationWork:
    """What a long installation runs; see `long_work.LongWork`."""

    change: CodeChange
    engine: Engine
    slice_instructions: int

    def begin(self, canister: Canister, instances: InstancePool) -> Instance | None:
        """Open a second view of the old code of an upgrade; None where it is not needed."""
        if not self.change.upgrade:
            return None
        with instances.lock(canister.id):
            return instances.instance(canister).fork()

    def run(self, own: Instance | None, since: int, progress: Progress) -> NewCode:
        """Run all code of the installation."""
        slice_instructions = self.slice_instructions
        return self.change.run(
            self.engine, own, since, progress=progress, slice_instructions=slice_instructions
        )

    def rounds(self, outcome: NewCode, slice_instructions: int) -> int:
        """A round for the first slice, and for each further one of every run."""
        return outcome.rounds(slice_instructions)

    def end(self, _canister_id: bytes, own: Instance | None, _instances: InstancePool) -> None:
        """Close the view; the new code has what was changed in it."""
        if own is not None:
            own.close()

    def drop(
        self, canister_id: bytes, own: Instance | None, instances: InstancePool, outcome: object
    ) -> None:
        """Close the view, and the new code."""
        if isinstance(outcome, NewCode):
            outcome.close()
        self.end(canister_id, own, instances)
