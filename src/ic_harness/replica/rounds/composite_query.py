"""Composite queries: queries that call queries of other canisters on the subnet.

Interface specification, "Composite queries". Each called canister starts from its committed state, also when
it is the calling one; a method's own callbacks see what the method left on the heap; all of it is dropped at
the end. One composite query runs at a time, so that holding the locks of several canisters cannot end in a
deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import ExitStack
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica import management
from ic_harness.replica.execution import (
    Entry,
    Instance,
    Mode,
    Outcome,
    OutgoingCall,
    Reply,
    Trapped,
    trap_rejects,
)
from ic_harness.replica.execution.charging import is_frozen
from ic_harness.replica.execution.frame import environment
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.reading import Reading
from ic_harness.replica.state import rejects
from ic_harness.replica.state.clock import monotonic_s
from ic_harness.replica.state.config import (
    COMPOSITE_CALL_INSTRUCTIONS,
    COMPOSITE_DEPTH,
    QUERY_REPLY_BYTES,
)
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    Answer,
    Canister,
    FromCanister,
    Rejected,
    Replied,
    Request,
)

WALL_TIME_S: Final = 10.0

_one_at_a_time = threading.Lock()


class CompositeQuery:
    """One composite query with everything that it calls; the instruction budget is shared by all."""

    def __init__(self, node: Node, reading: Reading) -> None:
        self.node = node
        self.reading = reading
        self.left = node.subnet.rules.query_instructions
        self._end = monotonic_s() + WALL_TIME_S
        self._resources = ExitStack()

    def run(self, request: Request) -> Answer:
        """Answer the query."""
        with _one_at_a_time, self._resources:
            return self.serve(request, 0)

    def serve(self, request: Request, depth: int) -> Answer:
        """Answer a query at some depth of calls."""
        refusal = self._refusal(request, depth)
        if refusal is not None:
            return refusal
        if request.callee == MANAGEMENT:
            return management.answer_query(self.node.state, self.node.instances, self.node.subnet, request)
        canister = self.node.state.canisters[request.callee]
        certificate = None
        if depth == 0:
            certificate = self._resources.enter_context(self.node.committed(canister))
        else:
            # Not `committed`: only the root of a composite query sees a certificate.
            self._resources.enter_context(self.node.instances.lock(canister.id))
        instance = self.node.instances.instance(canister).fork()
        self._resources.callback(instance.close)
        frame = _Frame(self, canister, instance, request.caller, depth)
        return frame.answer(request, certificate)

    def _refusal(self, request: Request, depth: int) -> Rejected | None:
        if depth > COMPOSITE_DEPTH:
            return rejects.reject(
                rejects.Code.QUERY_TOO_DEEP, "Composite query call exceeded the maximum depth"
            )
        if monotonic_s() > self._end:
            return rejects.reject(rejects.Code.QUERY_TIME, "Composite query ran for too long")
        return None if request.callee == MANAGEMENT else self._unavailable(request)

    def _unavailable(self, request: Request) -> Rejected | None:
        canister = self.node.state.canisters.get(request.callee)
        if canister is None:
            return rejects.canister_not_found(request.callee)
        refusal = rejects.query_unavailable(canister.id, canister.status)
        if refusal is not None:
            return refusal
        if is_frozen(canister, self.node.subnet.fees):
            return rejects.frozen(canister.id)
        if not canister.installed:
            return rejects.no_module_in(canister.id)
        known = self.node.instances.module(canister).methods.get(request.method) in {
            "query",
            "composite_query",
        }
        return None if known else rejects.method_not_found(canister.id, "query", request.method)


@dataclass(slots=True)
class _Frame:
    """One canister's part: its method, and the callbacks for what it called."""

    query: CompositeQuery
    canister: Canister
    instance: Instance
    caller: bytes
    depth: int
    result: Answer | None = None

    def answer(self, request: Request, certificate: bytes | None) -> Answer:
        """Run the method, then its calls one after the other, each followed by its callback."""
        kind = self.query.node.instances.module(self.canister).methods[request.method]
        entry = Entry(export=f"canister_{kind} {request.method}")
        mode = Mode.COMPOSITE_QUERY if kind == "composite_query" else Mode.QUERY
        outcome = self._run(entry, mode, arg=request.arg, certificate=certificate)
        waiting: deque[OutgoingCall] = deque()
        failure = self._take(outcome, waiting)
        while waiting:
            self.query.left -= COMPOSITE_CALL_INSTRUCTIONS
            failure = self._take(self._call(waiting.popleft()), waiting)
        return self.result or failure or rejects.did_not_reply(self.canister.id)

    def _take(self, outcome: Outcome, waiting: deque[OutgoingCall]) -> Rejected | None:
        """Take in what a message did; returns the reject of a trap."""
        if isinstance(outcome, Trapped):
            return trap_rejects.trapped(self.canister.id, outcome)
        waiting.extend(outcome.effects.calls)
        reply = outcome.effects.answer
        if reply is not None:
            self.result = Replied(reply.data) if isinstance(reply, Reply) else rejects.explicit(reply.message)
        return None

    def _call(self, call: OutgoingCall) -> Outcome:
        request = Request(
            origin=FromCanister(self.canister.id, 0),
            caller=self.canister.id,
            callee=call.callee,
            method=call.method,
            arg=call.payload,
        )
        result = self.query.serve(request, self.depth + 1)
        if isinstance(result, Replied):
            outcome = self._run(Entry(callback=call.on_reply), Mode.COMPOSITE_REPLY, arg=result.data)
        else:
            outcome = self._run(
                Entry(callback=call.on_reject),
                Mode.COMPOSITE_REJECT,
                reject_code=result.code,
                reject_message=rejects.as_seen_by_canister(result),
            )
        if isinstance(outcome, Trapped) and call.on_cleanup is not None:
            self._run(Entry(callback=call.on_cleanup), Mode.COMPOSITE_CLEANUP, may_answer=False)
        return outcome

    def _run(self, entry: Entry, mode: Mode, **more: Any) -> Outcome:
        node = self.query.node
        env = environment(
            self.canister,
            node.subnet,
            node.query_time_ns(),
            mode,
            caller=self.caller,
            answered=self.result is not None,
            instruction_limit=max(self.query.left, 0),
            reply_limit=QUERY_REPLY_BYTES,
            **more,
        )
        outcome = self.instance.run(entry, env, self.query.reading.since)
        self.query.left -= outcome.instructions
        what = entry.export.rpartition(" ")[2] if entry.export else mode.name.lower()
        node.watch_query(self.canister, what, outcome)
        return outcome
