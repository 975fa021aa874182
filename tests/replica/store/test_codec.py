"""Records of the world as plain values."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections import deque

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ic_harness.errors import CborError, StateError
from ic_harness.protocol import cbor
from ic_harness.replica.state.fees import CostSchedule
from ic_harness.replica.state.replicated_state import (
    Callback,
    CallContext,
    Canister,
    Change,
    FromCanister,
    FromSystem,
    FromUser,
    LogRecord,
    PendingCall,
    Rejected,
    ReplicatedState,
    Replied,
    Request,
    RequestRecord,
    Response,
    Settings,
    Snapshot,
    Status,
    Visibility,
)
from ic_harness.replica.state.subnet_kinds import SubnetKind, SubnetSpec
from ic_harness.replica.store import from_plain, to_plain


def busy_canister():
    call = PendingCall(context=1, callee=b"c", on_reply=Callback(1, 2), on_reject=Callback(3, 4), cycles=9)
    request = Request(origin=FromUser(b"r"), caller=b"a", callee=b"c", method="m", arg=b"x")
    return Canister(
        id=b"c",
        settings=Settings(controllers=(b"a", b"b"), log_visibility=Visibility("allowed_viewers", (b"v",))),
        created_ns=5,
        status=Status.STOPPING,
        queue=deque([request, Response(to=b"c", call=1, answer=Rejected(4, "no", 406, bare=True))]),
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
        (ReplicatedState(time_ns=3, canisters={b"c": busy_canister()}), ReplicatedState),
        (
            RequestRecord(sender=b"s", effective_id=b"e", canister=b"c", forget_ns=1, answer=Replied(b"x")),
            RequestRecord,
        ),
        (CallContext(number=3, origin=FromSystem(), caller=b""), CallContext),
        (SubnetSpec(kind=SubnetKind.SYSTEM), SubnetSpec),
        (SubnetSpec(ranges=((b"a", b"b"), (b"c", b"d")), cost_schedule=CostSchedule.FREE), SubnetSpec),
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


# --- what is written can be read ----------------------------------------------------------------------------

INTS = st.one_of(
    st.integers(), st.sampled_from([-(1 << 64), (1 << 64) - 1, 1 << 511, (1 << 512) - 1, 1 << 520])
)
TEXTS = st.one_of(st.text(), st.sampled_from(["\ud800", "\0", "\x1b[31m", "\U0010ffff"]))
PLAIN = {int: INTS, str: TEXTS, bytes: st.binary(max_size=20), bool: st.booleans(), type(None): st.none()}


def collections_of(origin, inner):
    if origin is dict:
        return st.dictionaries(*map(values, inner), max_size=2)
    if origin is tuple and inner[-1] is not Ellipsis:
        return st.tuples(*map(values, inner))
    return st.lists(values(inner[0]), max_size=2).map(origin)


def values(kind):
    """Values of an annotated type of `world`, as its code may make them."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of([values(one) for one in inner])
    if origin is not None:
        return collections_of(origin, inner)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})


ODD: st.SearchStrategy = st.one_of(
    st.floats(),
    st.binary().map(bytearray),
    st.sampled_from([None, 7, "text", b"bytes", [], (), {}, Status.RUNNING]),
)


@pytest.mark.parametrize("kind", [Canister, RequestRecord, Request, Snapshot, Change])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_written_can_be_read(kind, data):
    """A record of any values, one field of it of a wrong type, is refused or comes back as it was."""
    value = data.draw(values(kind))
    if data.draw(st.booleans()):
        field = data.draw(st.sampled_from(dataclasses.fields(kind)))
        value = dataclasses.replace(value, **{field.name: data.draw(ODD)})
    try:
        written = cbor.encode(to_plain(value))
    except (StateError, CborError):
        return
    assert to_plain(from_plain(cbor.decode(written), kind)) == to_plain(value)


def test_a_float_where_an_integer_belongs_is_refused():
    """A time that became a float is refused when it is written: a reader would refuse the whole folder."""
    with pytest.raises(StateError, match="a float where a int belongs"):
        to_plain(ReplicatedState(time_ns=1e300))  # type: ignore[arg-type]


def test_records_of_an_earlier_version_take_defaults():
    """Fields that were added at the end take their defaults; fewer than a record needs are refused."""
    plain = to_plain(ReplicatedState(time_ns=3, round=4))
    assert from_plain(plain[:3], ReplicatedState) == ReplicatedState(time_ns=3, round=4)
    with pytest.raises(StateError):
        from_plain(plain[:1], ReplicatedState)
    with pytest.raises(StateError):
        from_plain([*plain, 0], ReplicatedState)
