"""How the answer of an outcall reaches the canister: limits, the canister's transform function, consensus.

Interface specification, "Method http_request". Every node of the network makes the request, transforms its response,
and they must agree; here the source says what the nodes got. A request that is not replicated is made by one node.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, Final

from ic_harness import candid
from ic_harness.errors import CandidError
from ic_harness.replica.execution import Entry, Interrupted, Mode, Reply, Trapped, effects, trap_rejects
from ic_harness.replica.execution.frame import environment
from ic_harness.replica.rounds import flexible_outcalls
from ic_harness.replica.rounds.outcall_sources import (
    OutcallAnswer,
    OutcallFailure,
    OutcallResponse,
)
from ic_harness.replica.rounds.round_state import RoundState
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_HEADERS_BYTES,
    MAX_RESPONSE_BYTES,
    QUERY_INSTRUCTIONS,
)
from ic_harness.replica.state.output_queue import ResponseOut
from ic_harness.replica.state.rejects import SYS_FATAL, SYS_TRANSIENT
from ic_harness.replica.state.replicated_state import MANAGEMENT, Answer, Canister, Outcall, Rejected, Replied

_TYPES: Final = candid.parse("""
type header = record { name : text; value : text };
type response = record { status : nat; headers : vec header; body : blob };
service : { transform : (record { response : response; context : blob }) -> (response) query }
""").methods["transform"]


def expire(rounds: RoundState, number: int) -> None:
    """Give up an outcall that was not answered in time."""
    outcall = rounds.state.outcalls.get(number)
    if outcall is None:
        return
    if outcall.flexible:
        _finish(rounds, outcall, flexible_outcalls.timed_out())
    else:
        _finish(rounds, outcall, rejects.no_response(SYS_TRANSIENT, "Canister http request timed out"))


def answer(rounds: RoundState, number: int) -> bool:
    """Answer an outcall whose response is there; False when rounds must give way, and nothing was done."""
    outcall = rounds.state.outcalls.get(number)
    if outcall is None:
        rounds.outcalls.forget(number)
        return True
    try:
        results = [_result(rounds, outcall, one) for one in rounds.outcalls.answers(number)]
    except Interrupted:
        return False
    if outcall.flexible:
        collected: Answer = flexible_outcalls.collected(outcall, results, rounds.subnet.node_id)
    elif outcall.replicated:
        collected = _agreed(rounds, outcall, results)
    else:
        collected = results[0]
    _finish(rounds, outcall, collected)
    return True


def _finish(rounds: RoundState, outcall: Outcall, result: Answer) -> None:
    rounds.outcalls.forget(outcall.number)
    del rounds.state.outcalls[outcall.number]
    rounds.changes.outcalls[outcall.number] = None
    rounds.leaving.append(ResponseOut(outcall.origin, result, outcall.cycles))


def _result(rounds: RoundState, outcall: Outcall, one: OutcallAnswer) -> Answer:
    """What one node makes of its response."""
    if isinstance(one, OutcallResponse):
        one = _within_limits(outcall, one) or one
    if isinstance(one, OutcallFailure):
        return rejects.no_response(one.code, one.message)
    headers = [{"name": name, "value": value} for name, value in one.headers]
    response = {"status": one.status, "headers": headers, "body": one.body}
    if outcall.transform is None:
        return Replied(candid.encode((response,), _TYPES.return_types))
    return _transformed(rounds, outcall, response)


def _within_limits(outcall: Outcall, response: OutcallResponse) -> OutcallFailure | None:
    sizes = [(len(name.encode()), len(value.encode())) for name, value in response.headers]
    total = sum(map(sum, sizes))
    limit = outcall.max_response_bytes
    if len(sizes) > MAX_HEADERS:
        return OutcallFailure(
            f"Number of headers in the response exceeds {MAX_HEADERS}: {len(sizes)}", SYS_FATAL
        )
    if any(max(pair) > MAX_HEADER_BYTES for pair in sizes):
        return OutcallFailure(
            f"A header name or value in the response exceeds {MAX_HEADER_BYTES} bytes", SYS_FATAL
        )
    if total > MAX_HEADERS_BYTES:
        return OutcallFailure(
            f"The headers of the response exceed {MAX_HEADERS_BYTES} bytes: {total}", SYS_FATAL
        )
    if total > limit:
        return OutcallFailure(f"Header size exceeds specified response size limit {limit}", SYS_FATAL)
    if total + len(response.body) > limit:
        return OutcallFailure(f"Http body exceeds size limit of {limit} bytes.", SYS_FATAL)
    return None


def _transformed(rounds: RoundState, outcall: Outcall, response: dict[str, Any]) -> Answer:
    canister = rounds.state.canisters.get(outcall.canister)
    if canister is None or not canister.installed:
        return rejects.no_response(SYS_FATAL, "The canister of the transform function has no code")
    assert outcall.transform is not None
    if rounds.instances.module(canister).methods.get(outcall.transform) != "query":
        return rejects.method_not_found(canister.id, "query", outcall.transform)
    arg = candid.encode(({"response": response, "context": outcall.context},), _TYPES.arg_types)
    result = _run(rounds, canister, outcall.transform, arg)
    if isinstance(result, Rejected):
        return result
    if len(result.data) > MAX_RESPONSE_BYTES:
        return rejects.no_response(
            SYS_FATAL, f"Transformed http response exceeds limit: {MAX_RESPONSE_BYTES}"
        )
    try:
        values = candid.decode(result.data, _TYPES.return_types)
    except CandidError as problem:
        text = f"Failed to decode what the transform function {outcall.transform} returned: {problem}"
        return rejects.no_response(SYS_FATAL, text)
    return Replied(candid.encode(values, _TYPES.return_types))


def _run(rounds: RoundState, canister: Canister, method: str, arg: bytes) -> Answer:
    """Run the transform function, a query whose caller is the management canister; its changes are dropped.

    Raises `Interrupted` when rounds must give way.
    """
    instances = rounds.instances
    while True:
        since = instances.interruption.interrupts.count
        if instances.interruption.pausing:
            raise Interrupted
        with instances.lock(canister.id):
            env = environment(
                canister, rounds.subnet, rounds.state.time_ns, Mode.HTTP_TRANSFORM,
                caller=MANAGEMENT, arg=arg, instruction_limit=QUERY_INSTRUCTIONS, reply_limit=_REPLY_LIMIT,
            )  # fmt: skip
            instance = instances.instance(canister)
            try:
                outcome = instance.run(Entry(export=f"canister_query {method}"), env, since)
            except Interrupted:
                continue
            if isinstance(outcome, Trapped):
                effects.log_trap(canister, outcome, rounds.state.time_ns)
                return trap_rejects.trapped(canister.id, outcome)
            instance.rollback()
        effects.log(canister, outcome.logs, rounds.state.time_ns)
        reply = outcome.effects.answer
        if reply is None:
            return rejects.did_not_reply(canister.id)
        return Replied(reply.data) if isinstance(reply, Reply) else rejects.explicit(reply.message)


_REPLY_LIMIT: Final = 2 << 20


def _agreed(rounds: RoundState, outcall: Outcall, results: list[Answer]) -> Answer:
    """What the nodes agree on: the result that at least two thirds of them have."""
    counted = Counter(results)
    result, count = counted.most_common(1)[0]
    if count * 3 >= len(results) * 2:
        return result
    share = rounds.subnet.nodes / len(results)
    hashes = ", ".join(
        f"[{hashlib.sha256(repr(one).encode()).hexdigest()}: {round(share * times)}]"
        for one, times in counted.most_common()
    )
    text = (
        "No consensus could be reached. Replicas had different responses. "
        f"Details: request_id: {outcall.number}, timeout: {outcall.deadline_ns}, hashes: {hashes}"
    )
    return rejects.no_response(SYS_TRANSIENT, text)
