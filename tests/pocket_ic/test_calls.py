"""Calls and what is known of them, over both interfaces: PocketIC's and the Internet Computer's."""

from __future__ import annotations

import base64

import pytest

from ic_harness.principal import Principal
from ic_harness.protocol import Envelope
from tests.networks.conftest import COUNTER

from .conftest import ANONYMOUS, b64, wat

OTHER = b"\1\1"
CBOR = {"content-type": "application/cbor"}
FOUR_MINUTES = 240 * 10**9
INFORMED = """(module
    (import "ic0" "msg_caller_info_data_size" (func $size (result i32)))
    (import "ic0" "msg_caller_info_data_copy" (func $copy (param i32 i32 i32)))
    (import "ic0" "msg_caller_info_signer_size" (func $signer_size (result i32)))
    (import "ic0" "msg_caller_info_signer_copy" (func $signer_copy (param i32 i32 i32)))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (memory 1)
    (func $answer
        (call $copy (i32.const 0) (i32.const 0) (call $size))
        (call $append (i32.const 0) (call $size))
        (call $signer_copy (i32.const 0) (i32.const 0) (call $signer_size))
        (call $append (i32.const 0) (call $signer_size))
        (call $reply))
    (export "canister_update update" (func $answer))
    (export "canister_query query" (func $answer)))"""


@pytest.fixture
def counter(instance):
    """A counter on the instance."""
    return instance.install(wat(COUNTER))


def envelope(instance, kind, **content):
    """An unsigned request of the Internet Computer's interface."""
    expiry = instance.time() + FOUR_MINUTES
    return Envelope({"request_type": kind, "sender": ANONYMOUS, "ingress_expiry": expiry, **content})


def send(instance, canister, action, sent):
    """Send it to `/api/v2`; returns the response."""
    path = f"{instance.path}/api/v2/canister/{Principal(canister)}/{action}"
    return instance.client.http.post(path, content=sent.to_cbor(), headers=CBOR)


def read_status(instance, canister, message_id):
    """Read the certified status of a call as the anonymous user."""
    path = [[b"request_status", message_id]]
    return send(instance, canister, "read_state", envelope(instance, "read_state", paths=path))


def test_a_submitted_call_is_in_the_state_tree(instance, counter):
    """The message id is a request id: the certified state shows its answer to the sender, and to nobody else."""
    theirs = instance.submit(counter, "increment", sender=OTHER)["Ok"]["message_id"]
    ours = instance.submit(counter, "increment")["Ok"]["message_id"]
    instance.post("update/tick", {})
    refused = read_status(instance, counter, base64.b64decode(theirs))
    assert (refused.status_code, refused.text) == (
        403,
        "The user tries to access Request ID not signed by the caller.",
    )
    shown = read_status(instance, counter, base64.b64decode(ours))
    assert shown.status_code == 200
    assert b"replied" in shown.content


def test_status_of_a_call_over_the_other_interface(instance, counter):
    """A call that came by `/api/v2` has a status here, and can be waited for once a round took it."""
    call = envelope(
        instance, "call", canister_id=counter, method_name="increment", arg=b"DIDL\0\0", nonce=b"1"
    )
    sent = {"effective_principal": {"CanisterId": b64(counter)}, "message_id": b64(call.request_id)}
    assert instance.post("read/ingress_status", {"raw_message_id": sent}) is None
    assert send(instance, counter, "call", call).status_code == 202
    instance.post("update/tick", {})
    answer = instance.post("read/ingress_status", {"raw_message_id": sent})
    assert base64.b64decode(answer["Ok"]).endswith(b"\1\0\0\0")
    assert instance.post("update/await_ingress_message", sent) == answer
    other = {"raw_message_id": sent, "raw_caller": {"principal_id": b64(OTHER)}}
    assert "not signed by the caller" in instance.post("read/ingress_status", other, 403)["message"]


@pytest.mark.parametrize(("disabled", "status"), [(None, 400), (False, 400), (True, 202)])
def test_anybody_may_name_any_sender_where_that_is_wanted(client, disabled, status):
    """With `disable_ingress_validation` a request needs no signature; without, one of a named sender does."""
    made = client.create(disable_ingress_validation=disabled)
    canister = made.install(wat(INFORMED))
    call = envelope(made, "call", canister_id=canister, method_name="update", arg=b"", sender=OTHER)
    answer = send(made, canister, "call", call)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert "Missing signature from user" in answer.text
    else:
        made.post("update/tick", {})
        sent = {"effective_principal": {"CanisterId": b64(canister)}, "message_id": b64(call.request_id)}
        mine = {"raw_message_id": sent, "raw_caller": {"principal_id": b64(OTHER)}}
        assert made.post("read/ingress_status", mine) == {"Ok": ""}


def test_canisters_see_the_information_about_a_sender(instance):
    """`sender_info` reaches the canister without a signature, in updates and queries."""
    canister = instance.install(wat(INFORMED))
    call = {
        "sender": b64(OTHER),
        "canister_id": b64(canister),
        "payload": "",
        "effective_principal": "None",
        "sender_info": {"info": b64(b"member since 2021;"), "signer": b64(b"\7\1")},
    }
    submitted = instance.post("update/submit_ingress_message", {**call, "method": "update"})["Ok"]
    expected = {"Ok": b64(b"member since 2021;\7\1")}
    assert instance.post("update/await_ingress_message", submitted) == expected
    assert instance.post("read/query", {**call, "method": "query"}) == expected
    assert instance.post("read/query", {**call, "method": "query", "sender_info": None}) == {"Ok": ""}


def test_sender_info_of_the_wrong_form_is_refused(instance, counter):
    """Both fields are bytes."""
    call = {
        "sender": b64(OTHER),
        "canister_id": b64(counter),
        "method": "get",
        "payload": "",
        "effective_principal": "None",
        "sender_info": {"info": 7},
    }
    assert "`info` must be bytes" in instance.post("read/query", call, 400)["message"]
