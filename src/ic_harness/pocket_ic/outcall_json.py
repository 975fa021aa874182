"""HTTPS outcalls in JSON: those that wait, and the responses that a test prepares for them."""

from __future__ import annotations

from typing import Any

from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.outcalls import PendingOutcalls
from ic_harness.pocket_ic.rejects import REJECT_CODES
from ic_harness.pocket_ic.subnets import Subnets
from ic_harness.replica import Outcall, OutcallAnswer, OutcallFailure, OutcallResponse, Subnet


def pending(outcalls: PendingOutcalls, subnets: Subnets) -> list[dict[str, Any]]:
    """The answer of `read/get_canister_http`."""
    return [_to_json(one, _subnet(one, subnets)) for one in outcalls.pending()]


def _subnet(outcall: Outcall, subnets: Subnets) -> Subnet:
    return subnets.of_canister(outcall.canister) or subnets.default


def _to_json(outcall: Outcall, subnet: Subnet) -> dict[str, Any]:
    return {
        "subnet_id": {"subnet_id": fields.to_base64(subnet.id)},
        "request_id": outcall.number,
        "http_method": outcall.method,
        "url": outcall.url,
        "headers": [{"name": name, "value": value} for name, value in outcall.headers],
        "body": fields.to_base64(outcall.body),
        "max_response_bytes": outcall.max_response_bytes,
        "replication": "FullyReplicated",
        "pricing_version": "Legacy",
    }


def mock(outcalls: PendingOutcalls, subnets: Subnets, body: Any) -> None:
    """Carry out `update/mock_canister_http`. Raises `ApiError`."""
    request = fields.record(body)
    subnet_id = fields.principal(fields.record(request.get("subnet_id"), "`subnet_id`"), "subnet_id")
    number = fields.natural(request, "request_id")
    more = fields.items(request.get("additional_responses"), "`additional_responses`")
    subnet = subnets.find(subnet_id)
    if subnet is None:
        raise ApiError(f"SubnetNotFound({fields.principal_text(subnet_id)})")
    nodes = subnet.nodes
    if len(more) not in {0, nodes - 1}:
        raise ApiError(f"InvalidMockCanisterHttpResponses(({1 + len(more)}, {nodes}))")
    answers = tuple(_response(one) for one in (request.get("response"), *more))
    waiting = {one.number: _subnet(one, subnets).id for one in outcalls.pending()}
    if waiting.get(number) != subnet_id or not outcalls.mock(number, answers):
        raise ApiError(f"InvalidCanisterHttpRequestId(({fields.principal_text(subnet_id)}, {number}))")


def _response(value: Any) -> OutcallAnswer:
    response = fields.record(value, "`response`")
    if "CanisterHttpReject" in response:
        reject = fields.record(response["CanisterHttpReject"], "`CanisterHttpReject`")
        code = fields.natural(reject, "reject_code")
        if code not in REJECT_CODES:
            raise ApiError(f"InvalidRejectCode({code})")
        return OutcallFailure(fields.text(reject, "message"), code)
    reply = fields.record(response.get("CanisterHttpReply"), "`CanisterHttpReply`")
    headers = [fields.record(one, "a header") for one in fields.items(reply.get("headers"), "`headers`")]
    return OutcallResponse(
        fields.natural(reply, "status", 0xFFFF),
        tuple((fields.text(one, "name"), fields.text(one, "value")) for one in headers),
        fields.blob(reply, "body"),
    )
