"""Checks of a request: sender, signature, expiry, and the canister in its URL.

Interface specification, "Authentication" and "Request types".
"""

from __future__ import annotations

from typing import Any

from ic_harness.errors import CborError, EnvelopeError
from ic_harness.principal import Principal
from ic_harness.protocol import Envelope, VerifiedSender, check_expiry, trust_envelope, verify_envelope
from ic_harness.replica.http.http_messages import HttpProblem
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.state.replicated_state import FromUser, Request


def authenticate(node: Node, body: bytes, kind: str) -> tuple[Envelope, VerifiedSender]:
    """Decode the envelope of a request of type `kind` and verify its signatures, unless the network trusts everybody.

    Raises `HttpProblem` 400.
    """
    now = node.clock.now_ns()
    try:
        envelope = Envelope.from_cbor(body)
        if node.config.check_signatures:
            sender = verify_envelope(envelope, now_ns=now, root_key=node.subnet.root_key)
        else:
            sender = trust_envelope(envelope)
        found = envelope.content["request_type"]
        if found != kind:
            raise HttpProblem(400, f"Unexpected request_type {found!r}, this endpoint takes {kind!r}")
        if kind == "call" or not sender.principal.is_anonymous:
            check_expiry(envelope.content["ingress_expiry"], now)
    except (CborError, EnvelopeError) as refusal:
        raise HttpProblem(400, str(refusal)) from None
    return envelope, sender


def check_effective_id(canister_id: bytes, effective_id: bytes) -> None:
    """The canister in the content must be the one in the URL. Raises `HttpProblem` 400."""
    if canister_id != effective_id:
        raise HttpProblem(
            400,
            f"Specified CanisterId {Principal(canister_id)} does not match effective canister id in URL "
            f"{Principal(effective_id)}",
        )


def to_request(envelope: Envelope, sender: VerifiedSender) -> Request:
    """Return the message of a verified call or query."""
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
