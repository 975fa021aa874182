"""The client of a compared network: it makes each call on both, and returns what the first one answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ic_harness.agent import Agent, Flow
from ic_harness.errors import RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

T = TypeVar("T")


class Both(Protocol):
    """What an agent needs of its network."""

    def translated(self, principal: Principal) -> Principal:
        """Return a canister's id on the second network."""

    def argument(self, content: bytes) -> bytes:
        """Return an argument for the second network."""

    def compare(
        self, canister: Principal, method: str, first: Outcome, second: Outcome, *, update: bool
    ) -> None:
        """Compare two outcomes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A reply, or the error of a reject."""

    reply: bytes | None
    error: RejectError | None = None

    def result(self) -> bytes:
        """Return the reply. Raises the error of a reject."""
        if self.error is not None:
            raise self.error
        return self.reply or b""


def outcome_of(call: Callable[[], bytes]) -> Outcome:
    """Make a call and return its outcome. Raises errors that are no rejects."""
    try:
        return Outcome(call())
    except RejectError as error:
        return Outcome(None, error)


class ComparedAgent(Agent):
    """Calls both networks as the same caller. State is read from the first."""

    def __init__(self, first: Agent, second: Agent, both: Both) -> None:
        super().__init__(first.transport)
        self.session = first.session
        self._first = first
        self._second = second
        self._both = both

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self._first.principal

    def update(
        self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None
    ) -> bytes:
        """Make an update call on both; returns the first reply, or raises the first error."""
        return self._made("update", canister_id, method, arg, effective_canister_id)

    def query(self, canister_id: Any, method: str, arg: bytes, *, effective_canister_id: Any = None) -> bytes:
        """Make a query call on both; returns the first reply, or raises the first error."""
        return self._made("query", canister_id, method, arg, effective_canister_id)

    def _made(self, kind: str, canister_id: Any, method: str, arg: bytes, effective: Any) -> bytes:
        canister, both = Principal.of(canister_id), self._both
        wanted = None if effective is None else Principal.of(effective)
        first = outcome_of(
            lambda: getattr(self._first, kind)(canister, method, arg, effective_canister_id=wanted)
        )
        there = None if wanted is None else both.translated(wanted)
        second = outcome_of(
            lambda: getattr(self._second, kind)(
                both.translated(canister), method, both.argument(arg), effective_canister_id=there
            )
        )
        both.compare(canister, method, first, second, update=kind == "update")
        return first.result()

    def run(self, conversation: Flow[T]) -> T:
        """Run a flow, such as reading state, on the first network."""
        return self._first.run(conversation)
