"""Query calls: non-replicated execution on committed state, whose changes are dropped.

Interface specification, "Query methods".
"""

from __future__ import annotations

from ic_harness.replica import management
from ic_harness.replica.execution import Entry, Mode, Outcome, Reply, Trapped, trap_rejects
from ic_harness.replica.execution.charging import is_frozen
from ic_harness.replica.execution.frame import environment
from ic_harness.replica.rounds.composite_query import CompositeQuery
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.reading import Reading
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import QUERY_REPLY_BYTES
from ic_harness.replica.state.fees import Fees
from ic_harness.replica.state.replicated_state import MANAGEMENT, Answer, Canister, Rejected, Replied, Request


def execute(node: Node, request: Request) -> Answer:
    """Answer a query of a user."""
    answer = _execute(node, request)
    if node.watch is not None:
        node.watch.queried(node, request, answer)
    return answer


def _execute(node: Node, request: Request) -> Answer:
    if request.callee == MANAGEMENT:
        return management.answer_query(node.state, node.instances, node.subnet, request)
    canister = node.state.canisters.get(request.callee)
    if canister is None:
        return rejects.canister_not_found(request.callee)
    refusal = unavailable(canister, node.subnet.fees)
    if refusal is not None:
        return refusal
    kind = node.instances.module(canister).methods.get(request.method)
    if kind == "composite_query":
        return node.run_read(lambda reading: CompositeQuery(node, reading).run(request))
    if kind != "query":
        return rejects.method_not_found(canister.id, "query", request.method)
    return node.run_read(lambda reading: _run(node, canister, request, reading))


def unavailable(canister: Canister, fees: Fees) -> Rejected | None:
    """Why a canister answers no queries, None when it does."""
    refusal = rejects.query_unavailable(canister.id, canister.status)
    if refusal is None and is_frozen(canister, fees):
        return rejects.frozen(canister.id)
    return refusal or (None if canister.installed else rejects.no_module_in(canister.id))


def _run(node: Node, canister: Canister, request: Request, reading: Reading) -> Answer:
    with node.instances.lock(canister.id):
        certificate = node.data_certificate(canister)
        if not canister.installed:  # uninstalled since we looked
            return rejects.no_module_in(canister.id)
        env = environment(
            canister,
            node.subnet,
            node.query_time_ns(),
            Mode.QUERY,
            caller=request.caller,
            caller_info=request.caller_info,
            caller_info_signer=request.caller_info_signer,
            arg=request.arg,
            certificate=certificate,
            instruction_limit=node.subnet.rules.query_instructions,
            reply_limit=QUERY_REPLY_BYTES,
        )
        instance = node.instances.instance(canister)
        outcome = instance.run(Entry(export=f"canister_query {request.method}"), env, reading.since)
        if not isinstance(outcome, Trapped):
            instance.rollback()
        _count(canister, request, outcome)
        node.watch_query(canister, request.method, outcome)
    return _answer(canister, outcome)


def _answer(canister: Canister, outcome: Outcome) -> Answer:
    if isinstance(outcome, Trapped):
        return trap_rejects.trapped(canister.id, outcome)
    reply = outcome.effects.answer
    if reply is None:
        return rejects.did_not_reply(canister.id)
    return Replied(reply.data) if isinstance(reply, Reply) else rejects.explicit(reply.message)


def _count(canister: Canister, request: Request, outcome: Outcome) -> None:
    canister.queries += 1
    canister.query_instructions += outcome.instructions
    canister.query_bytes_in += len(request.arg)
    if not isinstance(outcome, Trapped) and isinstance(outcome.effects.answer, Reply):
        canister.query_bytes_out += len(outcome.effects.answer.data)
