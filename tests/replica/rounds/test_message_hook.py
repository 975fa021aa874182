"""A hook sees every message, chooses their order, and can make each of them fail."""

from __future__ import annotations

import pytest

from ic_harness.errors import RejectError
from ic_harness.replica import (
    InjectedReject,
    InjectedTrap,
    InstructionLimit,
    MessageHook,
    MessageKind,
    set_message_hook,
)
from ic_harness.replica.state.replicated_state import Rejected, Replied, Request, Response
from tests.replica.support import deploy

NOTHING = b"DIDL\0\0"


class Recorder(MessageHook):
    """Keeps what it sees; `plan` says what to do at which number."""

    def __init__(self, **plan):
        self.plan = {int(number[1:]): what for number, what in plan.items()}
        self.seen = []

    def before(self, step):
        return self.plan.get(step.number)

    def after(self, step, end):
        self.seen.append((step, end))

    @property
    def kinds(self):
        return [(step.kind, step.method) for step, _ in self.seen]


@pytest.fixture
def other(replica):
    return deploy(replica, "rust/rust", 9)


def hooked(replica, hook):
    set_message_hook(replica.nodes, hook)
    return hook


def forward(rust, other, method="get"):
    return rust.update("forward", other.id, method, NOTHING, 0, None)


def test_every_message_is_seen(replica, rust, other):
    """A call from one canister to another is a request, a request and a reply, with what each one sent."""
    hook = hooked(replica, Recorder())
    plain = forward(rust, other)
    assert hook.kinds == [
        (MessageKind.REQUEST, "forward"),
        (MessageKind.REQUEST, "get"),
        (MessageKind.REPLY, "get"),
    ]
    (_, first), (second, _), (third, last) = hook.seen
    assert isinstance(first.outputs[0], Request)
    assert first.instructions > 0
    assert (second.canister, second.caller) == (other.id.raw, rust.id.raw)
    assert (third.caller, third.context > 0, third.call > 0) == (other.id.raw, True, True)
    assert isinstance(last.outputs[0].answer, Replied)
    set_message_hook(replica.nodes, None)
    assert forward(rust, other) == plain
    assert len(hook.seen) == 3


def test_a_request_is_rejected_in_place_of_its_execution(replica, rust, other):
    """The callee does not run; the caller sees the reject."""
    hook = hooked(replica, Recorder(_1=InjectedReject(Rejected(4, "no", 406, bare=True))))
    forward(rust, other)
    assert [step.kind for step, _ in hook.seen] == ["request", "request", "reject"]
    assert hook.seen[1][1].instructions == 0


def test_a_reply_becomes_a_reject(replica, rust, other):
    """The callee has run; the caller's reject callback runs."""
    hook = hooked(replica, Recorder(_2=InjectedReject(Rejected(5, "lost", 503))))
    answered = forward(rust, other)
    assert b"lost" in bytes(str(answered), "utf-8")
    assert hook.seen[2][0].kind is MessageKind.REPLY
    assert not replica.canister(rust.id).calls


@pytest.mark.parametrize("number", [0, 2])
def test_an_injected_trap(replica, rust, other, number):
    """The message counts as trapped; the state is as before it, and the next call works."""
    hooked(replica, Recorder(**{f"_{number}": InjectedTrap("planted")}))
    with pytest.raises(RejectError, match="planted"):
        forward(rust, other)
    forward(rust, other)


def test_a_limit_of_instructions(replica, rust):
    """A message traps where it reaches the limit, and has used no more."""
    hook = hooked(replica, Recorder(_0=InstructionLimit(1_000)))
    with pytest.raises(RejectError, match="IC0522"):
        rust.update("add", 1)
    _, end = hook.seen[0]
    assert "limit of 1000 instructions" in end.trap
    assert end.instructions == 1_000
    rust.update("add", 1)


def test_the_hook_chooses_the_order(replica, rust):
    """Calls from outside run in any order that the hook wants; the canister sees that order."""

    class Last(Recorder):
        def choose(self, ready):
            return len(ready) - 1

    hook = hooked(replica, Last())
    with replica.held():
        waiting = [rust.submit("add", value) for value in (1, 2, 3)]
        replica.tick()
    for finish in waiting:
        finish()
    order = [step.message.arg[-8:] for step, _ in hook.seen]
    assert order == sorted(order, reverse=True)
    assert len(order) == 3


def test_calls_between_two_canisters_keep_their_order(replica, rust, other):
    """Of the calls of one canister to another only the first may run next."""
    offered = []

    class Look(Recorder):
        def choose(self, ready):
            offered.append([one.message for one in ready])
            return 0

    hooked(replica, Look())
    with replica.held():
        waiting = [rust.submit("forward", other.id, "get", NOTHING, 0, None) for _ in range(3)]
        for _ in range(3):
            replica.tick()
    for finish in waiting:
        finish()
    for messages in offered:
        callers = [one.caller for one in messages if isinstance(one, Request) and one.callee == other.id.raw]
        assert len(callers) == len(set(callers))
    assert any(isinstance(one, Response) for messages in offered for one in messages)


def test_the_hook_ends_a_round(replica, rust, other):
    """Between two messages a test can do something else: here it stops the callee."""

    class OneARound(Recorder):
        left = 1

        def choose(self, ready):
            if not self.left:
                return None
            self.left -= 1
            return super().choose(ready)

    hook = OneARound()
    hooked(replica, hook)
    with replica.held():
        finish = rust.submit("forward", other.id, "get", NOTHING, 0, None)
        replica.tick()
        assert len(hook.seen) == 1
        replica.tick()
        assert len(hook.seen) == 1
        hook.left = 10
        replica.tick()
    finish()
    assert len(hook.seen) == 3
