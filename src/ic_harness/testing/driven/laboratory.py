"""The place of many runs from one state: a snapshot, a clock that stands, calls without signatures, limits."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Canister, EmbeddedNetwork, Network, lifecycle
from ic_harness.principal import Principal
from ic_harness.replica import NetworkSnapshot, SystemClock, TrackingHook, set_message_hook

from .actors import Actor, ActorCalls
from .rounds import Drive

Named = Mapping[str, Canister | Principal]
"""Canisters by the names that reports use."""
FIRST_LIMIT: Final = 5_000
"""Rounds that the first run, without any intervention, may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run: what each actor returned or raised, by name, and why it did not come to an end ("": it did)."""

    values: Mapping[str, Any]
    errors: Mapping[str, Exception]
    stuck: str
    rounds: int


class Laboratory:
    """Runs actors from one state of an embedded network. Use `open_laboratory`."""

    def __init__(self, network: EmbeddedNetwork, calls: ActorCalls, start: NetworkSnapshot) -> None:
        self.network = network
        self.replica = network.replica
        self._calls = calls
        self._start = start
        self.runs = 0

    def restore(self) -> None:
        """Go back to the start."""
        self.replica.restore(self._start)

    def run(
        self, actors: Mapping[str, Callable[[], Any]], hook: TrackingHook, most_rounds: int = FIRST_LIMIT
    ) -> Ended:
        """Run the actors from the present state, with every message seen by `hook`, until nothing is left to do."""
        self.runs += 1
        events: queue.SimpleQueue[Actor] = queue.SimpleQueue()
        running = [Actor(name, function, self._calls, events) for name, function in actors.items()]
        drive = Drive(self.replica, running, events, hook)
        set_message_hook(self.replica.nodes, hook)
        self.replica.hold()
        try:
            stuck = drive.run(most_rounds)
        finally:
            set_message_hook(self.replica.nodes, None)
            self.replica.release()
        return Ended(
            values={one.name: one.value for one in running if one.ended and one.error is None},
            errors={one.name: one.error for one in running if one.error is not None},
            stuck=stuck,
            rounds=drive.rounds,
        )


@contextmanager
def open_laboratory(network: Network) -> Iterator[Laboratory]:
    """Open a laboratory in the network's present state, which it has again afterwards.

    Raises `InputError` for a network that is not embedded.
    """
    if not isinstance(network, EmbeddedNetwork):
        raise InputError(f"this needs the embedded network; {network.name} runs its rounds itself")
    network.settle()
    calls = ActorCalls(network.replica)
    with ExitStack() as stack:
        clock = network.replica.clock
        if isinstance(clock, SystemClock):
            stack.enter_context(clock.paused())
        stack.enter_context(network.direct_calls(calls))
        start = network.replica.snapshot()
        stack.callback(start.close)
        laboratory = Laboratory(network, calls, start)
        try:
            yield laboratory
        finally:
            if network.failure is None:
                laboratory.restore()


def ids_of(canisters: Named) -> dict[bytes, str]:
    """Return the names of canisters by their ids."""
    return {id_of(canister).raw: name for name, canister in canisters.items()}


def id_of(canister: Canister | Principal) -> Principal:
    """Return the id of a canister, whatever methods its interface has."""
    return canister if isinstance(canister, Principal) else lifecycle(canister).canister_id


def judge(invariant: Callable[..., Any], outcome: Any) -> str:
    """Check an invariant; returns what it says against the state, "" when it holds.

    An invariant that takes an argument gets `outcome`. It fails by raising any `Exception`, or by returning False.
    """
    try:
        verdict = invariant(outcome) if _takes_argument(invariant) else invariant()
    except Exception as error:  # noqa: BLE001  whatever it raises is what it has to say
        text = str(error).strip()
        return f"{type(error).__name__}: {text}" if text else type(error).__name__
    return "it returned False" if verdict is False else ""


def _takes_argument(function: Callable[..., Any]) -> bool:
    import inspect  # lazy: start-up time  # noqa: PLC0415

    parameters = inspect.signature(function).parameters.values()
    return any(
        it.default is it.empty and it.kind in {it.POSITIONAL_ONLY, it.POSITIONAL_OR_KEYWORD}
        for it in parameters
    )
