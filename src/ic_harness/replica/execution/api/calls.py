"""Calls to other canisters. Interface specification, "Inter-canister calls"."""

from __future__ import annotations

from ic_harness.replica.execution.frame import CallDraft, Frame
from ic_harness.replica.execution.interface import Mode, OutgoingCall
from ic_harness.replica.execution.traps import CanisterTrap, contract, invalid_principal
from ic_harness.replica.state.replicated_state import Callback

MAX_PRINCIPAL = 29
MAX_METHOD_NAME = 20_000
MAX_TIMEOUT_S = 300
QUEUE_CAPACITY = 500
MAX_CALLS = 7_680
"""Calls that one message may make: each reserves 2 MiB for its answer, of the 15 GiB of a subnet."""
MAX_CALLS_BYTES = 256 << 20
"""Payload of all calls that one message may make."""
QUEUE_FULL_OR_NO_CYCLES = 2
_UNCHARGED = frozenset({Mode.COMPOSITE_QUERY, Mode.COMPOSITE_REPLY, Mode.COMPOSITE_REJECT})


def call_new(
    frame: Frame,
    callee: int,
    callee_size: int,
    name: int,
    name_size: int,
    reply_function: int,
    reply_environment: int,
    reject_function: int,
    reject_environment: int,
) -> None:
    """Begin a call; one that was begun and not performed is dropped, its cycles flow back."""
    # CHECKS
    if name_size > MAX_METHOD_NAME:
        raise contract(
            f"ic0.call_new: Encoded method name exceeds the maximum size of {MAX_METHOD_NAME} bytes",
            "Try shortening the method name.",
            "method-name-too-long",
        )
    if callee_size > MAX_PRINCIPAL:
        raise invalid_principal()
    # ARGUMENTS
    callee_id = frame.read(callee, callee_size)
    try:
        method = frame.read(name, name_size).decode()
    except UnicodeDecodeError:
        raise contract("ic0.call_new: Method name is not valid UTF-8") from None
    # EFFECT
    frame.draft = CallDraft(
        callee_id,
        method,
        Callback(reply_function & 0xFFFF_FFFF, reply_environment),
        Callback(reject_function & 0xFFFF_FFFF, reject_environment),
    )


def call_on_cleanup(frame: Frame, function: int, environment: int) -> None:
    """Set the closure that runs when the reply or reject callback traps."""
    draft = _draft(frame, "call_on_cleanup")
    if draft.on_cleanup is not None:
        raise contract(
            "ic0.call_on_cleanup can be called at most once between `ic0.call_new` and `ic0.call_perform`"
        )
    draft.on_cleanup = Callback(function & 0xFFFF_FFFF, environment)


def call_data_append(frame: Frame, source: int, size: int) -> None:
    """Add bytes to the argument of the call."""
    draft = _draft(frame, "call_data_append")
    total = len(draft.payload) + size + len(draft.method.encode())
    if total > frame.env.request_limit:
        raise contract(
            f"ic0.call_data_append: request to {draft.method} has size {total}, larger than the allowed "
            f"{frame.env.request_limit} bytes",
            "Try breaking up the request into smaller messages.",
            "call-payload-too-large",
        )
    draft.payload += frame.read(source, size)


def call_with_best_effort_response(frame: Frame, timeout_s: int) -> None:
    """Make it a call whose response may be lost, with a deadline at most 300 s away."""
    draft = _draft(frame, "call_with_best_effort_response")
    if draft.timeout_s is not None:
        raise contract("ic0.call_with_best_effort_response: timeout is already set")
    draft.timeout_s = min(timeout_s, MAX_TIMEOUT_S)


def call_cycles_add128(frame: Frame, high: int, low: int) -> None:
    """Attach cycles to the call; they leave the balance now."""
    draft = _draft(frame, "call_cycles_add128")
    amount = high << 64 | low
    if amount > frame.liquid_balance:
        raise _out_of_cycles(frame, amount)
    draft.cycles += amount


def call_cycles_add(frame: Frame, amount: int) -> None:
    """The same with 64 bits."""
    call_cycles_add128(frame, 0, amount)


def call_perform(frame: Frame) -> int:
    """Send the call when the message succeeds. Returns 0, or 2 when queue, memory or cycles do not allow it."""
    # CHECKS
    draft = _draft(frame, "call_perform")
    frame.draft = None
    used = frame.slots_used.get(draft.callee, 0)
    prepaid = _prepayments(frame, draft)
    payload_bytes = frame.payload_bytes + len(draft.payload)
    full = (
        used >= frame.env.queue_room.get(draft.callee, QUEUE_CAPACITY)
        or len(frame.calls) >= MAX_CALLS
        or payload_bytes > MAX_CALLS_BYTES
    )
    if full or sum(prepaid) > frame.liquid_balance - draft.cycles:
        return QUEUE_FULL_OR_NO_CYCLES
    # EFFECT
    frame.slots_used[draft.callee] = used + 1
    frame.payload_bytes = payload_bytes
    frame.cycles_sent += draft.cycles
    frame.fees_held += sum(prepaid)
    frame.calls.append(
        OutgoingCall(
            callee=draft.callee,
            method=draft.method,
            payload=bytes(draft.payload),
            cycles=draft.cycles,
            on_reply=draft.on_reply,
            on_reject=draft.on_reject,
            on_cleanup=draft.on_cleanup,
            timeout_s=draft.timeout_s,
            prepaid_callback=prepaid[0],
            prepaid_request=prepaid[1],
            prepaid_answer=prepaid[2],
        )
    )
    return 0


def _prepayments(frame: Frame, draft: CallDraft) -> tuple[int, int, int]:
    """What a call pays in advance: for its callback, for sending it, for its answer. Queries pay nothing."""
    fees = frame.env.fees
    if not fees.charged or frame.env.mode in _UNCHARGED:
        return 0, 0, 0
    size = len(draft.method.encode()) + len(draft.payload)
    return fees.callback(is_64=frame.is_64), fees.call_request(size), fees.call_answer


def _draft(frame: Frame, function: str) -> CallDraft:
    if frame.draft is None:
        raise contract(
            f"ic0.{function} called when no call is under construction.",
            "Ensure that `ic0.call_new` is called before.",
        )
    return frame.draft


def _out_of_cycles(frame: Frame, amount: int) -> CanisterTrap:
    missing = amount - frame.liquid_balance
    text = "Canister is out of cycles"
    if frame.env.caller in frame.env.controllers:
        text += f": please top up the canister with at least {missing} additional cycles"
    return CanisterTrap(504, text)
