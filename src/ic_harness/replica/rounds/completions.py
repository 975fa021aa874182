"""Calls from outside that are not answered yet, and the callers that wait for them.

Used by the owner of the state (`round_runner`) only, except for `Completion.wait`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from ic_harness import waiting
from ic_harness.errors import ReplicaError
from ic_harness.replica.rounds.round_limit import RoundLimit
from ic_harness.replica.state.clock import monotonic_s
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.replicated_state import Answer, FromPythonApi, FromUser, Origin


class Completion:
    """The answer to one call from outside, once the round that brought it is published.

    One caller waits for it at a time; `patient` is whether without a timeout. `stuck` says why waiting is useless
    at present, `failure` that the replica stopped or its state was replaced.
    """

    __slots__ = ("_bell", "answer", "done", "failure", "origin", "patient", "stuck")

    def __init__(self, origin: Origin, *, patient: bool = False) -> None:
        self.origin = origin
        self.patient = patient
        self.answer: Answer | None = None
        self.failure: ReplicaError | None = None
        self.done = False
        self.stuck = ""
        self._bell = waiting.HERE.bell

    def prepare(self, *, patient: bool) -> None:
        """Get ready to wait on this thread, perhaps once more."""
        self.patient, self.stuck = patient, ""
        self._bell = waiting.HERE.bell

    def has_news(self) -> bool:
        """Whether the caller has nothing to wait for."""
        return self.done or bool(self.stuck)

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until there is something to know; False when the time was over before."""
        bell = self._bell
        left = bell.longest_s
        end = None if timeout_s is None else monotonic_s() + timeout_s
        try:
            while True:
                bell.asleep = True
                if self.done or self.stuck:
                    return True
                if end is not None and (left := min(bell.longest_s, end - monotonic_s())) <= 0:
                    return False
                bell.rings_within(left)
        finally:
            bell.asleep = False

    def complete(self, answer: Answer | None, failure: ReplicaError | None = None) -> None:
        """Let the caller go with an answer or an error; only the first call counts."""
        if self.end(answer, failure):
            self.wake()

    def end(self, answer: Answer | None, failure: ReplicaError | None = None) -> bool:
        """Set the answer or the error; returns whether there was none. The caller waits on until `wake`."""
        if self.done:
            return False
        self.answer, self.failure = answer, failure
        self.done = True
        return True

    def give_up(self, why: str) -> None:
        """Release the caller without an answer; it may wait again, the call stays expected."""
        self.stuck = why
        self.wake()

    def wake(self) -> None:
        """Let the caller look what there is to know."""
        if self._bell.asleep:
            self._bell.ring()


class Completions:
    """Everything that is expected, by origin; `waiting` are those whose callers wait at present."""

    def __init__(self) -> None:
        self._expected: defaultdict[bytes | int, list[Completion]] = defaultdict(list)
        self.waiting: set[Completion] = set()
        self.round_limit = RoundLimit()
        self.ended: list[Callable[[], None]] = []
        """What releases the callers whose calls and commands have ended."""

    def expect(self, completion: Completion) -> None:
        """Take in a call."""
        self._expected[_key(completion.origin)].append(completion)

    def attend(self, completion: Completion) -> None:
        """Note that a caller waits."""
        if not completion.done:
            self.waiting.add(completion)

    def leave(self, completion: Completion) -> bool:
        """Note that a caller waits no more; returns whether its call is still expected."""
        self.waiting.discard(completion)
        return completion in self._expected.get(_key(completion.origin), ())

    def complete(self, changes: StateDelta) -> None:
        """Complete what a published round has answered; `let_go` releases the callers.

        A round beyond the limit fails everything that is expected, and raises that `ReplicaError`.
        """
        limit = self.round_limit
        exceeded = None if limit.most is None else limit.exceeded(changes)
        if exceeded is not None:
            self.fail(exceeded)
            raise exceeded
        for ticket, answer in changes.answers.items():
            self._complete(ticket, answer)
        for request_id, record in changes.requests.items():
            if record is not None and record.answer is not None:
                self._complete(request_id, record.answer)

    def _complete(self, key: bytes | int, answer: Answer) -> None:
        for completion in self._expected.pop(key, ()):
            self.waiting.discard(completion)
            if completion.end(answer):
                self.ended.append(completion.wake)

    def let_go(self) -> None:
        """Release those callers: last of all, because each wants the interpreter then."""
        if self.ended:
            ended, self.ended = self.ended, []
            for release in ended:
                release()

    def give_up(self, why: str, *, only_patient: bool = False) -> None:
        """Release callers that wait for what no round will bring; those without a timeout get an error.

        Their calls stay expected. With `only_patient` the others go on waiting.
        """
        for completion in [one for one in self.waiting if one.patient or not only_patient]:
            self.waiting.discard(completion)
            completion.give_up(why)

    def fail(self, failure: ReplicaError) -> None:
        """Fail everything: the replica stops, its state was replaced, or the limit of rounds is used up."""
        expected, self._expected = self._expected, defaultdict(list)
        self.waiting = set()
        for completions in expected.values():
            for completion in completions:
                completion.complete(None, failure)


def _key(origin: Origin) -> bytes | int:
    """Return what a call from outside is known by: a ticket or a request id, which is hashed faster than its origin."""
    if isinstance(origin, FromPythonApi):
        return origin.ticket
    assert isinstance(origin, FromUser), "bug: no caller outside waits for a canister's call"
    return origin.request_id


def answered(changes: StateDelta) -> set[Origin]:
    """Return the calls that a round has answered."""
    users = (FromUser(key) for key, record in changes.requests.items() if record and record.answer)
    return {*users, *(FromPythonApi(ticket) for ticket in changes.answers)}
