"""Signatures of nodes under answers to queries.

Interface specification, "Query call": each node signs the hash of the answer without its signatures, plus the
request id and its own time. Nodes sign, clients verify.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ic_harness.errors import CertificateError, EnvelopeError
from ic_harness.principal import Principal
from ic_harness.protocol.certificate import MAX_AGE, check_window
from ic_harness.protocol.identity.base import Identity
from ic_harness.protocol.identity.der import ED25519_LENGTH, ED25519_PREFIX
from ic_harness.protocol.identity.verify import Trust, verify_signature
from ic_harness.protocol.request_id import RequestId, domain, hash_of_map

RESPONSE_DOMAIN: Final = domain(b"ic-response")


def response_hash(response: Mapping[str, Any], request_id: RequestId, timestamp: int) -> bytes:
    """The hash that a node signs for an answer.

    Every field but `signatures`, plus timestamp and request id.
    """
    signed = {name: value for name, value in response.items() if name != "signatures"}
    return hash_of_map(signed | {"timestamp": timestamp, "request_id": request_id})


def sign_query_response(
    response: Mapping[str, Any], request_id: RequestId, timestamp: int, node: Identity
) -> dict[str, Any]:
    """Return the response with the signature of one node (an Ed25519 identity) added."""
    signature = {
        "timestamp": timestamp,
        "signature": node.sign(RESPONSE_DOMAIN + response_hash(response, request_id, timestamp)),
        "identity": node.principal.raw,
    }
    return {**response, "signatures": [*response.get("signatures", []), signature]}


def verify_query_signatures(
    response: Mapping[str, Any],
    request_id: RequestId,
    node_keys: Mapping[bytes, bytes],
    *,
    now_ns: int | None,
    max_age_ns: int = MAX_AGE,
) -> None:
    """Check that at least one node signed the answer, and every signature that is there.

    `node_keys` maps node ids to their DER keys, from a verified certificate. `now_ns` None leaves out the
    age. Raises `CertificateError`.
    """
    signatures = response.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise CertificateError("the answer to a query carries no node signature")
    if len(signatures) > len(node_keys):
        raise CertificateError(f"{len(signatures)} signatures, but the subnet has {len(node_keys)} nodes")
    for signature in signatures:
        _verify_one(response, request_id, signature, node_keys)
        if now_ns is not None:
            check_window("answer to the query", signature["timestamp"], now_ns, max_age_ns)


def _verify_one(
    response: Mapping[str, Any], request_id: RequestId, signature: Any, node_keys: Mapping[bytes, bytes]
) -> None:
    match signature:
        case {"timestamp": int(timestamp), "signature": bytes(raw), "identity": bytes(node)}:
            pass
        case _:
            raise CertificateError("a node signature needs `timestamp`, `signature` and `identity`")
    key = node_keys.get(node)
    if key is None:
        raise CertificateError(f"the answer is signed by {_name(node)}, which is no node of the subnet")
    if len(key) != ED25519_LENGTH or not key.startswith(ED25519_PREFIX):
        raise CertificateError(f"the key of node {_name(node)} is not an Ed25519 key")
    try:
        payload = RESPONSE_DOMAIN + response_hash(response, request_id, timestamp)
        verify_signature(key, payload, raw, Trust(None, 0))
    except EnvelopeError:
        raise CertificateError(f"the signature of node {_name(node)} does not match the answer") from None


def _name(node: bytes) -> str:
    return str(Principal(node)) if len(node) <= 29 else node.hex()
