"""Answers to queries: signed by known nodes, fresh, and for this request."""

import pytest

from ic_harness.errors import CertificateError
from ic_harness.protocol import (
    Ed25519Identity,
    P256Identity,
    RequestId,
    sign_query_response,
    verify_query_signatures,
)

NOW = 1_700_000_000 * 10**9
MINUTE = 60 * 10**9
NODE, OTHER = Ed25519Identity.from_seed(b"\x01" * 32), Ed25519Identity.from_seed(b"\x02" * 32)
KEYS = {NODE.principal.raw: NODE.public_key_der}
REPLIED = {"status": "replied", "reply": {"arg": b"answer"}}
REJECTED = {"status": "rejected", "reject_code": 3, "reject_message": "no", "error_code": "IC0301"}
ID = RequestId(bytes(32))


def check(response, keys=None, request_id=ID):
    """Verify at `NOW`."""
    verify_query_signatures(response, request_id, KEYS if keys is None else keys, now_ns=NOW)


@pytest.mark.parametrize("response", [REPLIED, REJECTED], ids=["replied", "rejected"])
def test_signed(response):
    """Replies and rejects are signed and verify."""
    check(sign_query_response(response, ID, NOW, NODE))


GOOD = sign_query_response(REPLIED, ID, NOW, NODE)
BAD = {
    "no signatures": REPLIED,
    "empty list": REPLIED | {"signatures": []},
    "malformed": REPLIED | {"signatures": [{}]},
    "unknown node": sign_query_response(REPLIED, ID, NOW, OTHER),
    "two signatures of one node": sign_query_response(GOOD, ID, NOW, NODE),
    "another reply": GOOD | {"reply": {"arg": b"other"}},
    "an added field": GOOD | {"more": 1},
    "a field without hash": GOOD | {"more": 1.5},
    "old": sign_query_response(REPLIED, ID, NOW - 5 * MINUTE - 1, NODE),
    "future": sign_query_response(REPLIED, ID, NOW + 5 * MINUTE + 1, NODE),
    "error code dropped": {
        key: value
        for key, value in sign_query_response(REJECTED, ID, NOW, NODE).items()
        if key != "error_code"
    },
}


@pytest.mark.parametrize("response", BAD.values(), ids=BAD)
def test_refused(response):
    """Each defect is a certificate error."""
    with pytest.raises(CertificateError):
        check(response)


def test_another_request():
    """The answer to another request is refused, also when everything else is right."""
    with pytest.raises(CertificateError):
        check(GOOD, request_id=b"\x01" * 32)


def test_node_keys_are_ed25519():
    """A node key of another kind is refused."""
    node = P256Identity.generate()
    with pytest.raises(CertificateError, match="Ed25519"):
        check(sign_query_response(REPLIED, ID, NOW, node), {node.principal.raw: node.public_key_der})


DER = NODE.public_key_der


@pytest.mark.parametrize("key", [DER + b"\x00", DER[:-1], b"\x31" + DER[1:], b""])
def test_node_keys_have_the_form_of_ed25519(key):
    """A key of another length, or with another head, is no Ed25519 key."""
    with pytest.raises(CertificateError, match="not an Ed25519 key"):
        check(GOOD, {NODE.principal.raw: key})


def test_the_error_names_the_node():
    """A node is named by its principal, and what is none by its bytes."""
    with pytest.raises(CertificateError, match=f"signed by {OTHER.principal}, which"):
        check(sign_query_response(REPLIED, ID, NOW, OTHER))
    signature = {"timestamp": NOW, "signature": b"", "identity": b"\xab" * 30}
    with pytest.raises(CertificateError, match=f"signed by {'ab' * 30}, which"):
        check(REPLIED | {"signatures": [signature]})


@pytest.mark.parametrize("age", [-5 * MINUTE, 5 * MINUTE])
def test_ages_up_to_the_limit(age):
    """The response is accepted for five minutes, both ways."""
    check(sign_query_response(REPLIED, ID, NOW - age, NODE))
