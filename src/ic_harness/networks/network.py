"""The abstract network: what every network can do, and the methods that need a `Capability`.

A network knows nothing of the canisters on it. It returns agents, and creates canisters and installs code through
the management canister.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from ic_harness.agent import Agent
from ic_harness.displays import Display, Displayed
from ic_harness.errors import HttpStatusError
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Identity
from ic_harness.units import Instructions, Nanos

from .capabilities import Capability, MissingCapabilityError
from .deprecated_names import DeprecatedNames
from .passing_time import until, wait_until
from .subnets import SubnetInfo, SubnetName, find_subnet
from .unsigned_identity import UnsignedIdentity
from .wasm_metadata import keeps_memory

if TYPE_CHECKING:
    from ic_harness.agent import AsyncAgent, InstallMode, Management
    from ic_harness.networks.outcalls import Outcalls
    from ic_harness.replica import ExecutionMetrics, LogLine, TrapPlace

T = TypeVar("T")
_NO_SUBNET: Final = 400  # what replicas and PocketIC answer for an id that belongs to no subnet
MAX_SETTLING: Final = 1000
"""Rounds after which a network that is never at rest is an error."""
EMPTY_ARGUMENT = b"DIDL\x00\x00"
"""The Candid encoding of no arguments."""


class Snapshot(Protocol):
    """A state of a network that can be restored any number of times."""

    def close(self) -> None:
        """Release the snapshot."""


class Network(Displayed, DeprecatedNames):
    """A running network. Use it as a context manager, or `close` it.

    `deployer` is the identity that creates canisters, and controls them unless other controllers are named.
    """

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, deployer: Identity) -> None:
        self.deployer = deployer
        self._created: list[Principal] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    def _display(self) -> Display:
        from .network_displays import network_display  # lazy: notebooks and terminals only  # noqa: PLC0415

        return network_display(
            self.name,
            self.url,
            self.deployer.principal,
            self.capabilities,
            canisters=self.canisters,
            module_hash=self.module_hash,
        )

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of this network: `embedded`, or its URL."""

    @property
    def url(self) -> str | None:
        """The URL, such as `http://127.0.0.1:4943`; None for a network that is reached in process only."""
        return None

    @property
    @abstractmethod
    def root_key(self) -> bytes:
        """The DER public key (133 bytes) that verifies every certificate of this network."""

    def status(self) -> dict[str, Any]:
        """Read `/api/v2/status`: root key, health, versions; nothing in it is certified. Raises `CallError`."""
        return self.agent().status()

    @abstractmethod
    def _new_agent(self, identity: Identity) -> Agent:
        """Return a client that calls as `identity`."""

    @abstractmethod
    def _new_async_agent(self, identity: Identity) -> AsyncAgent:
        """Return an asynchronous client that calls as `identity`."""

    def agent(self, identity: Identity | None = None) -> Agent:
        """Return a client that calls as `identity` (None: anonymously).

        All agents of a network share its connections, and work until the network is closed. An
        `UnsignedIdentity` needs `Capability.IMPERSONATE`.
        """
        if isinstance(identity, UnsignedIdentity):
            return self._new_unsigned_agent(identity.principal)
        return self._new_agent(identity or AnonymousIdentity())

    def async_agent(self, identity: Identity | None = None) -> AsyncAgent:
        """Return an asynchronous client that calls as `identity` (None: anonymously). The caller closes it."""
        if isinstance(identity, UnsignedIdentity):
            return self._new_unsigned_async_agent(identity.principal)
        return self._new_async_agent(identity or AnonymousIdentity())

    def _new_unsigned_agent(self, sender: Principal) -> Agent:  # noqa: ARG002 - named for implementations
        """Return a client that calls as `sender` without a signature. Needs `Capability.IMPERSONATE`."""
        raise MissingCapabilityError(self.name, Capability.IMPERSONATE)

    def _new_unsigned_async_agent(self, sender: Principal) -> AsyncAgent:  # noqa: ARG002
        """Return an asynchronous client that calls as `sender` without a signature."""
        raise MissingCapabilityError(self.name, Capability.IMPERSONATE)

    def bulk_agent(self, identity: Identity | None = None) -> Agent:
        """Return a client for many calls of which only the effects matter, such as filling a canister.

        Where the network can, calls skip signatures, certificates and canister_inspect_message.
        """
        return self.agent(identity)

    @abstractmethod
    def close(self) -> None:
        """Release all resources; a network that this object did not start keeps running."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def require(self, capability: Capability) -> None:
        """Raise `MissingCapabilityError` unless the network has `capability`."""
        if capability not in self.capabilities:
            raise MissingCapabilityError(self.name, capability)

    # -- canisters ------------------------------------------------------------------------------------------

    def create_canister(
        self,
        *,
        controllers: list[Principal] | None = None,
        canister_id: Principal | None = None,
        cycles: int | None = None,
        subnet: SubnetName | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Principal:
        """Create an empty canister.

        `controllers` None is the deployer, `canister_id` requests an id, `cycles` is the balance, `subnet` one of
        `subnets`, its id or its kind, `settings` are further ones of the management canister. Raises
        `MissingCapabilityError` where canisters cost cycles or subnets cannot be chosen, `RejectError` when the id is
        taken or settings are refused, `InputError` when there is no such subnet or setting.
        """
        self.require(Capability.CREATE)
        made = self._management.provisional_create_canister_with_cycles(
            amount=cycles,
            specified_id=canister_id,
            settings=None
            if controllers is None and not settings
            else {**(settings or {}), "controllers": controllers},
            effective_canister_id=self._effective_id(canister_id, subnet),
        )
        self._created.append(made)
        return made

    def canisters(self) -> list[Principal]:
        """Return the canisters that are known: those that this object created, on the embedded network all."""
        return list(self._created)

    def _effective_id(self, canister_id: Principal | None, subnet: SubnetName | None) -> Principal | None:
        """The effective canister id that leads the creation of a canister to its subnet; None where any will do."""
        if subnet is not None:
            return find_subnet(self.subnets, subnet).effective_canister_id
        return None if canister_id else self._subnet_hint()

    @property
    def subnets(self) -> tuple[SubnetInfo, ...]:
        """The subnets of the network; the first is the root. Needs `Capability.SUBNETS`."""
        raise MissingCapabilityError(self.name, Capability.SUBNETS)

    def add_subnet(self, kind: str, *, nodes: int | None = None) -> SubnetInfo:  # noqa: ARG002
        """Add a subnet of a kind such as `application` to the running network; returns its record.

        `nodes` is its size, by which fees are computed (None: that of its kind). Needs `Capability.SUBNETS`. Raises
        `InputError` for a kind that there is not or not twice, `ReplicaError` for a network of one subnet.
        """
        raise MissingCapabilityError(self.name, Capability.SUBNETS)

    def _subnet_hint(self) -> Principal | None:
        """A canister id on the subnet for new canisters; None where there is no choice."""
        return None

    def canister_id(self, name: str) -> Principal | None:  # noqa: ARG002 - named for implementations
        """Find a canister by the name under which another tool deployed it here; None when there is none."""
        return None

    def install(
        self,
        canister: Principal,
        wasm: bytes,
        arg: bytes = EMPTY_ARGUMENT,
        mode: InstallMode = "install",
        *,
        sender: Identity | None = None,
        skip_pre_upgrade: bool | None = None,
    ) -> None:
        """Install Wasm (plain or gzip, any size) with the Candid-encoded `arg`, as `sender` (None: the deployer).

        An upgrade of a module with enhanced orthogonal persistence (Motoko's) keeps the main memory.
        `skip_pre_upgrade` upgrades a canister whose `pre_upgrade` traps.
        Raises `RejectError` when the module is not valid, traps, or the sender is no controller.
        """
        self.require(Capability.UPGRADE)
        keep = "keep" if mode == "upgrade" and keeps_memory(wasm) else None
        management = self._management if sender is None else _management(self.agent(sender))
        management.install_code(
            canister, wasm, arg, mode, skip_pre_upgrade=skip_pre_upgrade, wasm_memory=keep
        )
        self._settle()

    def _settle(self) -> None:
        """Run the rounds of canisters that initialize by a timer, where rounds can be run on demand."""

    @property
    def failure(self) -> BaseException | None:
        """Why the network has stopped for good; None while it runs, or where that is unknown."""
        return None

    def deploy(
        self, wasm: bytes, arg: bytes = EMPTY_ARGUMENT, *, subnet: SubnetName | None = None
    ) -> Principal:
        """Create a canister, on `subnet` where it is given, and install `wasm` into it."""
        canister = self.create_canister(subnet=subnet)
        self.install(canister, wasm, arg)
        return canister

    def remove_canister(self, canister: Principal) -> None:
        """Uninstall, stop and delete a canister, as the deployer; calls that it has open are rejected."""
        self._management.uninstall_code(canister)
        self._management.stop_canister(canister)
        self._management.delete_canister(canister)

    def module_hash(self, canister: Principal) -> bytes | None:
        """Read the certified SHA-256 of the module installed in a canister; None when there is none."""
        path = [b"canister", Principal.of(canister).raw, b"module_hash"]
        certificate = self._deployer_agent.read_state([path], canister)
        return certificate.lookup_value(path)

    def exists(self, canister: Principal) -> bool:
        """Whether there is a canister with this id, with code or without; certified.

        False, without proof, for an id that no subnet of the network is responsible for.
        """
        path = [b"canister", Principal.of(canister).raw, b"controllers"]
        try:
            return self._deployer_agent.read_state([path], canister).lookup_value(path) is not None
        except HttpStatusError as error:
            if error.status == _NO_SUBNET:
                return False
            raise

    @functools.cached_property
    def _deployer_agent(self) -> Agent:
        return self.agent(self.deployer)

    @functools.cached_property
    def _management(self) -> Management:
        return _management(self._deployer_agent)

    # -- what only some can do ------------------------------------------------------------------------------

    def time_ns(self) -> Nanos:
        """Return the network's time in nanoseconds since the Unix epoch. Needs `Capability.TIME`."""
        raise MissingCapabilityError(self.name, Capability.TIME)

    def set_time(self, time_ns: int) -> None:  # noqa: ARG002 - named for implementations
        """Set the network's time, nanoseconds since the Unix epoch. Needs `Capability.TIME`."""
        raise MissingCapabilityError(self.name, Capability.TIME)

    def advance_time(self, by_ns: int) -> None:  # noqa: ARG002 - named for implementations
        """Move the network's time forward by so many nanoseconds. Needs `Capability.TIME`."""
        raise MissingCapabilityError(self.name, Capability.TIME)

    def tick(self) -> None:
        """Run one round: timers and heartbeats that are due. Needs `Capability.SINGLE_ROUND`."""
        raise MissingCapabilityError(self.name, Capability.SINGLE_ROUND)

    def settle(self, max_rounds: int = MAX_SETTLING) -> None:  # noqa: ARG002 - named for implementations
        """Run rounds until no timer is due and no call is under way. Needs `Capability.SINGLE_ROUND`.

        Raises `NetworkError` when that is not reached within `max_rounds`.
        """
        raise MissingCapabilityError(self.name, Capability.SINGLE_ROUND)

    def until(self, predicate: Callable[[], T], *, within_s: float = 60.0, step_s: float = 1.0) -> T:
        """Run rounds until `predicate` returns something true, and return that.

        Where the network has `Capability.TIME`, its time moves by `step_s` seconds between two attempts, `within_s`
        seconds in all; elsewhere real time passes. Raises `NetworkError` when it stays false.
        """
        if Capability.TIME in self.capabilities:
            return until(self, predicate, within_s=within_s, step_s=step_s)
        return wait_until(self.name, predicate, within_s=within_s)

    def in_one_round(self, calls: Sequence[Callable[[], T]]) -> list[T]:  # noqa: ARG002 - named for implementations
        """Make calls whose first updates are executed in the same round. Needs `Capability.SINGLE_ROUND`."""
        raise MissingCapabilityError(self.name, Capability.SINGLE_ROUND)

    def instructions(self, canister: Principal) -> Instructions:  # noqa: ARG002 - named for implementations
        """Return the instructions that a canister has executed so far, queries included. Needs `Capability.METRICS`."""
        raise MissingCapabilityError(self.name, Capability.METRICS)

    def metrics(self, since: int = 0) -> tuple[int, list[ExecutionMetrics]]:  # noqa: ARG002 - named for implementations
        """Return the position after the newest message, and the metrics of messages from `since` on, oldest first.

        Needs `Capability.METRICS`.
        """
        raise MissingCapabilityError(self.name, Capability.METRICS)

    def log_stream(self, since: int = 0) -> tuple[int, list[LogLine]]:  # noqa: ARG002 - named for implementations
        """Return the position after the newest line, and what canisters printed from `since` on.

        Queries and traps are included. Needs `Capability.LOG_STREAM`.
        """
        raise MissingCapabilityError(self.name, Capability.LOG_STREAM)

    def find_trap(self, reject_message: str) -> TrapPlace | None:  # noqa: ARG002 - named for implementations
        """Return the newest trap that a reject message speaks of; None where the network remembers none."""
        return None

    def inject_fault(
        self,
        kind: str,  # noqa: ARG002
        *,
        endpoint: str | None = "call",  # noqa: ARG002
        method: str | None = None,  # noqa: ARG002
        after: int = 0,  # noqa: ARG002
        times: int = 1,  # noqa: ARG002
        seconds: float = 0.0,  # noqa: ARG002
    ) -> None:
        """Inject the fault `kind` into `times` matching requests, after `after` matching ones have passed.

        `kind` is such as `drop_reply`; `endpoint` is call, query, read_state or None for any, `method` the
        canister's method or None for any, `seconds` is the length of delays. Needs `Capability.FAULTS`.
        """
        raise MissingCapabilityError(self.name, Capability.FAULTS)

    def clear_faults(self) -> None:
        """Remove all faults that have not been injected yet. Needs `Capability.FAULTS`."""
        raise MissingCapabilityError(self.name, Capability.FAULTS)

    @property
    def outcalls(self) -> Outcalls:
        """Responses to HTTPS outcalls of canisters: mocked, replayed, recorded or live.

        Needs `Capability.OUTCALLS`.
        """
        raise MissingCapabilityError(self.name, Capability.OUTCALLS)

    def snapshot(self) -> Snapshot:
        """Take a snapshot of the whole network; close it when it is no longer needed.

        Needs `Capability.SNAPSHOT`.
        """
        raise MissingCapabilityError(self.name, Capability.SNAPSHOT)

    def restore(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - named for implementations
        """Go back to a `snapshot` of this network. Needs `Capability.SNAPSHOT`."""
        raise MissingCapabilityError(self.name, Capability.SNAPSHOT)

    @contextmanager
    def anchored(self) -> Iterator[None]:
        """Restore everything after the block where the network has snapshots; elsewhere do nothing."""
        if Capability.SNAPSHOT not in self.capabilities:
            yield
            return
        before = self.snapshot()
        try:
            yield
        finally:
            if self.failure is None:
                self.restore(before)
            before.close()

    def limited(
        self,
        *,
        instructions: int | None = None,  # noqa: ARG002 - named for implementations
        rounds: int | None = None,  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """Within the block limit the instructions of each message, and the rounds in which canisters execute.

        A message beyond `instructions` is rejected with IC0522, as by the Internet Computer; installing code may
        always take 5,000,000,000. A call that takes more than `rounds` rounds raises `ReplicaError`.
        Needs `Capability.LIMITS`. Raises `InputError` for numbers that are no limits.
        """
        raise MissingCapabilityError(self.name, Capability.LIMITS)

    def stable_memory(self, canister: Principal) -> bytes:  # noqa: ARG002 - named for implementations
        """Read the stable memory of a canister, all of it. Needs `Capability.STABLE`."""
        raise MissingCapabilityError(self.name, Capability.STABLE)

    def set_stable_memory(self, canister: Principal, content: bytes) -> None:  # noqa: ARG002
        """Replace the stable memory of a canister, padded to whole pages. Needs `Capability.STABLE`."""
        raise MissingCapabilityError(self.name, Capability.STABLE)

    def certified_data(self, canister: Principal) -> bytes:  # noqa: ARG002 - named for implementations
        """Read the certified data of a canister, at most 32 bytes. Needs `Capability.STABLE`."""
        raise MissingCapabilityError(self.name, Capability.STABLE)

    def logs(self, canister: Principal) -> list[str]:  # noqa: ARG002 - named for implementations
        """Read what a canister printed, oldest first. Needs `Capability.LOGS`."""
        raise MissingCapabilityError(self.name, Capability.LOGS)


def _management(agent: Agent) -> Management:
    from ic_harness.agent import Management  # lazy: start-up time of calls  # noqa: PLC0415

    return Management(agent)
