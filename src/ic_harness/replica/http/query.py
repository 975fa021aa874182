"""The query endpoints. The node signs every answer, rejects included.

Interface specification, "Request: query".
"""

from __future__ import annotations

from typing import Any

from ic_harness.protocol import Envelope, sign_query_response
from ic_harness.replica import management
from ic_harness.replica.http.authentication import authenticate, check_effective_id, to_request
from ic_harness.replica.http.http_messages import (
    HttpProblem,
    HttpResponse,
    cbor_response,
    reject_fields,
)
from ic_harness.replica.rounds import queries
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.state.replicated_state import MANAGEMENT, Answer, Replied, Request


def query(node: Node, effective_id: bytes, body: bytes) -> HttpResponse:
    """Serve `/api/{v2,v3}/canister/<effective_id>/query`. Raises `HttpProblem`."""
    envelope, sender = authenticate(node, body, "query")
    request = to_request(envelope, sender)
    if request.callee != MANAGEMENT:
        check_effective_id(request.callee, effective_id)
    elif _concerns_other(request, effective_id):
        raise HttpProblem(400, "The canister_id of the argument does not match the effective canister id")
    return _signed(node, envelope, request)


def subnet_query(node: Node, subnet_id: bytes, body: bytes) -> HttpResponse:
    """Serve `/api/v3/subnet/<subnet_id>/query`: the management canister's `list_canisters` only.

    Interface specification, "Effective subnet id". Raises `HttpProblem`.
    """
    envelope, sender = authenticate(node, body, "query")
    request = to_request(envelope, sender)
    if subnet_id != node.subnet.id:
        raise HttpProblem(400, "The subnet in the URL is not served here")
    if request.callee != MANAGEMENT or request.method != "list_canisters":
        raise HttpProblem(400, "Only list_canisters of the management canister can be queried on a subnet")
    return _signed(node, envelope, request)


def _signed(node: Node, envelope: Envelope, request: Request) -> HttpResponse:
    fields = _fields(queries.execute(node, request))
    return cbor_response(sign_query_response(fields, envelope.request_id, node.clock.now_ns(), node.identity))


def _concerns_other(request: Request, effective_id: bytes) -> bool:
    try:
        wanted = management.effective_canister(request)
    except management.ManagementReject:
        return False  # the answer will tell what is wrong with the argument
    return wanted not in {None, effective_id}


def _fields(result: Answer) -> dict[str, Any]:
    if isinstance(result, Replied):
        return {"status": "replied", "reply": {"arg": result.data}}
    return {"status": "rejected", **reject_fields(result)}
