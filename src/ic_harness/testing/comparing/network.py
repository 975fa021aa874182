"""Two networks as one: what a test does happens on both, and the journal has where they differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from ic_harness.agent import Agent, AsyncAgent, InstallMode
from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Capability, Network, Snapshot, SubnetName, published_interface
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.units import Instructions, Nanos

from .agent import ComparedAgent, Outcome, outcome_of
from .identifiers import Identifiers
from .journal import Journal
from .values import Comparison

_MANAGEMENT: Final = Principal.from_text("aaaaa-aa")
_SHARED: Final = frozenset(
    {
        *(Capability.CREATE, Capability.UPGRADE, Capability.TIME, Capability.SNAPSHOT),
        *(Capability.IMPERSONATE, Capability.LIMITS, Capability.STABLE),
    }
)
"""Capabilities that both networks must have."""
_OF_THE_FIRST: Final = frozenset({Capability.LOGS, Capability.LOG_STREAM, Capability.METRICS})
_NOISE: Final = 5_000
"""Instructions by which a call may differ, however cheap it is: times and ids have other lengths."""
_EMPTY: Final = b"DIDL\x00\x00"


@dataclass(frozen=True, slots=True)
class _Pair:
    """A snapshot of both networks, with the ids that were known."""

    first: Snapshot
    second: Snapshot
    identifiers: Identifiers

    def close(self) -> None:
        """Release both."""
        self.first.close()
        self.second.close()


class ComparedNetwork(Network):
    """Runs everything on two networks; answers are those of `first`. Both are closed with it.

    `wasm` is installed on the second network wherever `instead_of` is installed on the first, to compare two builds.
    `tolerance` is in per cent of instructions. Canisters and callers of both networks are the same, under ids that may
    differ. Asynchronous clients and calls in one round are refused, because they cannot be compared.
    """

    def __init__(
        self,
        first: Network,
        second: Network,
        *,
        ignored: Sequence[re.Pattern[str]] = (),
        tolerance: float = 1.0,
        wasm: bytes | None = None,
        instead_of: bytes | None = None,
    ) -> None:
        super().__init__(first.deployer)
        self.first, self.second = first, second
        self.journal = Journal(ignored)
        self.capabilities = (first.capabilities & second.capabilities & _SHARED) | (
            first.capabilities & _OF_THE_FIRST
        )
        self._comparison = Comparison(Identifiers())
        self._tolerance = tolerance
        self._replacement = None if wasm is None or instead_of is None else (instead_of, wasm)
        self._measured = Capability.METRICS in first.capabilities & second.capabilities
        self._positions = self._now_measured()

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first.name} and {self.second.name}"

    @property
    def url(self) -> str | None:
        """The URL of one of them, where one keeps its state between runs."""
        return self.first.url or self.second.url

    @property
    def root_key(self) -> bytes:
        """The root key of the first."""
        return self.first.root_key

    @property
    def failure(self) -> BaseException | None:
        """Why one of them has stopped."""
        return self.first.failure or self.second.failure

    def _new_agent(self, identity: Identity) -> Agent:
        return ComparedAgent(self.first.agent(identity), self.second.agent(identity), self)

    def _new_unsigned_agent(self, sender: Principal) -> Agent:
        from ic_harness.networks import UnsignedIdentity  # lazy: callers without keys only  # noqa: PLC0415

        self.require(Capability.IMPERSONATE)
        return self._new_agent(UnsignedIdentity(sender))

    def _new_async_agent(self, identity: Identity) -> AsyncAgent:
        raise InputError(
            f"asynchronous clients of {identity.principal} cannot be compared: leave --compare out"
        )

    # -- comparing ------------------------------------------------------------------------------------------

    def translated(self, principal: Principal) -> Principal:
        """Return the id of a canister on the second network."""
        return self._comparison.identifiers.principal(principal)

    def argument(self, content: bytes) -> bytes:
        """Return an argument with the ids of the second network."""
        return self._comparison.identifiers.there(content)

    def compare(
        self, canister: Principal, method: str, first: Outcome, second: Outcome, *, update: bool
    ) -> None:
        """Compare the outcomes of one call; each difference is noted.

        Of the management canister only rejects are compared: what it tells (cycles, versions) is the network's.
        """
        self.journal.count()
        if first.error is not None or second.error is not None:
            one, other = self._reject(first), self._reject(second, back=True)
            if one != other:
                self.journal.note("reject", method, one, other)
        elif canister != _MANAGEMENT:
            self._comparison.times = self._times()
            for path, here, there in self._comparison.replies(first.reply or b"", second.reply or b""):
                self.journal.note("reply", f"{method}{path}", here, there)
        if update and canister != _MANAGEMENT:
            self._compare_certified(canister, method)
        self._compare_costs(method)

    def _reject(self, outcome: Outcome, *, back: bool = False) -> str:
        if outcome.error is None:
            return "no reject"
        error = outcome.error
        text = error.reject_message.partition("\n")[0].encode()
        text = self._comparison.identifiers.back(text) if back else text
        return f"{error.reject_code} {error.error_code or ''} {text.decode()}"

    def _times(self) -> tuple[int, int] | None:
        if Capability.TIME in self.capabilities:
            return self.first.time_ns(), self.second.time_ns()
        import time  # lazy: networks without a clock of their own  # noqa: PLC0415

        return time.time_ns(), time.time_ns()

    def _compare_certified(self, canister: Principal, method: str) -> None:
        if Capability.STABLE not in self.capabilities or not self.first.exists(canister):
            return
        one, other = (
            self.first.certified_data(canister),
            self.second.certified_data(self.translated(canister)),
        )
        if one != other:
            self.journal.note("certified data", method, one.hex(), other.hex())

    def _now_measured(self) -> list[int]:
        return [it.metrics()[0] for it in (self.first, self.second)] if self._measured else []

    def _compare_costs(self, method: str) -> None:
        if not self._measured:
            return
        costs = []
        for number, network in enumerate((self.first, self.second)):
            self._positions[number], figures = network.metrics(self._positions[number])
            costs.append(sum(it.instructions for it in figures if it.what == method))
        one, other = costs
        if abs(one - other) > max(_NOISE, one * self._tolerance / 100):
            self.journal.note("instructions", method, f"{one:,}", f"{other:,}")

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
        """Create a canister on both; its id is that of the first."""
        made = self.first.create_canister(
            controllers=controllers, canister_id=canister_id, cycles=cycles, subnet=subnet, settings=settings
        )
        there = None if controllers is None else [self.translated(one) for one in controllers]
        twin = self.second.create_canister(
            controllers=there, canister_id=canister_id, cycles=cycles, settings=settings
        )
        self._comparison.identifiers.learn(made, twin)
        return made

    def install(
        self,
        canister: Principal,
        wasm: bytes,
        arg: bytes = _EMPTY,
        mode: InstallMode = "install",
        *,
        sender: Identity | None = None,
        skip_pre_upgrade: bool | None = None,
    ) -> None:
        """Install on both; a difference of the outcomes is noted. Raises what the first raises."""
        other = wasm
        if self._replacement is not None and wasm == self._replacement[0]:
            other = self._replacement[1]
        for module in (wasm, other):
            self._comparison.learn_names(published_interface(module) or "")

        def installed(network: Network, target: Principal, module: bytes, argument: bytes) -> bytes:
            network.install(target, module, argument, mode, sender=sender, skip_pre_upgrade=skip_pre_upgrade)
            return b""

        first = outcome_of(lambda: installed(self.first, canister, wasm, arg))
        twin = self.translated(canister)
        second = outcome_of(lambda: installed(self.second, twin, other, self.argument(arg)))
        one, there = self._reject(first), self._reject(second, back=True)
        if one != there:
            self.journal.note("installation", mode, one, there)
        self._positions = self._now_measured()
        first.result()

    def canisters(self) -> list[Principal]:
        """Return the canisters of the first."""
        return self.first.canisters()

    def canister_id(self, name: str) -> Principal | None:
        """Find a canister by name on the first."""
        return self.first.canister_id(name)

    # -- time, state, measurements --------------------------------------------------------------------------

    def time_ns(self) -> Nanos:
        """Return the time of the first."""
        return self.first.time_ns()

    def set_time(self, time_ns: int) -> None:
        """Set the time of both."""
        self.first.set_time(time_ns)
        self.second.set_time(time_ns)

    def advance_time(self, by_ns: int) -> None:
        """Move the time of both."""
        self.first.advance_time(by_ns)
        self.second.advance_time(by_ns)

    def tick(self) -> None:
        """Run one round on both."""
        self.first.tick()
        self.second.tick()

    def settle(self, max_rounds: int = 1000) -> None:
        """Run rounds on both until they are at rest."""
        self.first.settle(max_rounds)
        self.second.settle(max_rounds)

    def snapshot(self) -> Snapshot:
        """Take a snapshot of both."""
        self.require(Capability.SNAPSHOT)
        return _Pair(self.first.snapshot(), self.second.snapshot(), self._comparison.identifiers.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back on both."""
        assert isinstance(snapshot, _Pair), "bug: a snapshot of another kind of network"
        self.first.restore(snapshot.first)
        self.second.restore(snapshot.second)
        self._comparison.identifiers = snapshot.identifiers.copy()
        self._positions = self._now_measured()

    @contextmanager
    def limited(self, *, instructions: int | None = None, rounds: int | None = None) -> Iterator[None]:
        """Limit both."""
        with ExitStack() as both:
            for network in (self.first, self.second):
                both.enter_context(network.limited(instructions=instructions, rounds=rounds))
            yield

    def instructions(self, canister: Principal) -> Instructions:
        """Return the instructions on the first."""
        return self.first.instructions(canister)

    def metrics(self, since: int = 0) -> Any:
        """Return the metrics of the first."""
        return self.first.metrics(since)

    def log_stream(self, since: int = 0) -> Any:
        """Return the log lines of the first."""
        return self.first.log_stream(since)

    def logs(self, canister: Principal) -> list[str]:
        """Return the log of a canister on the first."""
        return self.first.logs(canister)

    def stable_memory(self, canister: Principal) -> bytes:
        """Read the stable memory on the first."""
        return self.first.stable_memory(canister)

    def set_stable_memory(self, canister: Principal, content: bytes) -> None:
        """Replace the stable memory on both."""
        self.first.set_stable_memory(canister, content)
        self.second.set_stable_memory(self.translated(canister), content)

    def certified_data(self, canister: Principal) -> bytes:
        """Read the certified data on the first."""
        return self.first.certified_data(canister)

    def close(self) -> None:
        """Close both."""
        try:
            self.first.close()
        finally:
            self.second.close()
