"""The canister under test, as sequences call it: callers by name, raw answers, upgrades."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ic_harness.agent import Agent
from ic_harness.candid import Method, Service, encode
from ic_harness.errors import InputError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Canister, Capability, Lifecycle, Network, UnsignedIdentity, lifecycle
from ic_harness.principal import Principal

OWNER: Final = "owner"
ANONYMOUS: Final = "anonymous"
OBSERVER: Final = "observer"
"""A caller that only makes queries, so that it owns nothing: what it is shown is public."""
_OTHERS: Final = ("alice", "bob", OBSERVER)
_QUERIES: Final = frozenset({"query", "composite_query"})
_INTERNAL: Final = ("__", "<")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned: the reply, Candid-encoded, or the error of its reject."""

    reply: bytes | None
    error: RejectError | None = None

    @property
    def shown(self) -> tuple[bytes | None, int | None]:
        """What is compared between two answers; texts of rejects may name times and amounts."""
        return self.reply, None if self.error is None else self.error.reject_code


class Subject:
    """A canister and the callers of sequences.

    `methods` are the names to call, None for all of the interface. `upgrade_to` is the module that upgrades install,
    None for the installed one. Raises `InputError` without an interface, `MissingCapabilityError` where the network
    has no snapshots, for every sequence starts from the same state.
    """

    def __init__(
        self, canister: Canister, *, methods: Sequence[str] | None = None, upgrade_to: bytes | None = None
    ) -> None:
        self.client: Lifecycle = lifecycle(canister)
        self.canister = canister
        self.network: Network = self.client.network
        self.network.require(Capability.SNAPSHOT)
        self.network.require(Capability.IMPERSONATE)
        self.id = self.client.canister_id
        self.service: Service = self.client.service
        self.methods = self._chosen(methods)
        self.callers: Mapping[str, Principal] = {
            OWNER: self.client.identity.principal,
            **{name: _principal(name) for name in _OTHERS},
            ANONYMOUS: Principal.anonymous(),
        }
        installed = self.client._installed  # noqa: SLF001 - what the client installed is what upgrades install again
        self._installed = installed
        self._upgrade_to = upgrade_to
        self.can_upgrade = upgrade_to is not None or installed.build is not None

    def _chosen(self, wanted: Sequence[str] | None) -> dict[str, Method]:
        known = self.service.methods
        for name in wanted or ():
            if name not in known:
                raise InputError(f"the interface has no method {name!r}")
        return {
            name: method
            for name, method in known.items()
            if (wanted is None and not name.startswith(_INTERNAL)) or name in (wanted or ())
        }

    @property
    def queries(self) -> dict[str, Method]:
        """The methods that are queries."""
        return {name: method for name, method in self.methods.items() if method.mode in _QUERIES}

    def is_query(self, method: str) -> bool:
        """Whether a method is a query."""
        return self.service.methods[method].mode in _QUERIES

    def call(self, caller: str, method: str, args: Sequence[Any]) -> Answer:
        """Call a method; queries as queries. Raises errors other than rejects."""
        types = self.service.methods[method].arg_types
        agent, argument = self._agent(caller), encode(tuple(args), types)
        send = agent.query if self.is_query(method) else agent.update
        try:
            return Answer(send(self.id, method, argument))
        except RejectError as error:
            return Answer(None, error)

    def _agent(self, caller: str) -> Agent:
        return self._agents[caller]

    @functools.cached_property
    def _agents(self) -> dict[str, Agent]:
        return {
            name: self.network.agent(UnsignedIdentity(principal)) for name, principal in self.callers.items()
        }

    def upgrade(self) -> None:
        """Upgrade the canister. Raises `RejectError`."""
        known = replace(
            self._installed
        )  # an upgrade notes what it installed, which is put back with the network
        Lifecycle(self.network, self.id, identity=self.network.deployer, installed=known).upgrade(
            self._upgrade_to
        )


def _principal(name: str) -> Principal:
    return Principal.self_authenticating(hashlib.sha256(f"ic-harness fuzz {name}".encode()).digest())
