"""What canisters pay: for their messages, for users' calls when they arrive, for storage and compute over time.

As in DFINITY's replica a message pays for the most instructions that it may need, and gets back what it did not use;
a call pays in advance for the largest answer and the longest callback.

Interface specification, "Cycles" and "Canister out of cycles". Time is that of the rounds: a canister that is not used
is charged at the beginning of the first round after the interval, for all seconds since it was charged last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica import management
from ic_harness.replica.execution import Completed, Instance, Trapped
from ic_harness.replica.execution.charging import (
    compute_per_day,
    growth,
    pay_idle,
    set_aside,
    shortfall,
    storage_per_day,
)
from ic_harness.replica.execution.interruption import LOG
from ic_harness.replica.rounds.round_state import IngressMessage, RoundState
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import UPDATE_INSTRUCTIONS, Subnet
from ic_harness.replica.state.fees import BATCH, CHARGE_INTERVAL, DAY_S, Fees
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    Answer,
    CallContext,
    Canister,
    PendingCall,
    Rejected,
    ReplicatedState,
    Replied,
    Request,
)
from ic_harness.units import MAX_CYCLES, SECOND

_UNSIGNED_BYTES: Final = 330
"""What an envelope has besides method name and argument: for calls without one, which pay as signed ones do."""
_FREE: Final = {"create_canister", "provisional_create_canister_with_cycles", "provisional_top_up_canister"}


_REJECT_CODE_BYTES: Final = 1
_OUT_OF_MEMORY: Final = 507
_GROWTH_CYCLES: Final = 532
_GROWTH_RESERVED: Final = 534
_TOP_UP: Final = "Top up the canister with more cycles."
_RAISE_LIMIT: Final = (
    "Try increasing this canister's reserved cycles limit or moving it to a subnet with lower memory usage."
)


# --- messages ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Account:
    """The cycles of one canister in its slice.

    `consumed` are the cycles that are gone: fees and what was burned. `taken` are the bytes of memory that the subnet
    has given to its canisters. All amounts in cycles.
    """

    canister: Canister
    fees: Fees
    taken: int
    consumed: int = 0

    def spend(self, amount: int) -> None:
        """Take a fee, or give back a part of one when `amount` is negative."""
        self.canister.cycles = min(self.canister.cycles - amount, MAX_CYCLES)
        self.consumed += amount

    def longest(self, *, is_64: bool) -> int:
        """The cycles that the longest message costs, which is paid for in advance."""
        return self.fees.longest[is_64]

    def missing(self, amount: int) -> int:
        """The cycles that are missing to spend `amount` without freezing; 0 when there are enough."""
        return shortfall(self.canister, amount, self.fees)

    def settle_message(self, used: int, *, is_64: bool) -> None:
        """Pay back what a message did not use of its instructions."""
        unused = UPDATE_INSTRUCTIONS - used
        if unused > 0:
            self.spend(-(unused * self.fees.batch[is_64] // BATCH))

    def settle_answer(self, call: PendingCall, answer: Answer) -> None:
        """Pay back what the largest answer would have cost more than this one."""
        if call.prepaid_answer:
            self.spend(-max(0, call.prepaid_answer - self.fees.call_bytes(_answer_size(answer))))

    def settle_callback(self, call: PendingCall, used: int | None, *, is_64: bool) -> None:
        """Pay back what a callback did not use; `used` None when it did not run."""
        if not call.prepaid_callback:
            return
        cost = self.fees.execution(used or 0, is_64=is_64)
        self.spend(-max(0, call.prepaid_callback - cost))

    def grow(self, context: CallContext, outcome: Completed, grown: int) -> Trapped | None:
        """Let memory that a message took be paid for; the trap of the message where it cannot be."""
        canister, effects = self.canister, outcome.effects
        sent = sum(call.cycles + call.prepaid for call in effects.calls)
        accepted = min(effects.cycles_accepted, context.cycles_available)
        balance = canister.cycles + accepted + effects.cycles_minted - effects.cycles_burned - sent
        memory = canister.memory_used + grown
        found = growth(canister, self.fees, self.taken, balance, memory=memory)
        if found.oversubscribed:
            return _too_large(
                outcome, _OUT_OF_MEMORY, "Canister exceeded its allowed memory allocation", "", ""
            )
        start = f"Canister cannot grow memory by {grown} bytes due to"
        if found.over:
            text = (
                f"{start} its reserved cycles limit. The current limit ({canister.settings.reserved_cycles_limit}) "
                f"would be exceeded by {found.over}."
            )
            anchor = "reserved-cycles-limit-exceeded-in-memory-grow"
            return _too_large(outcome, _GROWTH_RESERVED, text, _RAISE_LIMIT, anchor)
        if found.missing:
            text = f"{start} insufficient cycles."
            if context.caller in canister.settings.controllers:
                text += f" At least {found.missing} additional cycles are required."
            return _too_large(outcome, _GROWTH_CYCLES, text, _TOP_UP, "insufficient-cycles-in-memory-grow")
        set_aside(canister, found.reserved)
        canister.memory_used = memory
        return None


def memory_size(instance: Instance) -> int:
    """Bytes of both memories of a canister at this moment."""
    return instance.heap.size + instance.stable.size


def _too_large(outcome: Completed, code: int, text: str, advice: str, anchor: str) -> Trapped:
    return Trapped(
        error_code=code, message=text, advice=advice, anchor=anchor, backtrace=(),
        instructions=outcome.instructions, logs=outcome.logs,
    )  # fmt: skip


def _answer_size(answer: Answer) -> int:
    """The bytes of an answer that are paid for."""
    if isinstance(answer, Replied):
        return len(answer.data)
    return _REJECT_CODE_BYTES + len(answer.message.encode(errors="replace"))


# --- over time -----------------------------------------------------------------------------------------------


def due(rounds: RoundState) -> list[Canister]:
    """Canisters that have not been charged for an interval; while a message of one takes its rounds, it is not due."""
    now = rounds.state.time_ns
    if now < rounds.next_charge_ns or not rounds.subnet.fees.charged:
        return []
    canisters = rounds.state.canisters.values()
    found = [
        canister
        for canister in canisters
        if now - canister.charged_ns >= CHARGE_INTERVAL and canister.id not in rounds.long.all
    ]
    others = [canister.charged_ns for canister in canisters if now - canister.charged_ns < CHARGE_INTERVAL]
    rounds.next_charge_ns = min([now, *others]) + CHARGE_INTERVAL
    return found


def charge(rounds: RoundState, canisters: Iterable[Canister]) -> None:
    """Charge for storage and compute allocation; a canister that cannot pay loses its code."""
    for canister in canisters:
        since, canister.charged_ns = canister.charged_ns, rounds.state.time_ns
        if not since:
            continue  # of a state folder that was written before anything was charged
        rounds.touch(canister)
        if not _pay(rounds, canister, (rounds.state.time_ns - since) // SECOND):
            _run_dry(rounds, canister)


def _pay(rounds: RoundState, canister: Canister, seconds: int) -> bool:
    fees, settings = rounds.subnet.fees, canister.settings
    rates = storage_per_day(settings, canister.memory_used, fees), compute_per_day(settings, fees)
    for rate in rates:
        amount = rate * seconds // DAY_S
        if not pay_idle(canister, amount):
            return False
        rounds.state.consumed_cycles += amount
    return True


def _run_dry(rounds: RoundState, canister: Canister) -> None:
    """Remove the code of a canister that cannot pay, and what is left of its cycles."""
    LOG.info("Uninstalling canister %s because it ran out of cycles", rejects.name(canister.id))
    rounds.state.consumed_cycles += canister.cycles + canister.reserved_cycles
    rounds.apply(management.run_dry(canister, rounds.instances))


# --- calls of users ------------------------------------------------------------------------------------------


def ingress_refusal(state: ReplicatedState, subnet: Subnet, incoming: IngressMessage) -> Rejected | None:
    """Why the canister that would pay for a user's call cannot; None when it can, or when the call is free."""
    found = _payer(state, subnet.fees, incoming)
    return None if found is None else _refusal(*found, subnet.fees, incoming.request)


def charge_ingress(rounds: RoundState, incoming: IngressMessage) -> Rejected | None:
    """Charge for a user's call; the reject where it cannot be paid."""
    found = _payer(rounds.state, rounds.subnet.fees, incoming)
    if found is None:
        return None
    payer, cost = found
    refusal = _refusal(payer, cost, rounds.subnet.fees, incoming.request)
    if refusal is not None:
        return refusal
    payer.cycles -= cost
    rounds.state.consumed_cycles += cost
    rounds.touch(payer)
    return None


def _refusal(payer: Canister, cost: int, fees: Fees, request: Request) -> Rejected | None:
    missing = shortfall(payer, cost, fees)
    if not missing:
        return None
    return rejects.out_of_cycles(payer.id, missing, reveal=request.caller in payer.settings.controllers)


def _payer(state: ReplicatedState, fees: Fees, incoming: IngressMessage) -> tuple[Canister, int] | None:
    request = incoming.request
    if not fees.charged:
        return None
    payer = state.canisters.get(_paying(request))
    if payer is None:
        return None
    size = incoming.size or _UNSIGNED_BYTES + len(request.method.encode()) + len(request.arg)
    return payer, fees.ingress_call + fees.ingress_byte * size


def _paying(request: Request) -> bytes:
    """The id of the canister that pays for a call; that of the management canister when none does."""
    if request.callee != MANAGEMENT:
        return request.callee
    if request.method in _FREE or (
        request.method == "update_settings" and len(request.arg) <= management.DELAYED_BYTES
    ):
        return MANAGEMENT
    try:
        return management.effective_canister(request) or MANAGEMENT
    except management.ManagementReject:
        return MANAGEMENT  # it cannot be read, and is rejected when it is executed
