"""The call endpoints: verdicts, replays, the ingress filter."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Ed25519Identity, cbor, leb128_decode
from tests.replica.support import ALICE, Wire, create, deploy, deploy_wat, did, management

ADD = "add"


def argument(value):
    return candid.encode((value,), did("rust/rust").methods["add"].arg_types)


@pytest.mark.parametrize("version", [3, 4])
def test_a_call_is_answered_with_a_certificate_of_its_reply(wire, rust, version):
    """A synchronous call gives the certified reply at once."""
    verdict = wire.verdict(rust.id, ADD, argument(1), version=version)
    assert verdict == {"status": b"replied", "reply": argument(8)}


def test_an_asynchronous_call_is_accepted_and_runs(wire, rust):
    """v2 answers 202 without a body, and reading the state finds the verdict."""
    envelope, answer = wire.call(rust.id, ADD, argument(1), version=2)
    assert (answer.status, answer.body) == (202, b"")
    status = (b"request_status", envelope.request_id)
    answer = wire.read(rust.id, status)
    fields = wire.certified_fields(cbor.decode(answer.body)["certificate"], envelope.request_id)
    assert fields == {"status": b"replied", "reply": argument(8)}


def test_the_same_request_runs_once(wire, rust):
    """An identical envelope is answered from the first run, whatever endpoint it comes to."""
    envelope = wire.seal_call(rust.id, ADD, argument(1))
    answers = [wire.post(f"/api/v{v}/canister/{rust.id}/call", envelope.to_cbor()) for v in (3, 4, 3, 2)]
    assert [answer.status for answer in answers] == [200, 200, 200, 202]
    assert rust.query("get") == 8


def test_a_trap_is_certified_with_its_codes(wire, rust):
    """What happens after acceptance is certified: status, codes and text of a trap."""
    verdict = wire.verdict(
        rust.id, "trap", candid.encode(("no",), did("rust/rust").methods["trap"].arg_types)
    )
    assert (verdict["status"], leb128_decode(verdict["reject_code"])) == (b"rejected", 5)
    assert verdict["error_code"] == b"IC0503"
    assert b"Canister called `ic0.trap` with message: 'no'" in verdict["reject_message"]


def test_a_reject_by_the_canister_is_certified(wire, rust):
    """A canister's own reject has code 4, its text and IC0406."""
    verdict = wire.verdict(
        rust.id, "reject", candid.encode(("no",), did("rust/rust").methods["reject"].arg_types)
    )
    assert (leb128_decode(verdict["reject_code"]), verdict["reject_message"]) == (4, b"no")
    assert verdict["error_code"] == b"IC0406"


def test_a_missing_update_method_is_certified(wire, rust):
    """A method that does not exist is told certified, with the text that developers know."""
    canister = deploy_wat(wire.replica, '(func (export "canister_update there") (call $reply))')
    verdict = wire.verdict(canister, "absent")
    assert verdict["error_code"] == b"IC0536"
    assert b"Canister has no update method 'absent'..\nCheck that" in verdict["reject_message"]


def rejection(answer):
    fields = cbor.decode(answer.body)
    assert answer.status == 200
    return fields.get("status"), fields["reject_code"], fields["error_code"], fields["reject_message"]


def test_the_filter_rejects_uncertified(wire, replica):
    """A canister that does not exist is refused before acceptance; v2 leaves out the status."""
    ghost = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
    text = f"Canister {ghost} not found"
    assert rejection(wire.call(ghost, "x")[1]) == ("non_replicated_rejection", 3, "IC0301", text)
    assert rejection(wire.call(ghost, "x", version=2)[1]) == (None, 3, "IC0301", text)


def test_an_empty_canister_is_refused(wire, replica):
    """A call to a canister without code is refused by the filter."""
    assert rejection(wire.call(create(replica), "x")[1])[2:] == (
        "IC0537",
        "Requested canister has no wasm module",
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [("", "IC0406"), ("(call $accept)", None), ("(call $trap (i32.const 0) (i32.const 1))", "IC0503")],
)
def test_inspect_message_decides(replica, wire, body, code):
    """canister_inspect_message must accept; silence and traps are refusals."""
    canister = deploy_wat(
        replica,
        f'(func (export "canister_inspect_message") {body}) (export "canister_update go" (func $show))',
    )
    fields = cbor.decode(wire.call(canister, "go")[1].body)
    assert fields.get("error_code") == code


@pytest.mark.parametrize(
    "call",
    [
        ("raw_rand", b"DIDL\0\0", "IC0406", "Only canisters can call ic00 method raw_rand"),
        ("no_such", b"DIDL\0\0", "IC0407", "Management canister has no method 'no_such'"),
        ("start_canister", b"junk", "IC0408", "Error decoding candid"),
        ("sign_with_ecdsa", b"", "IC0406", "Only canisters can call ic00 method sign_with_ecdsa"),
        ("bitcoin_get_utxos", b"", "IC0406", "Only canisters can call ic00 method bitcoin_get_utxos"),
        ("fetch_canister_logs", b"DIDL\0\0", "IC0406", "not accessible via ingress in replicated mode"),
    ],
)
def test_management_calls_are_filtered(wire, rust, call):
    """Management calls that cannot succeed are refused before acceptance, by name."""
    method, arg, code, text = call
    _, answer = wire.call(Principal.management(), method, arg, effective=rust.id)
    _, _, error_code, message = rejection(answer)
    assert error_code == code
    assert text in message


def test_only_controllers_pass_the_filter(wire, rust):
    """Somebody else's management call is refused with the text that tools look for."""
    arg = candid.encode(
        ({"canister_id": rust.id},), management(wire.replica).service.methods["stop_canister"].arg_types
    )
    _, answer = wire.call(Principal.management(), "stop_canister", arg, effective=rust.id)
    text = f"Only controllers of canister {rust.id} can call ic00 method stop_canister"
    assert rejection(answer) == ("non_replicated_rejection", 5, "IC0512", text)


def test_a_query_method_can_be_called_as_update(wire, rust):
    """A query method through /call runs replicated, its changes are dropped, its reply certified."""
    assert wire.verdict(rust.id, "get")["reply"] == argument(7)


def test_the_canister_must_be_that_of_the_url(wire, rust, other):
    """The canister in the content and the one in the URL must be the same."""
    _, answer = wire.call(rust.id, "get", effective=other.id)
    assert answer.status == 400
    assert b"does not match effective canister id in URL" in answer.body


def test_anonymous_may_call(replica, rust):
    """The anonymous caller needs no signature."""
    wire = Wire(replica, AnonymousIdentity())
    assert wire.verdict(rust.id, ADD, argument(1))["reply"] == argument(8)


def test_a_call_waits_while_rounds_are_held(replica, wire, rust):
    """A call that gets no verdict in time is accepted with 202 and found later."""
    replica.node.config = type(replica.config)(seed=b"test", clock=replica.clock, sync_wait_s=0.05)
    with replica.held():
        envelope, answer = wire.call(rust.id, ADD, argument(1))
        assert answer.status == 202
        replica.tick()
    tree = wire.tree(rust.id, (b"request_status", envelope.request_id))
    assert b"replied" in repr(tree).encode()


def test_a_call_that_expires_before_its_round_never_runs(replica, wire, rust):
    """A call whose expiry passes while rounds are held is rejected and not executed."""
    replica.node.config = type(replica.config)(seed=b"test", clock=replica.clock, sync_wait_s=0.05)
    with replica.held():
        envelope, _ = wire.call(rust.id, ADD, argument(1))
        replica.advance_time(300_000_000_000)
        replica.tick()
    answer = wire.read(rust.id, (b"request_status", envelope.request_id))
    fields = wire.certified_fields(cbor.decode(answer.body)["certificate"], envelope.request_id)
    assert fields["error_code"] == b"IC0202"
    assert rust.query("get") == 7


def test_another_identity_is_another_caller(replica, rust):
    """The canister sees the principal of the key that signed."""
    wire = Wire(replica, Ed25519Identity.from_seed(b"b" * 32))
    reply = wire.verdict(rust.id, "facts_update")["reply"]
    (facts,) = candid.decode(reply, did("rust/rust").methods["facts_update"].return_types)
    assert facts["caller"] == wire.identity.principal != ALICE
    assert facts["replicated"] is True


def test_subnet_endpoint_creates_only(wire, replica):
    """The subnet's call endpoint takes canister creation and nothing else."""
    envelope = wire.seal_call(Principal.management(), "raw_rand", b"DIDL\0\0")
    answer = wire.post(f"/api/v4/subnet/{replica.node.subnet.principal}/call", envelope.to_cbor())
    assert answer.status == 400
    known = management(replica).service.methods["provisional_create_canister_with_cycles"]
    arg = candid.encode(({"amount": 5, "settings": None, "specified_id": None},), known.arg_types)
    envelope = wire.seal_call(Principal.management(), known.name, arg)
    answer = wire.post(f"/api/v4/subnet/{replica.node.subnet.principal}/call", envelope.to_cbor())
    assert (
        wire.certified_fields(cbor.decode(answer.body)["certificate"], envelope.request_id)["status"]
        == b"replied"
    )


def test_two_calls_in_one_round_run_in_order(replica):
    """Calls submitted while rounds are held meet in one round and keep their order."""
    counter = deploy(replica, "rust/rust", 0)
    with replica.held():
        finish = [counter.submit("add", value) for value in (1, 2, 3)]
        round_before = replica.node.state.round
        replica.tick()
    assert [done() for done in finish] == [1, 3, 6]
    assert replica.node.state.round == round_before + 1


def test_the_management_canister_is_an_effective_id_for_creation_only(wire, replica, rust):
    """Under `aaaaa-aa` canisters are created; every other call, query or reading is refused by HTTP."""
    nothing = Principal.management()
    known = management(replica).service.methods["provisional_create_canister_with_cycles"]
    arg = candid.encode(({"amount": 5, "settings": None, "specified_id": None},), known.arg_types)
    assert wire.verdict(nothing, known.name, arg)["status"] == b"replied"
    stop = candid.encode(
        ({"canister_id": rust.id},), management(replica).service.methods["stop_canister"].arg_types
    )
    for method, argument_ in [("raw_rand", b"DIDL\0\0"), ("stop_canister", stop), ("no_such", b"")]:
        _, answer = wire.call(nothing, method, argument_)
        assert (answer.status, answer.body) == (400, b"Canister aaaaa-aa does not belong to any subnet.")
    assert wire.query(nothing, "canister_status", stop)[1].status == 400
    assert wire.read(nothing, (b"time",)).status == 400
