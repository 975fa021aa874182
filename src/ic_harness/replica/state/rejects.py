"""Reject codes, error codes (`IC0…`) and the texts that developers know from mainnet.

Interface specification, "Reject codes" and "Error codes". The hundreds digit of an error code is its reject
code, so a table of numbers is enough; every text of the replica's own making is in this file.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Final

from ic_harness.principal import Principal
from ic_harness.replica.state.replicated_state import Rejected, Status

DOCS: Final = "https://internetcomputer.org/docs/current/references/execution-errors"
MAX_TEXT: Final = 8 * 1024
"""Bytes that an error text may have; the same bound as in DFINITY's replica."""


SYS_FATAL: Final = 1
"""Reject code of a failure that will come again."""
SYS_TRANSIENT: Final = 2
"""Reject code of a failure that may pass."""


class Code(IntEnum):
    """The error codes that this replica returns."""

    SUBNET_OVERSUBSCRIBED = 101
    QUEUE_FULL = 201
    INGRESS_EXPIRED = 202
    STOP_TIMED_OUT = 206
    INTERRUPTED = 299
    OUT_OF_CYCLES = 207
    CANISTER_NOT_FOUND = 301
    SNAPSHOT_NOT_FOUND = 305
    CREATE_CYCLES = 403
    NOT_HOSTED = 405
    REJECTED = 406
    UNKNOWN_MANAGEMENT_METHOD = 407
    INVALID_ARGUMENT = 408
    SNAPSHOT_IMMUTABLE = 409
    TRAPPED = 502
    CALLED_TRAP = 503
    CONTRACT_VIOLATION = 504
    INVALID_WASM = 505
    DID_NOT_REPLY = 506
    STOPPED = 508
    STOPPING = 509
    NOT_STOPPED = 510
    STOP_CANCELLED = 511
    NOT_CONTROLLER = 512
    NOT_EMPTY = 514
    ENGINE = 521
    CALL_CYCLES = 520
    COMPUTE_CYCLES = 530
    MEMORY_ALLOCATION_CYCLES = 531
    GROWTH_CYCLES = 532
    MEMORY_ALLOCATION_RESERVED = 533
    GROWTH_RESERVED = 534
    RESERVED_LIMIT = 540
    QUERY_TOO_DEEP = 525
    COMPOSITE_REPLICATED = 527
    QUERY_TIME = 528
    METHOD_NOT_FOUND = 536
    NO_MODULE = 537
    INTERNAL = 599
    ALREADY_INSTALLED = 538
    DEADLINE = 601
    DROPPED = 602


def reject(code: Code | int, message: str) -> Rejected:
    """Make a rejection; the reject code follows from the error code, overlong text is cut."""
    return Rejected(code // 100 % 10, _bounded(message), int(code))


def _bounded(message: str) -> str:
    raw = message.encode(errors="replace")
    return message if len(raw) <= MAX_TEXT else raw[:MAX_TEXT].decode(errors="ignore")


def name(canister: bytes) -> str:
    """The textual principal."""
    return Principal(canister).to_text()


def from_canister(canister: bytes, error: str, advice: str = "", anchor: str = "") -> str:
    """The usual text of an error in a canister; the advice part is missing when there is none."""
    text = f"Error from Canister {name(canister)}: {error}"
    return f"{text}.\n{advice} See documentation: {DOCS}#{anchor}" if advice else text


def explicit(message: str) -> Rejected:
    """The canister rejected the call in its own words."""
    return Rejected(4, _bounded(message), int(Code.REJECTED), bare=True)


def routed(code: Code, message: str) -> Rejected:
    """A rejection by message routing or of a management call: a calling canister sees no error code before it."""
    return replace(reject(code, message), bare=True)


def interrupted() -> Rejected:
    """The caller was interrupted while it waited; only an embedded replica has this."""
    return reject(Code.INTERRUPTED, "The call was interrupted, and what it had not finished was rolled back")


def internal(problem: BaseException) -> Rejected:
    """A failure of the replica itself, which must cost one message and not the network."""
    text = f"{type(problem).__name__}: {problem}"
    return reject(
        Code.INTERNAL, f"The embedded replica failed at this message, which is a bug of ic-harness: {text}"
    )


def canister_not_found(canister: bytes) -> Rejected:
    """No such canister on this subnet."""
    return routed(Code.CANISTER_NOT_FOUND, f"Canister {name(canister)} not found")


def no_route(canister: bytes) -> Rejected:
    """The id belongs to no subnet's range, so that a canister's call leads nowhere."""
    return routed(Code.CANISTER_NOT_FOUND, f"No route to canister {name(canister)}")


def subnet_named(method: str, subnet: bytes) -> Rejected:
    """A canister that is not on the root subnet called a subnet by its id instead of aaaaa-aa."""
    why = f"Unable to route management canister request {method}: AlreadyResolved({name(subnet)})"
    return routed(Code.CANISTER_NOT_FOUND, why)


def remote_call_too_large(caller: bytes) -> Rejected:
    """A call to a canister of another subnet is larger than a stream between subnets carries."""
    return routed(Code.CONTRACT_VIOLATION, f"Canister {name(caller)} violated contract: payload too large")


def query_unavailable(canister: bytes, status: Status) -> Rejected | None:
    """A canister answers queries while it runs: why it does not in another status, None when it does."""
    if status is Status.RUNNING:
        return None
    if status is Status.STOPPING:
        return reject(Code.STOPPING, f"Canister {name(canister)} is not running")
    return reject(
        Code.STOPPED,
        f"Canister {name(canister)} is stopped and therefore does not have a CallContextManager",
    )


def stopped(canister: bytes) -> Rejected:
    """The canister takes no calls."""
    return routed(Code.STOPPED, f"Canister {name(canister)} is stopped")


def stopping(canister: bytes) -> Rejected:
    """The canister takes no calls any more."""
    return routed(Code.STOPPING, f"Canister {name(canister)} is stopping")


def no_module() -> Rejected:
    """The canister is empty."""
    return reject(Code.NO_MODULE, "Requested canister has no wasm module")


def no_module_in(canister: bytes) -> Rejected:
    """The canister is empty, said during execution."""
    return reject(
        Code.NO_MODULE,
        from_canister(
            canister,
            "Attempted to execute a message, but the canister contains no Wasm module.",
            "Please install code to this canister before calling it.",
            "wasm-module-not-found",
        ),
    )


def method_not_found(canister: bytes, kind: str, method: str) -> Rejected:
    """The module exports no such method; `kind` is update, query or composite_query."""
    return reject(
        Code.METHOD_NOT_FOUND,
        from_canister(
            canister,
            f"Canister has no {kind} method '{method}'.",
            "Check that the method being called is exported by the target canister.",
            "method-not-found",
        ),
    )


def did_not_reply(canister: bytes) -> Rejected:
    """All messages of a call have run and none answered."""
    return reject(
        Code.DID_NOT_REPLY,
        from_canister(
            canister,
            "Canister did not reply to the call",
            "This is likely an error with the CDK or the code that generates replies.",
            "did-not-reply",
        ),
    )


def message_not_accepted(canister: bytes) -> Rejected:
    """canister_inspect_message did not accept."""
    return reject(Code.REJECTED, from_canister(canister, "Canister rejected the message"))


def queue_full(canister: bytes) -> Rejected:
    """No room for another message."""
    return routed(Code.QUEUE_FULL, f"Canister {name(canister)} input queue is full")


def ingress_expired() -> Rejected:
    """A user's call waited so long that it may not begin any more."""
    return reject(Code.INGRESS_EXPIRED, "Ingress message timed out waiting to start executing.")


def out_of_cycles_text(canister: bytes, missing: int, *, reveal: bool) -> str:
    """A canister cannot pay without freezing; only its controllers are told how many cycles are missing."""
    text = f"Canister {name(canister)} is out of cycles"
    return f"{text}: please top up the canister with at least {missing} additional cycles" if reveal else text


def out_of_cycles(canister: bytes, missing: int, *, reveal: bool) -> Rejected:
    """A message cannot be paid for."""
    return reject(Code.OUT_OF_CYCLES, out_of_cycles_text(canister, missing, reveal=reveal))


def frozen(canister: bytes) -> Rejected:
    """A frozen canister answers no queries."""
    return reject(
        Code.OUT_OF_CYCLES,
        f"Canister {name(canister)} is unable to process query calls because it's frozen. "
        "Please top up the canister with cycles and try again.",
    )


def too_few_cycles(canister: bytes, attached: int, minimum: int) -> Rejected:
    """Another canister's call brings fewer cycles than `minimum_incoming_canister_call_cycles`."""
    return routed(
        Code.CALL_CYCLES,
        f"Canister {name(canister)} requires at least {minimum} transferred cycles with calls of other canisters, "
        f"but {attached} were attached",
    )


def deadline_expired() -> Rejected:
    """A best-effort call was not answered in time."""
    return routed(Code.DEADLINE, "Call deadline has expired.")


def no_response(code: int, message: str) -> Rejected:
    """Return the answer to an HTTPS outcall that got no response; `code` is 1 (fatal) or 2 (transient)."""
    return Rejected(code, message, 0, bare=True)


def canister_uninstalled() -> Rejected:
    """The code that should have answered is gone."""
    return routed(Code.REJECTED, "Canister has been uninstalled.")


def stop_cancelled(canister: bytes) -> Rejected:
    """start_canister came while stop_canister was waiting."""
    return routed(Code.STOP_CANCELLED, f"Canister {name(canister)}'s stop request was cancelled.")


def stop_timed_out() -> Rejected:
    """A canister did not stop within five minutes."""
    return routed(Code.STOP_TIMED_OUT, "Stop canister request timed out")


def as_seen_by_canister(answer: Rejected) -> str:
    """The reject text for a calling canister: the error code goes in front of what execution made."""
    return answer.message if answer.bare else f"{answer.error_name}: {answer.message}"
