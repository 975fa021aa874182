"""What things cost on an application subnet of 13 nodes, in cycles.

Internet Computer documentation, "Cycles costs".
"""

from __future__ import annotations

CREATE_CANISTER = 500_000_000_000
CALL_BASE = 260_000
CALL_PER_BYTE = 1_000
UPDATE_EXECUTION = 5_000_000
INSTRUCTION = 1
RESPONSE_LIMIT = 2 << 20
CALLBACK_INSTRUCTIONS = 40_000_000_000
NODES = 13

SIGN_WITH_ECDSA = {"dfx_test_key": 10_000_000_000, "test_key_1": 10_000_000_000, "key_1": 26_153_846_153}
SIGN_WITH_SCHNORR = dict(SIGN_WITH_ECDSA)
VETKD_DERIVE_KEY = dict(SIGN_WITH_ECDSA)


def call(request_bytes: int) -> int:
    """The prepayment for a call: request, largest response, and the callback at its instruction limit."""
    transmission = CALL_BASE + CALL_PER_BYTE * request_bytes + CALL_PER_BYTE * RESPONSE_LIMIT
    return transmission + UPDATE_EXECUTION + INSTRUCTION * CALLBACK_INSTRUCTIONS


def http_request(request_bytes: int, max_response_bytes: int, nodes: int = NODES) -> int:
    """An HTTPS outcall, made by every node."""
    return (3_000_000 + 60_000 * nodes + 400 * request_bytes + 800 * max_response_bytes) * nodes
