"""Records of the world as plain values."""

from __future__ import annotations

from collections import deque

import pytest

from ic_harness.errors import StateError
from ic_harness.replica.execution import Callback
from ic_harness.replica.store import from_plain, to_plain
from ic_harness.replica.world import (
    CallContext,
    Canister,
    FromCanister,
    FromSystem,
    FromUser,
    LogRecord,
    PendingCall,
    Rejected,
    Replied,
    Request,
    RequestRecord,
    Response,
    Settings,
    Status,
    Visibility,
    World,
)


def busy_canister():
    call = PendingCall(context=1, callee=b"c", on_reply=Callback(1, 2), on_reject=Callback(3, 4), cycles=9)
    request = Request(origin=FromUser(b"r"), caller=b"a", callee=b"c", method="m", arg=b"x")
    return Canister(
        id=b"c",
        settings=Settings(controllers=(b"a", b"b"), log_visibility=Visibility("allowed_viewers", (b"v",))),
        created_ns=5,
        status=Status.STOPPING,
        queue=deque([request, Response(to=b"c", call=1, answer=Rejected(4, "no", 406, explicit=True))]),
        contexts={1: CallContext(number=1, origin=FromCanister(b"d", 7), caller=b"d")},
        calls={2: call},
        stop_waiters=[(request, 12)],
        logs=[LogRecord(0, 1, b"line")],
        chunks={b"h": 3},
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (busy_canister(), Canister),
        (World(time_ns=3, canisters={b"c": busy_canister()}), World),
        (
            RequestRecord(sender=b"s", effective_id=b"e", canister=b"c", forget_ns=1, answer=Replied(b"x")),
            RequestRecord,
        ),
        (CallContext(number=3, origin=FromSystem(), caller=b""), CallContext),
    ],
)
def test_records_come_back_as_they_were(value, kind):
    """What is written is read again, of the same types."""
    again = from_plain(to_plain(value), kind)
    assert again == value


@pytest.mark.parametrize("plain", [[], ["Canister"], ["Other", 1], 5, None, ["LogRecord", "x", 1, b""]])
def test_other_values_are_refused(plain):
    """What is no record of this version is an error."""
    with pytest.raises(StateError):
        from_plain(plain, LogRecord)
