"""Drives actors and rounds in turn until everything is done, within bounds."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from typing import Final

from ic_harness import waiting
from ic_harness.replica import Replica, TrackingHook

from .actors import Actor

PATIENCE_S: Final = 60.0
"""Real time in which an actor has to make its next call or end."""


class Drive:
    """One run of some actors under a hook. The rounds of the replica must be held."""

    def __init__(
        self, replica: Replica, actors: Sequence[Actor], events: queue.SimpleQueue[Actor], hook: TrackingHook
    ) -> None:
        self._replica = replica
        self._events = events
        self._actors = actors
        self._hook = hook
        self._fresh = False
        """Whether a call was made since the last round, which therefore has something to do."""
        self.rounds = 0

    def run(self, most_rounds: int) -> str:
        """Run everything; returns why it did not come to an end, "" when it did."""
        problem = "a test was interrupted"
        try:
            problem = self._run(most_rounds)
        finally:
            for actor in self._actors:
                if not actor.ended:
                    actor.give_up(problem)
        return problem

    def _run(self, most_rounds: int) -> str:
        for actor in self._actors:
            actor.start()
            if problem := self._await(actor):
                return problem
        while open_actors := [actor for actor in self._actors if not actor.ended]:
            if self.rounds >= most_rounds:
                return f"{_names(open_actors)} had no answer after {self.rounds} rounds"
            if not self._fresh and self._replica.settle() and not self._wait_for_event():
                return f"{_names(open_actors)} had no answer, and nothing is left to do that could bring one"
            self._round()
            if self._hook.abandoned:
                return self._hook.abandoned
            for actor in open_actors:
                if actor.pending is not None and actor.pending.done:
                    actor.resume()
                    if problem := self._await(actor):
                        return problem
        return self._settle(most_rounds)

    def _await(self, actor: Actor) -> str:
        """Wait until the actor that runs makes a call or ends."""
        try:
            self._next_event()
        except queue.Empty:
            return f"{actor.name} neither made a call nor ended within {PATIENCE_S:g} s"
        if actor.problem:
            return actor.problem
        if not actor.ended and actor.pending is not None:
            self._hook.begins(actor.pending.origin, f"{actor.name}.{actor.count}")
            self._hook.heartbeats = self._fresh = True
        return ""

    def _next_event(self) -> None:
        left = PATIENCE_S
        while left > 0:
            try:
                self._events.get(timeout=waiting.SLICE_S)
            except queue.Empty:
                left -= waiting.SLICE_S
            else:
                return
        raise queue.Empty

    def _round(self) -> None:
        self.rounds += 1
        self._replica.tick()
        self._hook.heartbeats = self._fresh = False

    def _wait_for_event(self) -> bool:
        """Move the time to the next timer or deadline; False when there is none."""
        times = [node.scheduler.next_event_ns() for node in self._replica.nodes.all]
        known = [time for time in times if time is not None]
        if not known:
            return False
        self._replica.set_time(max(min(known), self._replica.clock.now_ns(), self._replica.round_time_ns + 1))
        return True

    def _settle(self, most_rounds: int) -> str:
        while not self._replica.settle():
            if self.rounds >= most_rounds:
                return f"canisters were still busy after {self.rounds} rounds"
            self._round()
            if self._hook.abandoned:
                return self._hook.abandoned
        return ""


def _names(actors: Sequence[Actor]) -> str:
    return ", ".join(actor.name for actor in actors)
