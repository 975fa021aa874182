"""The state of a network before or after a message, to look at."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica import Replica

from .messages import Message

ClientT = TypeVar("ClientT")
_OF_A_CLIENT: Final = ("_id", "_identity", "_installed")
"""What a client of a canister is made of besides its network; agents that it has made belong to that network."""


class OpenNetwork(Protocol):
    """A network that can be asked; the embedded one."""

    @property
    def replica(self) -> Replica:
        """The replica behind it."""


@dataclass(frozen=True)
class CanisterState:
    """A canister at a moment: memories and certified data in bytes, cycles, printed lines, version, globals."""

    canister: Principal
    cycles: int
    heap: bytes
    stable_memory: bytes
    globals: tuple[int, ...]
    certified_data: bytes
    logs: tuple[str, ...]
    module_hash: bytes
    version: int
    open_calls: int
    """Calls that the canister has made and that are not answered."""


class Moment:
    """A network before or after a message: `moment(canister)` is the state of a canister.

    `network` is the network as it was, to ask queries of; what is changed there is gone with the next look.
    """

    def __init__(self, message: Message, after: bool, network: Any, visit: Callable[[], None]) -> None:  # noqa: FBT001
        self.message = message
        self.is_after = after
        self._network = network
        self._visit = visit

    @property
    def network(self) -> Any:
        """The network as it was at the moment; it stays so until the next look at another moment."""
        self._visit()
        return self._network

    @cached_property
    def canisters(self) -> list[Principal]:
        """The canisters that there were."""
        return self._replica().canister_ids()

    def __call__(self, canister: object) -> CanisterState:
        """Return the state of a canister: an id, or a client of it. Raises `ReplicaError` when there was none."""
        return canister_state(self._replica(), id_of(canister))

    def client(self, canister: ClientT) -> ClientT:
        """Return the same client on the network as it was: `moment.client(counter).get()`."""
        then = object.__new__(type(canister))
        kept = {name: value for name, value in vars(canister).items() if name in _OF_A_CLIENT}
        vars(then).update(kept, _network=self.network)
        return then

    def query(
        self, canister: object, method: str, arg: bytes = b"DIDL\0\0", *, caller: Principal | None = None
    ) -> bytes:
        """Query a method as it would have answered then; argument and reply are bytes. Raises `RejectError`."""
        return self._replica().execute_query(caller or Principal.anonymous(), id_of(canister), method, arg)

    def _replica(self) -> Replica:
        self._visit()
        replica: Replica = self._network.replica
        return replica

    def __repr__(self) -> str:
        return f"<{'after' if self.is_after else 'before'} message {self.message.number}>"


def id_of(canister: object) -> Principal:
    """Return the id of a canister that is given as one, as its text, or by a client."""
    return canister if isinstance(canister, Principal) else Principal.of(getattr(canister, "_id", canister))


def canister_state(replica: Replica, canister_id: Principal) -> CanisterState:
    """Read the state of a canister. Raises `ReplicaError` when there is none."""
    canister = replica.canister(canister_id)
    node = replica.node_of(canister_id)
    image = node.instances.export_state(canister) if canister.installed else None
    return CanisterState(
        canister=canister_id,
        cycles=canister.cycles,
        heap=b"" if image is None else bytes(image.heap),
        stable_memory=b"" if image is None else bytes(image.stable),
        globals=() if image is None else image.globals,
        certified_data=canister.certified_data,
        logs=tuple(record.content.decode(errors="replace") for record in canister.logs),
        module_hash=canister.module_hash,
        version=canister.version,
        open_calls=len(canister.calls),
    )
