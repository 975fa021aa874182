"""The answer of a flexible outcall: the responses of its nodes, which need not agree.

Interface specification, "Method flexible_http_request". The source says what the nodes got; where it says fewer
answers than there are nodes, they got them in equal shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.replica.management.call import encode, interface
from ic_harness.replica.state.config import MAX_RESPONSE_BYTES
from ic_harness.replica.state.replicated_state import Answer, Outcall, Rejected, Replied

_METHOD = "flexible_http_request"


def collected(outcall: Outcall, results: Sequence[Answer], node_id: bytes) -> Replied:
    """Return what the canister gets: the responses, or an error with the failure of each node."""
    by_node = [results[node * len(results) // outcall.nodes] for node in range(outcall.nodes)]
    replies = [result for result in by_node if isinstance(result, Replied)][: outcall.max_responses]
    if len(replies) < outcall.min_responses or not replies:
        text = f"{len(replies)} of {outcall.nodes} nodes got a response, {outcall.min_responses} are needed"
        return _failed("too_many_rejects", text, _details(by_node, node_id))
    if sum(len(reply.data) for reply in replies) > MAX_RESPONSE_BYTES:
        text = f"The responses of the nodes together exceed {MAX_RESPONSE_BYTES} bytes"
        return _failed("responses_too_large", text, [])
    response_types = interface().methods["http_request"].return_types
    responses = [candid.decode(reply.data, response_types)[0] for reply in replies]
    return Replied(encode(_METHOD, ({"ok": responses},)))


def timed_out() -> Replied:
    """Return the error of an outcall that was not answered in time."""
    return _failed("timeout", "Canister http request timed out", [])


def _failed(cause: str, message: str, details: list[dict[str, Any]]) -> Replied:
    error = {"global_error": {cause: None}, "node_details": details, "message": message}
    return Replied(encode(_METHOD, ({"err": error},)))


def _details(results: Sequence[Answer], node_id: bytes) -> list[dict[str, Any]]:
    """Return the failure of each node that has one; no node measures what it used."""
    names = (
        "raw_response_bytes",
        "http_roundtrip_time_ms",
        "transform_instructions",
        "transformed_response_bytes",
        "cycles",
    )
    return [
        {
            "node_id": _node(node_id, number),
            "report": dict.fromkeys(names),
            "error": {"code": result.error_name, "message": result.message},
        }
        for number, result in enumerate(results)
        if isinstance(result, Rejected)
    ]


def _node(node_id: bytes, number: int) -> Principal:
    """Return the id of a simulated node: the first is the real one, the others follow from it."""
    return Principal(node_id) if number == 0 else Principal.self_authenticating(node_id + bytes([number]))
