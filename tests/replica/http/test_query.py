"""Queries: signed answers, dropped changes, certified data, composite queries."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import CertificateError, RejectError
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, cbor, lookup_value, seal, verify_query_signatures
from ic_harness.replica.state.replicated_state import Status
from tests.replica.support import BOB, create, deploy, deploy_wat, did, management

NOTHING = b"DIDL\0\0"


def checked(replica, envelope, answer):
    fields = cbor.decode(answer.body)
    subnet = replica.node.subnet
    keys = {subnet.node_id: subnet.node_key}
    verify_query_signatures(fields, envelope.request_id, keys, now_ns=replica.clock.now_ns())
    return fields


def test_answers_are_signed_by_the_node(replica, wire, rust):
    """The node's signature covers the reply; a changed reply does not pass."""
    envelope, answer = wire.query(rust.id, "get")
    fields = checked(replica, envelope, answer)
    fields["reply"] = {"arg": b"forged"}
    subnet = replica.node.subnet
    with pytest.raises(CertificateError):
        verify_query_signatures(fields, envelope.request_id, {subnet.node_id: subnet.node_key}, now_ns=None)


@pytest.mark.parametrize(("method", "code"), [("absent", "IC0536"), ("add", "IC0536")])
def test_rejected_queries_are_signed_too(replica, wire, rust, method, code):
    """A reject is status 200, signed, with its error code; update methods are no queries."""
    fields = checked(replica, *wire.query(rust.id, method))
    assert (fields["status"], fields["error_code"]) == ("rejected", code)


def test_an_unknown_canister_is_a_signed_reject(replica, wire):
    """Asking a canister that does not exist is a signed reject, no HTTP error."""
    ghost = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
    fields = checked(replica, *wire.query(ghost, "x"))
    assert (fields["reject_code"], fields["reject_message"]) == (3, f"Canister {ghost} not found")


def test_an_empty_canister_answers_no_query(replica, wire):
    """A canister without code rejects queries."""
    assert checked(replica, *wire.query(create(replica), "x"))["error_code"] == "IC0537"


def test_what_a_query_changes_is_dropped(replica):
    """A query may write to memory, but nobody sees it afterwards."""
    canister = deploy_wat(
        replica,
        '(func (export "canister_query bump") (call $count) (call $show))',
    )
    assert [replica.execute_query(BOB, canister, "bump", b"") for _ in range(3)] == [b"\1"] * 3
    assert replica.execute_update(BOB, canister, "bump", b"") == b"\1"


def test_a_query_sees_its_data_certificate(replica, rust):
    """certified_data set by an update is proven by the certificate that a query gets."""
    rust.update("certify", b"proof")
    certificate = Certificate.from_cbor(rust.query("certificate"))
    certificate.verify(replica.root_key, canister_id=rust.id, now_ns=replica.clock.now_ns())
    assert lookup_value(certificate.tree, (b"canister", rust.id.raw, b"certified_data")) == b"proof"


def test_a_data_certificate_exists_without_data(rust):
    """A canister that never set certified data still gets a certificate."""
    certificate = Certificate.from_cbor(rust.query("certificate"))
    assert lookup_value(certificate.tree, (b"canister", rust.id.raw, b"certified_data")) == b""


def test_a_trapping_query_leaves_the_canister_alone(rust):
    """A query that traps is rejected with the usual text."""
    argument = candid.encode(("k", b"v"), did("rust/rust").methods["put"].arg_types)
    with pytest.raises(RejectError, match="IC050"):
        rust.replica.execute_query(BOB, rust.id, "list", argument)
    assert rust.query("get") == 7


def test_composite_queries_reach_other_canisters(rust, other):
    """A composite query gets the reply of another canister's query."""
    reply = rust.query("gather", other.id, "get", NOTHING)
    assert candid.decode(reply["Ok"], did("rust/rust").methods["get"].return_types) == (100,)


def test_a_composite_query_may_call_its_own_canister(rust):
    """The called method starts from committed state, also when it is the caller's own canister."""
    reply = rust.query("gather", rust.id, "get", NOTHING)
    assert candid.decode(reply["Ok"], did("rust/rust").methods["get"].return_types) == (7,)


def test_composite_queries_see_rejects(rust, other):
    """A failing callee is a reject with the error code in front of its text."""
    failed = rust.query("gather", other.id, "absent", NOTHING)["Err"]
    assert failed["code"] == 5
    assert failed["message"].startswith("IC0536: ")


def test_composite_queries_do_not_recurse_for_ever(rust):
    """A canister that asks itself over and over is stopped by the depth limit."""
    types = did("rust/rust").methods["gather"].arg_types
    arg = NOTHING
    method = "get"
    for _ in range(10):
        arg, method = candid.encode((rust.id, method, arg), types), "gather"
    reply = rust.query("gather", rust.id, method, arg)
    assert "IC0525" in repr(reply) or "Err" in repr(_unwrap(reply))


def _unwrap(reply):
    while "Ok" in reply:
        reply = candid.decode(reply["Ok"], did("rust/rust").methods["gather"].return_types)[0]
    return reply


def test_composite_queries_cannot_be_called_as_updates(rust, other):
    """A composite query is no update method."""
    types = did("rust/rust").methods["gather"].arg_types
    with pytest.raises(RejectError) as caught:
        rust.replica.execute_update(BOB, rust.id, "gather", candid.encode((other.id, "get", NOTHING), types))
    assert caught.value.error_code in {"IC0527", "IC0536"}


def test_composite_queries_ask_the_management_canister(replica, rust):
    """canister_status can be asked from a composite query, with the canister as caller."""
    arg = candid.encode(
        ({"canister_id": rust.id},), management(replica).service.methods["canister_status"].arg_types
    )
    assert "Ok" in rust.query("gather", Principal.management(), "canister_status", arg)


def test_stopped_canisters_answer_no_queries(replica, wire, rust):
    """A stopped canister rejects queries."""
    management(replica).update("stop_canister", {"canister_id": rust.id})
    assert checked(replica, *wire.query(rust.id, "get"))["error_code"] == "IC0508"


def test_motoko_composite_query(replica):
    """Motoko's composite queries await other canisters' queries."""
    counter = deploy(replica, "motoko/counter", 4)
    caller = deploy(replica, "motoko/caller")
    assert caller.query("through_query", str(counter.id)) == 8


def test_a_canister_answers_queries_only_while_it_runs(replica, rust, other):
    """A stopping or stopped canister refuses them, asked by users or by composite queries."""
    with replica.held():
        replica.canister(rust.id).status = Status.STOPPING
        with pytest.raises(RejectError) as caught:
            rust.query("get")
        assert (caught.value.error_code, caught.value.reject_message) == (
            "IC0509",
            f"Canister {rust.id} is not running",
        )
        assert "Err" in other.query("gather", rust.id, "get", NOTHING)
        replica.canister(rust.id).status = Status.RUNNING
    management(replica).update("stop_canister", {"canister_id": rust.id})
    assert "Err" in other.query("gather", rust.id, "get", NOTHING)
    with pytest.raises(RejectError) as caught:
        rust.query("get")
    assert (caught.value.error_code, caught.value.reject_message) == (
        "IC0508",
        f"Canister {rust.id} is stopped and therefore does not have a CallContextManager",
    )


def subnet_query(wire, replica, subnet, canister, method):
    content = wire.content("query", canister_id=canister, method_name=method, arg=b"DIDL\0\0")
    envelope = seal(content, wire.identity)
    return envelope, wire.post(f"/api/v3/subnet/{subnet}/query", envelope.to_cbor())


def test_a_subnet_query_is_answered_and_signed(wire, replica):
    """`list_canisters` can be asked on the subnet; the node signs the answer as for any query."""
    subnet = replica.node.subnet
    envelope, answer = subnet_query(wire, replica, subnet.principal, b"", "list_canisters")
    fields = cbor.decode(answer.body)
    assert (answer.status, fields["status"]) == (200, "rejected")  # the subnet has no administrators
    assert "not authorized" in fields["reject_message"]
    verify_query_signatures(fields, envelope.request_id, {subnet.node_id: subnet.node_key}, now_ns=None)


def test_subnet_queries_are_restricted(wire, replica, rust):
    """Other methods, other canisters and other subnets are refused with 400; other versions are 404."""
    subnet, other = replica.node.subnet.principal, Principal.self_authenticating(b"other subnet")
    for place, canister, method in [
        (subnet, b"", "canister_status"),
        (subnet, rust.id.raw, "list_canisters"),
        (subnet, rust.id.raw, "get"),
        (other, b"", "list_canisters"),
    ]:
        assert subnet_query(wire, replica, place, canister, method)[1].status == 400
    assert wire.post(f"/api/v2/subnet/{subnet}/query", b"").status == 404
