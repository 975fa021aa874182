"""The call endpoints: checking a user's call and waiting for its answer.

Interface specification, "Request: call" and "Request: synchronous call". A call that the ingress filter rejects
is answered without a certificate and is not recorded; the answer to an accepted call is in the certified state.
"""

from __future__ import annotations

from ic_harness.protocol import Envelope, cbor
from ic_harness.replica import management
from ic_harness.replica.http.authentication import authenticate, check_effective_id, to_request
from ic_harness.replica.http.http_messages import (
    CBOR,
    HttpProblem,
    HttpResponse,
    accepted,
    cbor_response,
    reject_fields,
)
from ic_harness.replica.rounds import ingress_filter
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.state.replicated_state import MANAGEMENT, FromUser, Request, RequestRecord

_CREATE = {"create_canister", "provisional_create_canister_with_cycles"}


def call(node: Node, effective_id: bytes, body: bytes, *, wait: bool) -> HttpResponse:
    """Serve `/api/{v2,v3,v4}/canister/<effective_id>/call`; v2 does not wait. Raises `HttpProblem`."""
    envelope, sender = authenticate(node, body, "call")
    request = to_request(envelope, sender)
    _check_url(request, effective_id)
    _check_size(node, request, len(body))
    return _serve(node, _incoming(node, envelope, request, effective_id, len(body)), wait=wait)


def subnet_call(node: Node, subnet_id: bytes, body: bytes) -> HttpResponse:
    """Serve `/api/v4/subnet/<subnet_id>/call`: canister creation only. Raises `HttpProblem`."""
    envelope, sender = authenticate(node, body, "call")
    request = to_request(envelope, sender)
    if subnet_id != node.subnet.id:
        raise HttpProblem(400, "The subnet in the URL is not served here")
    if request.callee != MANAGEMENT or request.method not in _CREATE:
        raise HttpProblem(400, "Only canister creation can be called on a subnet")
    _check_size(node, request, len(body))
    return _serve(node, _incoming(node, envelope, request, subnet_id, len(body)), wait=True)


def _check_url(request: Request, effective_id: bytes) -> None:
    if request.callee == MANAGEMENT:
        if effective_id == MANAGEMENT and request.method not in _CREATE:
            raise HttpProblem(400, "Canister aaaaa-aa does not belong to any subnet.")
        try:
            wanted = management.effective_canister(request)
        except management.ManagementReject:
            wanted = None  # the filter says it better
        if wanted is not None:
            check_effective_id(wanted, effective_id)
    else:
        check_effective_id(request.callee, effective_id)


def _check_size(node: Node, request: Request, size: int) -> None:
    origin, limit = request.origin, node.subnet.ingress_bytes
    assert isinstance(origin, FromUser), "bug: a signed call without a user"
    counted = size + len(origin.request_id)  # as DFINITY's replica counts a message
    if counted > limit:
        raise HttpProblem(
            413,
            f"Request 0x{origin.request_id.hex()} is too large. "
            f"Message byte size {counted} is larger than the max allowed {limit}.",
        )


def _serve(node: Node, incoming: IngressMessage, *, wait: bool) -> HttpResponse:
    origin = incoming.request.origin
    assert isinstance(origin, FromUser), "bug: a signed call without a user"
    request_id = origin.request_id
    if node.is_known_elsewhere(request_id):
        raise HttpProblem(
            400, "The same request was sent to another subnet; a nonce makes it another request"
        )
    if request_id not in node.state.requests:
        refusal = ingress_filter.inspect(node, incoming)
        if refusal is not None:
            status = {"status": "non_replicated_rejection"} if wait else {}
            return cbor_response(status | reject_fields(refusal))
    if not wait:
        if request_id not in node.state.requests:
            node.runner.submit(incoming, wake=True)
        return accepted()
    if node.runner.perform(incoming, node.config.sync_wait_s) is None:
        return accepted()
    certificate = node.certified.certificate([(b"request_status", request_id)])
    body = cbor.encode({"status": "replied", "certificate": certificate})
    return HttpResponse(status=200, headers=CBOR, body=body)


def _incoming(
    node: Node, envelope: Envelope, request: Request, effective_id: bytes, size: int
) -> IngressMessage:
    expiry = envelope.content["ingress_expiry"]
    record = RequestRecord(
        sender=request.caller, effective_id=effective_id, canister=request.callee, forget_ns=expiry
    )
    return IngressMessage(request, record, expiry, size, node.subnet.id)
