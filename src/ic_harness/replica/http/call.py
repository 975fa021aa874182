"""The call endpoints: checking a user's call, the ingress filter, waiting for the verdict.

Interface specification, "Request: call", "Synchronous call", "Ingress message inspection". A call that the
filter refuses is answered uncertified and leaves no trace; one that was accepted always ends in the
certified state.
"""

from __future__ import annotations

from typing import Any

from ic_harness.protocol import Envelope, VerifiedSender
from ic_harness.replica import management
from ic_harness.replica.execution import Entry, Mode, ModuleInvalid, Trapped
from ic_harness.replica.http.http_messages import (
    HttpProblem,
    HttpResponse,
    accepted,
    answer,
    check_effective_id,
    reject_fields,
)
from ic_harness.replica.rounds.canister_execution import environment
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.reading import Reading
from ic_harness.replica.rounds.round_state import Incoming
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import INSPECT_INSTRUCTIONS
from ic_harness.replica.state.replicated_state import (
    MANAGEMENT,
    Canister,
    FromUser,
    Rejected,
    Request,
    RequestRecord,
    Status,
)

_CREATE = {"create_canister", "provisional_create_canister_with_cycles"}


def call(node: Node, effective_id: bytes, body: bytes, *, wait: bool) -> HttpResponse:
    """Serve `/api/{v2,v3,v4}/canister/<effective_id>/call`; v2 does not wait. Raises `HttpProblem`."""
    envelope, sender = node.authenticate(body, "call")
    request = to_request(envelope, sender)
    _check_url(request, effective_id)
    return _serve(node, envelope, request, effective_id, wait=wait)


def subnet_call(node: Node, subnet_id: bytes, body: bytes) -> HttpResponse:
    """Serve `/api/v4/subnet/<subnet_id>/call`: canister creation only. Raises `HttpProblem`."""
    envelope, sender = node.authenticate(body, "call")
    request = to_request(envelope, sender)
    if subnet_id != node.subnet.id:
        raise HttpProblem(400, "The subnet in the URL is not served here")
    if request.callee != MANAGEMENT or request.method not in _CREATE:
        raise HttpProblem(400, "Only canister creation can be called on a subnet")
    return _serve(node, envelope, request, subnet_id, wait=True)


def to_request(envelope: Envelope, sender: VerifiedSender) -> Request:
    """Make the message of a checked call or query."""
    content: dict[str, Any] = envelope.content
    return Request(
        origin=FromUser(envelope.request_id),
        caller=sender.principal.raw,
        callee=content["canister_id"],
        method=content["method_name"],
        arg=content["arg"],
        caller_info=sender.info,
        caller_info_signer=sender.info_signer,
    )


def _check_url(request: Request, effective_id: bytes) -> None:
    if request.callee == MANAGEMENT:
        if effective_id == MANAGEMENT and request.method not in _CREATE:
            raise HttpProblem(400, "Canister aaaaa-aa does not belong to any subnet.")
        try:
            wanted = management.effective_canister(request)
        except management.Refused:
            wanted = None  # the filter says it better
        if wanted is not None:
            check_effective_id(wanted, effective_id)
    else:
        check_effective_id(request.callee, effective_id)


def _serve(
    node: Node, envelope: Envelope, request: Request, effective_id: bytes, *, wait: bool
) -> HttpResponse:
    request_id = envelope.request_id
    if request_id not in node.world.requests:
        refusal = inspect(node, request)
        if refusal is not None:
            status = {"status": "non_replicated_rejection"} if wait else {}
            return answer(status | reject_fields(refusal))
    incoming = _incoming(envelope, request, effective_id)
    if not wait:
        if request_id not in node.world.requests:
            node.driver.submit(incoming, wake=True)
        return accepted()
    if node.driver.perform(incoming, node.config.sync_wait_s) is None:
        return accepted()
    certificate = node.certified.certificate([(b"request_status", request_id)])
    return answer({"status": "replied", "certificate": certificate})


def _incoming(envelope: Envelope, request: Request, effective_id: bytes) -> Incoming:
    expiry = envelope.content["ingress_expiry"]
    record = RequestRecord(
        sender=request.caller, effective_id=effective_id, canister=request.callee, forget_ns=expiry
    )
    return Incoming(request, record, expiry)


# --- the ingress filter ------------------------------------------------------------------------------------


def inspect(node: Node, request: Request) -> Rejected | None:
    """What the ingress filter says to a call: a reject, or None to let it through."""
    if request.callee == MANAGEMENT:
        refusal = management.check_user_call(node.world, request)
        if refusal is None and request.method == "install_code":
            _compile_ahead(node, request)
        return refusal
    canister = node.world.canisters.get(request.callee)
    if canister is None:
        return rejects.canister_not_found(request.callee)
    if canister.status is Status.STOPPED:
        return rejects.stopped(canister.id)
    if canister.status is Status.STOPPING:
        return rejects.stopping(canister.id)
    if not canister.installed:
        return rejects.no_module()
    return _inspect_message(node, canister, request)


def _compile_ahead(node: Node, request: Request) -> None:
    """Compile before the round that installs, so that it does not keep others waiting."""
    try:
        node.run_read(lambda _: node.machine.compile(management.module_of(request)))
    except ModuleInvalid:
        return  # the installation will say so, certified


def _inspect_message(node: Node, canister: Canister, request: Request) -> Rejected | None:
    if not node.machine.module(canister).has("canister_inspect_message"):
        return None
    return node.run_read(lambda reading: _run_filter(node, canister, request, reading))


def _run_filter(node: Node, canister: Canister, request: Request, reading: Reading) -> Rejected | None:
    with node.machine.lock(canister.id):
        if not canister.installed:  # uninstalled since we looked
            return rejects.no_module()
        env = environment(
            canister,
            node.subnet,
            node.clock.now_ns(),
            Mode.INSPECT,
            caller=request.caller,
            arg=request.arg,
            method_name=request.method,
            caller_info=request.caller_info,
            caller_info_signer=request.caller_info_signer,
            instruction_limit=INSPECT_INSTRUCTIONS,
        )
        instance = node.machine.instance(canister)
        outcome = instance.run(Entry(export="canister_inspect_message"), env, reading.since)
        if isinstance(outcome, Trapped):
            return rejects.trapped(canister.id, outcome)
        instance.rollback()
    return None if outcome.effects.accepted_message else rejects.message_not_accepted(canister.id)
