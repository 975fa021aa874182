"""Checks of OP1 to OP4: maintenance is for controllers, limits are told, and neighbours cost nothing."""

from __future__ import annotations

from ic_harness import candid
from ic_harness.conformance.checks.registry import check
from ic_harness.conformance.expectations import accepted, equal, lacks_method, part, refused, require
from ic_harness.conformance.material import asset_metadata, content
from ic_harness.conformance.stage import Caller, Stage
from ic_harness.errors import BackendError, CandidError, RejectError

_REFUSAL = """service : {
  refusal : () -> (variant { Ok : reserved; Err : variant {
    Unauthorized; NotFound; ResourceExhausted; InvalidArgument : text; Conflict : text; Internal : text;
    NotImplemented : text } }) query;
}"""
"""The shape of a refusal."""
_UNREADABLE = ("decode", "idl error", "on the wire", "deserialize", "cannot parse")
"""Words by which canisters complain about arguments."""
_TOLERANCE = 0.10


@check("OP1")
def maintenance_is_for_controllers(stage: Stage) -> None:
    """Session lists, statistics and clearing answer controllers only, and a refusal clears nothing."""
    alice, mallory = stage.caller("alice"), stage.caller("mallory")
    material = content(100)
    session = alice.begin(1)
    for stranger in (mallory, stage.anonymous()):
        for method in ("sessions_list", "sessions_stats", "sessions_clear_all", "sessions_cleanup_expired"):
            with refused(
                f"{method} by {stranger.name}",
                "Unauthorized",
                "NotFound",
                meaning="Anybody can see, or end, everybody's uploads.",
            ):
                getattr(stranger.backend, method)()
    alice.put(session, [material.data])
    accepted("finish after strangers tried to clear", lambda: alice.finish(session, material))


@check("OP2")
def no_debugging_for_strangers(stage: Stage) -> None:
    """Debugging endpoints that write cannot be reached by a stranger."""
    mallory = stage.caller("mallory")
    session, capsule = mallory.begin(1), mallory.capsule
    meaning = "Whoever finds the method writes into the canister."
    for method, (types, arguments) in _writers(session, capsule).items():
        try:
            reply = stage.call(mallory, method, types, *arguments)
        except RejectError as error:
            # Access is refused before arguments are read, so whoever gets as far as these is inside.
            inside = any(word in error.reject_message.lower() for word in _UNREADABLE)
            require(lacks_method(error) or not inside, f"a stranger reaches {method}: {error}", meaning)
        else:
            require(_is_refusal(reply), f"a stranger called {method}, and was not refused", meaning)


def _writers(session: int, capsule: str) -> dict[str, tuple[str, tuple[object, ...]]]:
    """The debugging endpoints of published backends that write, with arguments that they would take."""
    return {
        "debug_put_chunk_b64": ("(nat64, nat32, text)", (session, 0, "AAAA")),
        "debug_finish_hex": ("(nat64, text, nat64)", (session, "00" * 32, 3)),
        "debug_blob_write_canary": ("(text, nat32, nat32)", ("canary", 0, 7)),
        "dev_clear_all_memories_in_capsule": ("(text, bool)", (capsule, False)),
        "_probe_inline_len": ("(opt blob)", (b"probe",)),
    }


def _is_refusal(reply: bytes) -> bool:
    """Whether a reply is an `Err` that says that the caller may not."""
    (result,) = candid.parse(_REFUSAL).methods["refusal"].return_types
    try:
        (told,) = candid.decode(reply, (result,))
    except CandidError:
        return False
    return told.get("Err") in ({"Unauthorized": None}, "Unauthorized")


@check("OP3")
def config_tells_the_limits(stage: Stage) -> None:
    """chunk_size and inline_max of upload_config are the limits that calls are held to."""
    alice = stage.caller()
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
    material = content(size, seed)
    return str(
        caller.backend.memories_create(
            capsule or caller.capsule,
            material.data,
            None,
            None,
            None,
            None,
            None,
            None,
            asset_metadata(material),
            caller.idem(),
        )
    )


@check("OP4")
def neighbours_cost_nothing(stage: Stage) -> None:
    """A thousand memories in other capsules do not make a call of this capsule dearer."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
    for caller in (alice, bob):
        _inline(caller, 100)
    # Bob makes what alice does not list: of her own she has as many before as after.
    calls = (
        ("memories_create", lambda: _inline(bob, 100)),
        ("memories_list", lambda: alice.backend.memories_list(alice.capsule, None, 1)),
        ("uploads_begin", lambda: alice.begin(1)),
    )
    before = {name: stage.instructions(call) for name, call in calls}
    _settle_neighbours(stage)
    beside = stage.sizes.neighbours
    for name, call in calls:
        after = stage.instructions(call)
        require(
            after <= before[name] * (1 + _TOLERANCE),
            f"{name} took {before[name]:,} instructions, and {after:,} beside {beside} foreign memories",
            "The canister becomes slower with every user, until calls hit the instruction limit.",
        )


def _settle_neighbours(stage: Stage) -> None:
    neighbours = [stage.caller(f"neighbour-{number}") for number in range(20)]
    for number in range(stage.sizes.neighbours):
        try:
            _inline(neighbours[number % len(neighbours)], 10, number)
        except BackendError as error:
            equal(error.tag, "ResourceExhausted", "a neighbour's memory")
