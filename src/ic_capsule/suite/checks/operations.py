"""Checks of OP1 to OP6: maintenance is for controllers, limits and sessions are listed, other capsules cost nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from ic_capsule.backend import QuotasUpdate
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import asset_metadata, content
from ic_harness import candid
from ic_harness.errors import BackendError, CandidError, RejectError
from ic_harness.testing.assertions import accepted, equal, lacks_method, part, refused, require

_REFUSAL = """service : {
  refusal : () -> (variant { Ok : reserved; Err : variant {
    Unauthorized; NotFound; ResourceExhausted; InvalidArgument : text; Conflict : text; Internal : text;
    NotImplemented : text } }) query;
}"""
"""The shape of a refusal."""
_UNREADABLE = ("decode", "idl error", "on the wire", "deserialize", "cannot parse")
"""Words by which canisters complain about arguments."""
_TOLERANCE = 0.10
_FEW = 12
"""Foreign memories that are there before anything is measured."""
_DOUBLING = 40_000
"""Instructions that a call may take more when there is twice as much: trees become deeper, by little."""


@check("OP1")
def maintenance_is_for_controllers(context: CheckContext) -> None:
    """Session lists, statistics and clearing answer controllers only, and a refusal clears nothing."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    sample = content(100)
    session = alice.begin(1)
    for other_caller in (mallory, context.anonymous()):
        for method in ("sessions_list", "sessions_stats", "sessions_clear_all", "sessions_cleanup_expired"):
            with refused(
                f"{method} by {other_caller.name}",
                "Unauthorized",
                "NotFound",
                meaning="Anybody can see, or end, everybody's uploads.",
            ):
                getattr(other_caller.backend, method)()
    alice.put(session, [sample.data])
    accepted("finish after other callers tried to clear", lambda: alice.finish(session, sample))


@check("OP2")
def no_debugging_for_strangers(context: CheckContext) -> None:
    """Debugging endpoints that write, or read data of others, cannot be called by other users."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    meaning = "Any caller who finds the method reads or overwrites the photos of others."
    attempts = [
        attempt for owner in (mallory, alice) for attempt in _endpoints(owner.begin(1), owner.capsule)
    ]
    for method, types, arguments in attempts:
        try:
            reply = context.call(mallory, method, types, *arguments)
        except RejectError as error:
            # Access is refused before arguments are read, so a caller who gets as far as these has access.
            inside = any(word in error.reject_message.lower() for word in _UNREADABLE)
            require(lacks_method(error) or not inside, f"another caller reaches {method}: {error}", meaning)
        else:
            require(_is_refusal(reply), f"another caller called {method}, and was not refused", meaning)


def _endpoints(session: int, capsule: str) -> tuple[tuple[str, str, tuple[object, ...]], ...]:
    """The debugging endpoints of published backends that are known, with arguments that they would take."""
    return (
        ("debug_put_chunk_b64", "(nat64, nat32, text)", (session, 0, "AAAA")),
        ("debug_finish_hex", "(nat64, text, nat64)", (session, "00" * 32, 3)),
        ("debug_blob_write_canary", "(text, nat32, nat32)", ("canary", 0, 7)),
        ("debug_blob_read_canary", "(text, nat32)", ("canary", 0)),
        ("dev_clear_all_memories_in_capsule", "(text, bool)", (capsule, False)),
        ("_probe_inline_len", "(opt blob)", (b"probe",)),
    )


def _is_refusal(reply: bytes) -> bool:
    """Whether a reply is an `Err` that says that the caller may not."""
    (result,) = candid.parse(_REFUSAL).methods["refusal"].return_types
    try:
        (answer,) = candid.decode(reply, (result,))
    except CandidError:
        return False
    return answer.get("Err") in ({"Unauthorized": None}, "Unauthorized")


@check("OP3")
def config_tells_the_limits(context: CheckContext) -> None:
    """chunk_size and inline_max of upload_config are the limits that calls are held to."""
    alice = context.caller()
    config = alice.config
    require(
        0 < config.inline_max <= config.inline_budget_per_capsule, f"inline limits contradict: {config!r}"
    )
    require(
        0 < config.chunk_size <= 2_000_000, f"a chunk of {config.chunk_size} bytes does not fit a message"
    )
    with part():
        session = alice.begin(2)
        largest = content(config.chunk_size).data
        accepted("a chunk of chunk_size bytes", lambda: alice.backend.uploads_put_chunk(session, 0, largest))
        with refused("a chunk of chunk_size + 1 bytes", "InvalidArgument"):
            alice.backend.uploads_put_chunk(session, 1, largest + b"!")
    with part():
        accepted("an inline asset of inline_max bytes", lambda: _inline(alice, config.inline_max))
    with refused("an inline asset of inline_max + 1 bytes", "InvalidArgument", "ResourceExhausted"):
        _inline(alice, config.inline_max + 1)


def _inline(caller: Caller, size: int, seed: object = 0, capsule: str | None = None) -> str:
    sample = content(size, seed)
    return str(
        caller.backend.memories_create(
            capsule or caller.capsule,
            sample.data,
            None,
            None,
            None,
            None,
            None,
            None,
            asset_metadata(sample),
            caller.idem(),
        )
    )


@check("OP4")
def neighbours_cost_nothing(context: CheckContext) -> None:
    """A thousand memories in other capsules do not make a call of this capsule dearer."""
    alice, bob = context.caller("alice"), context.caller("bob")
    for caller in (alice, bob):
        _inline(caller, 100)
    # Bob makes what alice does not list: of her own she has as many before as after.
    calls = (
        ("memories_create", lambda: _inline(bob, 100)),
        ("memories_list", lambda: alice.backend.memories_list(alice.capsule, None, 1)),
        ("uploads_begin", lambda: alice.begin(1)),
    )
    # The first leaf of a tree grows with each entry until it is full; only what comes after it is growth.
    _settle_neighbours(context, range(_FEW))
    before = {name: context.instructions(call) for name, call in calls}
    beside = context.sizes.other_capsules
    _settle_neighbours(context, range(_FEW, beside))
    for name, call in calls:
        after = context.instructions(call)
        require(
            after <= before[name] * (1 + _TOLERANCE) + _DOUBLING * math.log2(beside / _FEW),
            f"{name} took {before[name]:,} instructions, and {after:,} beside {beside} foreign memories",
            "The canister becomes slower with every user, until calls hit the instruction limit.",
        )


def _settle_neighbours(context: CheckContext, numbers: range) -> None:
    other_capsules = [context.in_bulk(context.caller(f"neighbour-{number}")) for number in range(20)]
    for number in numbers:
        try:
            _inline(other_capsules[number % len(other_capsules)], 10, number)
        except BackendError as error:
            equal(error.tag, "ResourceExhausted", "a memory in another capsule")


@check("OP5")
def being_first_is_no_right(context: CheckContext) -> None:
    """Who was the first to call a canister may do no more than others."""
    first = context.caller("first")
    capsule = first.capsule
    backend = first.backend
    calls: tuple[tuple[str, Callable[[], object]], ...] = (
        ("sessions_list", backend.sessions_list),
        ("sessions_stats", backend.sessions_stats),
        ("sessions_clear_all", backend.sessions_clear_all),
        ("quotas_update", lambda: backend.quotas_update(QuotasUpdate())),
    )
    for what, call in calls:
        if first.can(what):
            with refused(
                f"{what} by who called first and is no controller",
                "Unauthorized",
                "NotFound",
                meaning="Who finds a fresh canister before its owner does owns it.",
            ):
                call()
    bob = context.caller("bob")
    with refused("reading another's capsule by who called first", "NotFound", "Unauthorized"):
        backend.capsules_read_basic(bob.capsule)
    accepted("reading one's own capsule", lambda: backend.capsules_read_basic(capsule))


@check("OP6")
def every_open_session_is_listed(context: CheckContext) -> None:
    """sessions_list shows every open session of all callers, and none that ended; sessions_stats counts the same."""
    alice, bob, admin = context.caller("alice"), context.caller("bob"), context.controller()
    sample = content(2000)
    chunks = sample.chunks(1000)
    idle, half, full, other = alice.begin(2), alice.begin(2), alice.begin(2), bob.begin(1)
    alice.put(half, chunks, [1])
    alice.put(full, chunks)
    aborted, finished = alice.begin(1), alice.begin(2)
    alice.backend.uploads_abort(aborted)
    alice.put(finished, chunks)
    alice.finish(finished, sample)
    text = accepted("sessions_list by a controller", admin.backend.sessions_list)
    listed = dict(re.findall(r"Session (\d+): caller=([a-z0-9-]+)", text))
    owners = {idle: alice, half: alice, full: alice, other: bob}
    for session, caller in owners.items():
        equal(
            listed.get(str(session)),
            str(caller.principal),
            f"the caller that sessions_list shows for the open session {session}",
            "An operator does not see who fills the canister.",
        )
    for session in (aborted, finished):
        require(str(session) not in listed, f"sessions_list shows the session {session}, which ended")
    stats = accepted("sessions_stats by a controller", admin.backend.sessions_stats)
    pending = re.search(r"Pending: (\d+)", stats)
    require(pending, f"sessions_stats has no number of open sessions: {stats!r}")
    if pending:
        equal(int(pending[1]), len(listed), "open sessions that sessions_stats counts, against those listed")
