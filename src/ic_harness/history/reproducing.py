"""A network for tests that `ic-harness replay --to-pytest` writes: calls at fixed times, by principals without keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.protocol import leb128_encode
from ic_harness.replica import PendingUpdate, Replica
from ic_harness.replica.recording import ROUND_INSTRUCTIONS, SLICE_INSTRUCTIONS, NetworkSetup

from .replayer import open_replica


class Reproduction:
    """Makes calls on a network whose time stands still until `at` sets it. Replies are bytes, as are arguments."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica

    def at(self, time_ns: int) -> None:
        """Set the time, ns since 1970, of what follows."""
        self.replica.clock.set_ns(time_ns)

    def update(self, caller: str, canister: str, method: str, arg: bytes) -> bytes:
        """Call a method as the principal `caller`. Raises `RejectError`."""
        return self.replica.execute_update(caller, canister, method, arg, inspect=True)

    def query(self, caller: str, canister: str, method: str, arg: bytes) -> bytes:
        """Query a method as the principal `caller`. Raises `RejectError`."""
        return self.replica.execute_query(caller, canister, method, arg)

    def submit(self, caller: str, canister: str, method: str, arg: bytes) -> PendingUpdate:
        """Put a call into the next round without waiting for it."""
        return self.replica.submit_update(caller, canister, method, arg)

    def together(self, calls: Sequence[PendingUpdate]) -> list[bytes | RejectError]:
        """Run a round for calls that were submitted, and further ones until each has its reply or reject."""
        self.replica.tick()
        found: list[bytes | RejectError] = []
        for call in calls:
            try:
                found.append(call())
            except RejectError as error:
                found.append(error)
        return found

    def tick(self) -> None:
        """Run a round, for timers and calls that are under way."""
        self.replica.tick()

    def blob(self, path: Path) -> bytes:
        """Return the content of a file as Candid encodes a `blob`: its length in LEB128, then the bytes."""
        content = path.read_bytes()
        return leb128_encode(len(content)) + content

    def set_stable_memory(self, canister: str, content: bytes) -> None:
        """Replace the stable memory of a canister."""
        self.replica.set_stable_memory(canister, content)


@contextmanager
def reproduction(
    *,
    time_ns: int,
    seed: bytes,
    nodes: int = 13,
    cost_schedule: str = "normal",
    admins: Sequence[str] = (),
    threshold_keys: Sequence[str] = (),
    slice_instructions: int = SLICE_INSTRUCTIONS,
    round_instructions: int = ROUND_INSTRUCTIONS,
) -> Iterator[Reproduction]:
    """Open a network of one subnet that begins at `time_ns` (since 1970) and follows from `seed`."""
    setup = NetworkSetup(
        seed=seed,
        start_ns=time_ns,
        nodes=nodes,
        cost_schedule=cost_schedule,
        admins=tuple(Principal.of(admin).raw for admin in admins),
        threshold_keys=tuple(threshold_keys),
        slice_instructions=slice_instructions,
        round_instructions=round_instructions,
    )
    with open_replica(setup) as replica:
        yield Reproduction(replica)
