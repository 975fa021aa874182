"""The history of a network: its messages in order, and the state of every canister before and after each.

Nothing of the states is recorded. They are found by running the recording again on a network of its own, up to the
message that is asked for; snapshots on the way make the next look short.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, overload

from ic_harness.errors import HarnessError, InputError
from ic_harness.principal import Principal
from ic_harness.replica import NetworkSnapshot, Replica, set_message_hook
from ic_harness.replica.recording import Answer, Event, NetworkSetup, Origin, Round

from .messages import Message, MessageWatch, Place, check_count, management_messages
from .moments import Moment, OpenNetwork
from .replayer import Replayer
from .sequence import sequence_of, sequence_text

MAX_MESSAGES: Final = 100_000
_APART: Final = 64
"""Events between two snapshots on the way."""
_SNAPSHOTS: Final = 200
_MOMENTS: Final = 16
"""Moments whose states are kept."""


class Recording(Protocol):
    """What a history shows: a recorder that goes on, or the events of a failure."""

    @property
    def setup(self) -> NetworkSetup:
        """Where the network began."""

    @property
    def events(self) -> Sequence[Event]:
        """Its inputs so far."""

    @property
    def overflow(self) -> str:
        """Why the recording ended early; empty when it did not."""


class Step:
    """One message of a history: its fields are those of `Message`, `before` and `after` are the states around it."""

    def __init__(self, history: History, message: Message) -> None:
        self._history = history
        self.message = message

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)

    @property
    def before(self) -> Moment:
        """The network before the message ran: `step.before(canister).stable_memory`."""
        return self._history.moment(self.message, after=False)

    @property
    def after(self) -> Moment:
        """The network after the message ran."""
        return self._history.moment(self.message, after=True)

    def __repr__(self) -> str:
        message = self.message
        ended = "trapped" if message.trap else "ended"
        return f"<{message.number}: {message.kind} {message.canister}.{message.method} {ended}>"


class History(Sequence[Step]):
    """The messages of a recorded network, oldest first. Use it from one thread at a time; `close` it, or its network.

    `names` are names of canisters for texts and diagrams. Raises `InputError` when the recording is longer than its
    bounds.
    """

    def __init__(self, recording: Recording, open_network: Callable[[Replica], OpenNetwork]) -> None:
        self.names: dict[Principal, str] = {}
        self._recording = recording
        self._replayer = Replayer(recording.setup)
        self._network = open_network(self._replayer.replica)
        self._played: list[Event] = []
        self._messages: list[Message] = []
        self._place = Place()
        self._wanted: tuple[int, bool] | None = None
        self._seen: NetworkSnapshot | None = None
        self._moments: dict[tuple[int, bool], NetworkSnapshot] = {}
        self._collecting = True
        # The state before an event, by the number of the event, with the number of messages before it.
        self._boundaries: dict[int, tuple[int, NetworkSnapshot]] = {0: (0, self._replayer.snapshot())}
        watch = MessageWatch(self._place, self._visit, self._end)
        set_message_hook(self._replayer.replica.nodes, watch)

    def close(self) -> None:
        """Close the network on which the history runs."""
        self._replayer.close()

    # --- messages -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        self._sync()
        return len(self._messages)

    def __iter__(self) -> Iterator[Step]:
        self._sync()
        return (Step(self, message) for message in list(self._messages))

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        self._sync()
        if isinstance(index, slice):
            return [Step(self, message) for message in self._messages[index]]
        return Step(self, self._messages[index])

    def first(self, holds: Callable[[Moment], bool]) -> Step | None:
        """Find the message after which `holds` is true for the first time; None when it is not at the end.

        The search halves the history, so `holds` must stay true once it is. An error of the network, such as of a
        canister that does not exist yet, counts as False.
        """
        steps = self[:]
        if not steps or not _holds(holds, steps[-1].after):
            return None
        low, high = 0, len(steps) - 1
        while low < high:
            middle = (low + high) // 2
            if _holds(holds, steps[middle].after):
                high = middle
            else:
                low = middle + 1
        return steps[low]

    def sequence(self, most: int = 200) -> str:
        """Return the calls between canisters as text, one line a call or answer; the last `most` messages."""
        self._sync()
        return sequence_text(sequence_of(self._messages, self.names, most))

    @property
    def messages(self) -> list[Message]:
        """The messages, without the states around them."""
        self._sync()
        return list(self._messages)

    # --- states ---------------------------------------------------------------------------------------------

    def moment(self, message: Message, *, after: bool) -> Moment:
        """Return the state before or after a message."""
        self._sync()
        if message.number >= len(self._messages) or self._messages[message.number] != message:
            raise InputError(
                "this message is no longer in the history: the network was put back to before it"
            )
        return Moment(message, after, self._network, lambda: self._visit_moment(message, after=after))

    def _visit_moment(self, message: Message, *, after: bool) -> None:
        """Bring the history's network to a moment; what was done there before is forgotten."""
        key = message.number, after
        if key not in self._moments:
            self._find(message, key)
        self._replayer.restore(self._moments[key])

    def _find(self, message: Message, key: tuple[int, bool]) -> None:
        end = message.event + (message.kind == "management" and key[1])
        self._go_to(end)
        if message.kind == "management":
            self._remember(key, self._replayer.snapshot())
            return
        self._wanted, self._seen = key, None
        self._play(message.event, collecting=False)
        self._wanted = None
        if self._seen is None:
            raise InputError(
                f"message {message.number} does not run again: the replay differs from the history"
            )
        self._remember(key, self._seen)

    def _remember(self, key: tuple[int, bool], snapshot: NetworkSnapshot) -> None:
        if len(self._moments) >= _MOMENTS:
            self._moments.pop(next(iter(self._moments))).close()
        self._moments[key] = snapshot

    def _go_to(self, event: int) -> None:
        """Bring the network to the state before an event that has been played."""
        begin = max(number for number in self._boundaries if number <= event)
        self._place.number, snapshot = self._boundaries[begin]
        self._replayer.restore(snapshot)
        for number in range(begin, event):
            self._play(number, collecting=False)

    # --- playing --------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        """Play what the recording has more, or has otherwise, than was played."""
        if self._recording.overflow:
            raise InputError(self._recording.overflow)
        events = list(self._recording.events)
        if len(events) == len(self._played) and (not events or events[-1] is self._played[-1]):
            return
        same = next(
            (i for i, (a, b) in enumerate(zip(events, self._played, strict=False)) if a is not b),
            min(len(events), len(self._played)),
        )
        self._forget(same)
        self._go_to(same)
        for event in events[same:]:
            self._played.append(event)
            self._play(len(self._played) - 1, collecting=True)
            self._mark()
        self._collecting = False

    def _forget(self, event: int) -> None:
        """Forget what was played from an event on."""
        del self._played[event:]
        count = bisect_right([message.event for message in self._messages], event - 1)
        del self._messages[count:]
        for number in [number for number in self._boundaries if number > event]:
            self._boundaries.pop(number)[1].close()
        for key in [key for key in self._moments if key[0] >= count]:
            self._moments.pop(key).close()

    def _mark(self) -> None:
        event = len(self._played)
        if event - max(self._boundaries) >= _APART:
            if len(self._boundaries) >= _SNAPSHOTS:
                self._thin_out()
            self._boundaries[event] = len(self._messages), self._replayer.snapshot()

    def _thin_out(self) -> None:
        for number in sorted(self._boundaries)[1:-1:2]:
            self._boundaries.pop(number)[1].close()

    def _play(self, number: int, *, collecting: bool) -> None:
        event, place = self._played[number], self._place
        place.event = number
        place.time_ns = event.now_ns if isinstance(event, Round) else place.time_ns
        self._collecting = collecting
        if isinstance(event, Round):
            answers: dict[Origin, Answer] = dict(event.answers)
            made = [(call.request, answers.get(call.request.origin)) for call in event.calls]
            for message in management_messages(place, made):
                self._end(message)
        self._replayer.run(event)

    def _visit(self, number: int, *, after: bool) -> None:
        if self._wanted == (number, after):
            self._seen = self._replayer.snapshot()

    def _end(self, message: Message) -> None:
        if self._collecting:
            check_count(len(self._messages) + 1, MAX_MESSAGES)
            self._messages.append(message)


def _holds(holds: Callable[[Moment], bool], moment: Moment) -> bool:
    try:
        return bool(holds(moment))
    except HarnessError:
        return False
