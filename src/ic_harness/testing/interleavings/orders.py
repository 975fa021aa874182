"""Hooks that run messages in a wanted order, and remember the order in which they ran."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

from ic_harness.replica import MessageEnd, TrackedMessage, TrackingHook

from .partial_orders import Event, PartialOrders

REPEATS: Final = "it would repeat an order"
"""Why a run is left that need not be judged."""


class OrderHook(TrackingHook):
    """Chooses the next message by `prefer`, and keeps what ran. A run with too many messages is left."""

    def __init__(self, names: Mapping[bytes, str], most_messages: int) -> None:
        super().__init__(names)
        self._most = most_messages
        self.texts: list[str] = []
        self.events: list[Event] = []
        self._caused_by: dict[str, int] = {}
        self._last_call: dict[tuple[bytes, bytes], int] = {}

    def prefer(self, ready: Mapping[str, TrackedMessage]) -> str | None:
        """Return the id of the message to run next; None to leave the run."""
        return next(iter(ready))

    def pick(self, ready: Sequence[TrackedMessage]) -> int | None:
        """Choose a message, or end the round for good."""
        if self.abandoned:
            return None
        if len(self.events) >= self._most:
            self.abandoned = f"there were more than {self._most:,} messages"
            return None
        ordered = {one.id: one for one in sorted(ready, key=_root)}
        chosen = self.prefer(ordered)
        if chosen is None:
            self.abandoned = REPEATS
            return None
        return next(place for place, one in enumerate(ready) if one.id == chosen)

    def ended(self, message: TrackedMessage, end: MessageEnd, caused: Sequence[str]) -> None:
        """Keep what ran and what it caused."""
        del end
        place = len(self.events)
        causes = {self._caused_by[message.id]} if message.id in self._caused_by else set()
        if message.from_canister:
            pair = (message.caller, message.canister)
            if pair in self._last_call:
                causes.add(self._last_call[pair])
            self._last_call[pair] = place
        self.events.append(Event(message.id, message.canister, frozenset(causes)))
        self.texts.append(message.text)
        for one in caused:
            self._caused_by[one] = place


class SystematicHook(OrderHook):
    """Takes the next order of the tree."""

    def __init__(self, names: Mapping[bytes, str], most_messages: int, orders: PartialOrders) -> None:
        super().__init__(names, most_messages)
        self._orders = orders
        orders.begin()

    def prefer(self, ready: Mapping[str, TrackedMessage]) -> str | None:
        """Ask the tree."""
        return self._orders.choose({id_: one.canister for id_, one in ready.items()})


class RandomHook(OrderHook):
    """Chooses at random."""

    def __init__(self, names: Mapping[bytes, str], most_messages: int, chance: random.Random) -> None:
        super().__init__(names, most_messages)
        self._chance = chance

    def prefer(self, ready: Mapping[str, TrackedMessage]) -> str | None:
        """Draw one."""
        return self._chance.choice(list(ready))


class GivenHook(OrderHook):
    """Runs messages in a given order, by their texts.

    Messages that are not in the order run as they would by themselves: those of the first caller first. One of the
    order that never comes is passed over.
    """

    def __init__(self, names: Mapping[bytes, str], most_messages: int, order: Sequence[str]) -> None:
        super().__init__(names, most_messages)
        self._order = [text.split(" ")[0] for text in order]

    def prefer(self, ready: Mapping[str, TrackedMessage]) -> str | None:
        """Take the next message of the order; until it can run, one that the order does not name."""
        if self._order and self._order[0] in ready:
            return self._order.pop(0)
        others = [id_ for id_ in ready if id_ not in self._order]
        if others:
            return others[0]
        chosen = next(id_ for id_ in self._order if id_ in ready)
        self._order.remove(chosen)
        return chosen


def _root(message: TrackedMessage) -> str:
    """What messages are sorted by: the caller from outside that they go back to."""
    return message.id.partition(".")[0]
