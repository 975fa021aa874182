"""What ends by time or by silence: best-effort calls, and canisters that wait to be stopped.

Interface specification, "Bounded-wait calls" and "Stopping a canister".
"""

from __future__ import annotations

from collections.abc import Iterable

from ic_harness.replica.rounds.deadlines import STOP_REQUEST
from ic_harness.replica.rounds.round_state import RoundState
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import STOP_TIMEOUT
from ic_harness.replica.state.output_queue import ResponseOut
from ic_harness.replica.state.replicated_state import Canister, Replied, Response, Status

# Candid's empty argument list, the reply of stop_canister.
_NOTHING = b"DIDL\0\0"


def expire(rounds: RoundState, canister_id: bytes, number: int) -> None:
    """Give up one best-effort call, or the stop requests that waited too long."""
    canister = rounds.state.canisters.get(canister_id)
    if canister is None:
        return
    if number == STOP_REQUEST:
        _expire_stops(rounds, canister)
    elif number in canister.calls:
        # The cycles are lost with the late answer, as the specification has it for bounded waits.
        canister.queue.append(Response(to=canister_id, call=number, answer=rejects.deadline_expired()))
        rounds.ready.add(canister_id)
        rounds.touch(canister)


def _expire_stops(rounds: RoundState, canister: Canister) -> None:
    now = rounds.state.time_ns
    for request, since in canister.stop_waiters:
        if since + STOP_TIMEOUT <= now:
            rounds.leaving.append(ResponseOut(request.origin, rejects.stop_timed_out(), request.cycles))
        else:
            rounds.expiring.add(since + STOP_TIMEOUT, canister.id, STOP_REQUEST)
    canister.stop_waiters = [(r, since) for r, since in canister.stop_waiters if since + STOP_TIMEOUT > now]
    rounds.touch(canister)


def settle_stops(rounds: RoundState, stopping: Iterable[bytes]) -> None:
    """Stop those canisters that have no open call context, and answer every stop request."""
    for canister_id in sorted(stopping):
        canister = rounds.state.canisters[canister_id]
        # Calls in the queue are rejected in the next slice; an answer there still has its context open.
        if canister.contexts or canister.calls:
            continue
        canister.status = Status.STOPPED
        canister.version += 1
        for request, _ in canister.stop_waiters:
            rounds.leaving.append(ResponseOut(request.origin, Replied(_NOTHING), request.cycles))
        canister.stop_waiters.clear()
        rounds.stopping.discard(canister_id)
        rounds.watch(canister)
        rounds.touch(canister)
