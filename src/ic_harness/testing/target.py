"""The canister under test, as checks and suites use it: clients by caller name, upgrades, time, and the call log.

    alice = target.canister("alice")
    alice.increment()
    target.upgrade()
    assert alice.get() == 1

Clients are `networks.Canister` objects: methods of the Candid interface are attributes, values are Python values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ic_harness.candid import Service
from ic_harness.errors import CallError, HarnessError
from ic_harness.networks import Canister, Capability, Network, identity_of
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Identity

from .assertions import UnmetNeedError
from .call_code import Sample
from .call_log import CallLog, CallRecord, brief, brief_text
from .results import Violation

_SECOND = 1_000_000_000


class RecordingCanister(Canister):
    """A client that records its calls under the caller's name."""

    def __init__(self, target: Target, name: str, identity: Identity) -> None:
        super().__init__(target.network, target.canister_id, identity=identity, service=target.service)
        self._call_log = target.call_log
        self._name = name
        self._target = target

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self._identity.principal

    def as_(self, who: Identity | Principal | str) -> Canister:
        """Return the same canister for another caller: an identity, or a principal without its key."""
        identity = identity_of(who)
        return RecordingCanister(self._target, str(identity.principal)[:11], identity)

    def call(self, method: str, *args: Any, update: bool = False) -> Any:
        """Call `method` and record the call with its outcome. Raises what `Canister.call` raises."""
        arguments = ", ".join(map(brief, args))
        try:
            result = super().call(method, *args, update=update)
        except HarnessError as error:
            outcome = error.message if isinstance(error, CallError) else str(error)
            self._call_log.add(CallRecord(self._name, method, arguments, brief_text(outcome)))
            raise
        self._call_log.add(CallRecord(self._name, method, arguments, brief(result)))
        return result


class LogTail:
    """The log lines of a canister from now on."""

    def __init__(self, network: Network, canister_id: Principal) -> None:
        self._network = network
        self._canister_id = canister_id
        self._shown = Capability.LOG_STREAM in network.capabilities
        self._first_line = network.log_stream()[0] if self._shown else 0

    def texts(self) -> tuple[str, ...]:
        """Return the lines, including traps with their backtraces; empty where the network has no log stream."""
        if not self._shown:
            return ()
        _, lines = self._network.log_stream(self._first_line)
        return tuple(line.text for line in lines if line.canister == self._canister_id)


class Target:
    """One canister under test, with callers of its own.

    `service` is its Candid interface; None means that clients read what the canister publishes. `place` is how a
    person reaches it (a path, or `NETWORK:CANISTER`); empty where that is unknown. `controller` is an identity that
    controls the canister, where one is known.
    """

    def __init__(
        self,
        network: Network,
        canister_id: Principal,
        identities: Callable[[str], Identity],
        *,
        shared: Callable[[str], Identity] | None = None,
        service: Service | None = None,
        controller: Identity | None = None,
        upgrade: Callable[[], None] | None = None,
        place: str = "",
    ) -> None:
        self.network = network
        self.canister_id = canister_id
        self.identities = identities
        self.service = service
        self.controller = controller
        self.upgrading = upgrade
        self.place = place
        self.call_log = CallLog()
        self._shared = shared or identities
        self._callers: dict[str, RecordingCanister] = {}
        self._log_tail = LogTail(network, canister_id)

    def identity(self, name: str = "alice") -> Identity:
        """Return the identity of the caller `name`. Other checks and stages have another one of that name."""
        return self.identities(name)

    def shared(self, name: str) -> Identity:
        """Return the identity `name` that all checks and stages of a run share, as `Suite.init_argument` got it."""
        return self._shared(name)

    def canister(self, caller: str | Identity = "alice") -> RecordingCanister:
        """Return a client that calls as `caller`: a name (the same identity every time), or an identity."""
        if not isinstance(caller, str):
            return RecordingCanister(self, str(caller.principal)[:11], caller)
        if caller not in self._callers:
            self._callers[caller] = RecordingCanister(self, caller, self.identity(caller))
        return self._callers[caller]

    def anonymous(self) -> RecordingCanister:
        """Return a client that calls anonymously."""
        return RecordingCanister(self, "anonymous", AnonymousIdentity())

    def upgrade(self) -> None:
        """Upgrade the canister to the build under test.

        Raises `UnmetNeedError` where that cannot be done, `RejectError` when the canister traps.
        """
        if self.upgrading is None:
            raise UnmetNeedError("no Wasm to upgrade to (give --wasm), or no right to install it")
        self.upgrading()
        self.call_log.add(CallRecord("network", "upgrade", "", "done"))

    def advance(self, seconds: float) -> None:
        """Move the network's clock forward and run due timers. Raises `UnmetNeedError` where that cannot be done."""
        self.need(Capability.TIME)
        self.network.advance_time(int(seconds * _SECOND))
        self.network.tick()
        self.call_log.add(CallRecord("network", "advance", str(seconds), "done"))

    def need(self, capability: Capability) -> None:
        """Raise `UnmetNeedError`, which skips the check by name, where the network lacks `capability`."""
        if capability not in self.network.capabilities:
            raise UnmetNeedError(f"the network {self.network.name} cannot: {capability.value}")

    def printed(self) -> tuple[str, ...]:
        """Return what the canister printed since this object was made, traps with their backtraces included.

        Empty where the network has no log stream.
        """
        return self._log_tail.texts()

    def reproduction(
        self,
        check: str,  # noqa: ARG002 - named for `Subject` of `running`
        violations: Sequence[Violation],  # noqa: ARG002
        samples: Sequence[Sample],  # noqa: ARG002
    ) -> str:
        """Return no code: the call log is enough."""
        return ""
