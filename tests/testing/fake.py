"""A network without canisters, for contexts in which nothing is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ic_capsule.backend import reference_did
from ic_capsule.suite.checks import Check
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.networks import Capability
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity

CANISTER = Principal.from_text("bkyz2-fmaaa-aaaaa-qaaaq-cai")
OTHER = Principal.from_text("bd3sg-teaaa-aaaaa-qaaba-cai")


@dataclass(frozen=True)
class PrintedLine:
    """A log line as networks return it."""

    canister: Principal
    text: str


class FakeAgent:
    """Knows the interface of the reference backend, and makes no calls."""

    def read_metadata(self, _canister: Principal, _name: str) -> bytes:
        return reference_did().encode()


class FakeNetwork:
    """A network with configurable log lines and capabilities."""

    name = "fake"

    def __init__(self, *capabilities: Capability) -> None:
        self.capabilities = frozenset(capabilities)
        self.printed: list[PrintedLine] = []

    def log_stream(self, since: int = 0) -> tuple[int, list[PrintedLine]]:
        return len(self.printed), self.printed[since:]

    def agent(self, _identity: object) -> FakeAgent:
        return FakeAgent()


def context(*capabilities: Capability, **named: Any) -> CheckContext:
    """A context on a fake network."""
    network: Any = FakeNetwork(*capabilities)
    return CheckContext(
        network, CANISTER, lambda name: Ed25519Identity.from_seed(name.encode().ljust(32)), **named
    )


def check(run, guarantee: str = "UC4") -> Check:
    """A check that does what `run` does."""
    return Check(GUARANTEES[guarantee], run)
