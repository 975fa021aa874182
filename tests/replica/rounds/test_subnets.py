"""Several subnets in one network: certificates by delegation, routing, and which subnet a canister is on."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import CertificateError, InputError, RejectError
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, Ed25519Identity, cbor
from ic_harness.replica import SubnetKind, SubnetSpec, parse_subnets
from ic_harness.replica.management.call import interface
from tests.replica.subnets import NOTHING, create_on, deploy_on, first_id, forward
from tests.replica.support import MANAGEMENT, Called, Wire, create, management

DAY = 24 * 3600 * 10**9


@pytest.fixture
def several_wire(several):
    return Wire(several, Ed25519Identity.from_seed(b"a" * 32))


def test_new_canisters_are_on_the_subnet_one_names(several, pair):
    """A canister gets an id of the range of the subnet that was asked for, by default the first application one."""
    _, one, two = several.nodes.all
    assert pair[0].id.raw in one.state.canisters
    assert pair[1].id.raw in two.state.canisters
    assert create(several).raw in one.state.canisters


def test_certificates_carry_a_delegation(several, several_wire, pair):
    """Only the root subnet signs by itself; a delegation covers the subnet's own canisters and no others."""
    now = several.clock.now_ns()
    for canister, other, node in zip(pair, reversed(pair), several.nodes.all[1:], strict=True):
        answer = several_wire.read(canister.id, (b"canister", canister.id.raw, b"module_hash"), (b"subnet",))
        certificate = Certificate.from_cbor(cbor.decode(answer.body)["certificate"])
        assert certificate.subnet_id(several.root_key) == node.subnet.id
        certificate.verify(several.root_key, canister_id=canister.id, now_ns=now)
        with pytest.raises(CertificateError, match="not responsible"):
            certificate.verify(several.root_key, canister_id=other.id, now_ns=now)
        path = (b"subnet", node.subnet.id, b"public_key")
        assert certificate.lookup_value(path) == node.subnet.public_key
    root = cbor.decode(several_wire.read(first_id(several.node), (b"time",)).body)["certificate"]
    assert Certificate.from_cbor(root).delegation is None


def test_a_delegation_is_renewed_with_the_time(several, several_wire, pair):
    """After a year of the network's time certificates are still believed."""
    several.advance_time(365 * DAY)
    pair[0].update("add", 1)
    several_wire.tree(pair[0].id, (b"canister", pair[0].id.raw, b"module_hash"))


def test_users_call_canisters_of_any_subnet(several_wire, pair):
    """Signed calls and queries go by the effective canister id, and their answers are certified."""
    for canister in pair:
        assert several_wire.verdict(canister.id, "get")["status"] == b"replied"
        assert cbor.decode(several_wire.query(canister.id, "get")[1].body)["status"] == "replied"


def test_a_subnets_state_is_read_by_its_id(several, several_wire):
    """Each subnet answers for itself: its metrics and ranges; an unknown subnet is refused."""
    for node in several.nodes.all:
        subnet = node.subnet
        paths = [(b"subnet", subnet.id, b"metrics"), (b"canister_ranges", subnet.id)]
        tree = several_wire.tree(subnet.principal, *paths, place="subnet")
        assert Certificate(tree, b"").lookup_value((b"subnet", subnet.id, b"metrics")) is not None
    unknown = Principal.self_authenticating(b"no subnet")
    answer = several_wire.read(unknown, (b"time",), place="subnet")
    assert (answer.status, answer.body) == (400, b"The subnet in the URL is not served here")


def test_metrics_count_the_bytes_of_canisters(several, several_wire, pair):
    """The memory that a subnet's canisters use, which goes down when one is uninstalled and deleted."""
    manage = management(several)

    def state_bytes():
        path = (b"subnet", several.nodes.all[1].subnet.id, b"metrics")
        tree = several_wire.tree(several.nodes.all[1].subnet.principal, path, place="subnet")
        return cbor.decode(Certificate(tree, b"").lookup_value(path) or b"")[1]

    one, _ = pair
    alone = state_bytes()
    assert alone == several.nodes.all[1].state.canisters[one.id.raw].memory_used > 1 << 16
    second = deploy_on(several, several.nodes.all[1], 1)
    assert state_bytes() > 1.9 * alone
    manage.update("uninstall_code", {"canister_id": second.id, "sender_canister_version": None})
    assert alone <= state_bytes() < 1.1 * alone
    manage.update("stop_canister", {"canister_id": second.id})
    manage.update("delete_canister", {"canister_id": second.id})
    assert state_bytes() == alone


def test_a_users_call_creates_a_canister_by_subnet_id(several, several_wire):
    """`/api/v4/subnet/<id>/call` creates on that subnet."""
    method = "provisional_create_canister_with_cycles"
    fields = {"amount": None, "settings": None, "specified_id": None}
    arg = candid.encode((fields,), interface().methods[method].arg_types)
    for number, node in enumerate(several.nodes.all):
        envelope = several_wire.seal_call(MANAGEMENT, method, arg, nonce=b"%d" % number)
        answer = several_wire.post(f"/api/v4/subnet/{node.subnet.principal}/call", envelope.to_cbor())
        seen = several_wire.certified_fields(cbor.decode(answer.body)["certificate"], envelope.request_id)
        made = candid.decode(seen["reply"], interface().methods[method].return_types)[0]["canister_id"]
        assert made.raw in node.state.canisters


def test_a_request_is_for_one_subnet(several, several_wire):
    """The same signed request is taken by one subnet; another one refuses it with a sentence."""
    method = "provisional_create_canister_with_cycles"
    fields = {"amount": None, "settings": None, "specified_id": None}
    arg = candid.encode((fields,), interface().methods[method].arg_types)
    envelope = several_wire.seal_call(MANAGEMENT, method, arg).to_cbor()
    answers = [
        several_wire.post(f"/api/v4/subnet/{node.subnet.principal}/call", envelope)
        for node in (*several.nodes.all[:2], several.nodes.all[0])
    ]
    assert [answer.status for answer in answers] == [200, 400, 200]
    assert b"another subnet" in answers[1].body


def test_ids_of_no_subnet_are_refused(several, several_wire, pair):
    """An id in no range is refused over HTTP, and by the subnet of a canister that calls it."""
    nowhere = Principal(bytes.fromhex("00000001000000000101"))
    refused = f"Canister {nowhere} does not belong to any subnet.".encode()
    assert several_wire.query(nowhere, "get")[1].body == refused
    with pytest.raises(RejectError, match="not found"):
        Called(several, nowhere, pair[0].service).update("get")
    assert forward(pair[0], nowhere)["Err"]["message"] == f"No route to canister {nowhere}"


def test_a_canister_over_the_range_boundary_is_refused(several, pair):
    """An id that belongs to another subnet cannot be asked for; on its own subnet it can."""
    theirs = Principal(pair[1].id.raw[:7] + b"\x05\x01\x01")
    with pytest.raises(RejectError, match="is not hosted by subnet"):
        create_on(several, several.nodes.all[1], specified_id=theirs)
    assert create(several, specified_id=theirs) == theirs


def test_a_subnet_without_free_ids_creates_no_canister(several):
    """When the range for new canisters is used up, creation is rejected, and another subnet's range is not touched."""
    node = several.nodes.all[1]
    node.state.next_index = int.from_bytes(node.subnet.ranges[-1][1][:8], "big")
    create(several)
    with pytest.raises(RejectError, match="No more canister ids"):
        create(several)


def test_canisters_create_canisters_on_their_own_subnet(several, pair):
    """Through aaaaa-aa a canister is made where its creator is; elsewhere only the NNS may make one."""
    root, one, two = several.nodes.all
    method = interface().methods["create_canister"]
    arg = candid.encode(({"settings": None, "sender_canister_version": None},), method.arg_types)

    def made(reply):
        return candid.decode(reply["Ok"], method.return_types)[0]["canister_id"].raw

    assert made(forward(pair[0], MANAGEMENT, "create_canister", arg, 10**12)) in one.state.canisters
    governor = deploy_on(several, root, 0)
    created = made(forward(governor, two.subnet.principal, "create_canister", arg, 10**12))
    assert created in two.state.canisters


@pytest.mark.parametrize("method", ["raw_rand", "create_canister", "absent"])
def test_only_canisters_of_the_root_call_subnets_by_their_ids(several, pair, method):
    """Others use aaaaa-aa: a call to a subnet's id, also to that of their own, leads nowhere."""
    for node in several.nodes.all:
        subnet = node.subnet.principal
        refused = forward(pair[0], subnet, method, cycles=10**12)["Err"]
        why = f"Unable to route management canister request {method}: AlreadyResolved({subnet})"
        assert refused == {"code": 3, "message": why}
    governor = deploy_on(several, several.nodes.all[0], 0)
    for node in several.nodes.all:
        assert "Ok" in forward(governor, node.subnet.principal, "raw_rand")


def test_management_calls_reach_the_canisters_subnet(several, pair):
    """A canister manages one on another subnet through aaaaa-aa; the id decides, as in message routing."""
    one, two = pair
    controllers = {"controllers": [one.id, two.sender]}
    management(several).update("update_settings", {"canister_id": two.id, "settings": controllers})
    for method in ("canister_status", "stop_canister", "start_canister"):
        arg = candid.encode(({"canister_id": two.id},), interface().methods[method].arg_types)
        assert "Ok" in forward(one, MANAGEMENT, method, arg), method


def test_random_numbers_differ_between_subnets(several, pair):
    """Each subnet has a random tape of its own; threshold keys are the network's."""
    assert pair[0].update("random") != pair[1].update("random")
    one, two = (node.subnet for node in several.nodes.all[1:])
    assert one.network_seed == two.network_seed
    assert one.seed != two.seed


def test_instruction_limits_follow_the_kind(several):
    """System subnets allow 50 billion instructions a message, queries too; application subnets 40 and 5."""
    rules = [node.subnet.rules for node in several.nodes.all[:2]]
    assert [(each.type, each.update_instructions, each.query_instructions) for each in rules] == [
        ("system", 50_000_000_000, 50_000_000_000),
        ("application", 40_000_000_000, 5_000_000_000),
    ]


def test_outcalls_have_numbers_of_their_own(several):
    """One source answers the outcalls of all subnets, so no two subnets number from the same start."""
    assert len({node.state.next_outcall for node in several.nodes.all}) == len(several.nodes.all)


# --- the description of subnets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("application", ["application"]),
        ("nns", ["nns"]),
        ("application=2", ["nns", "application", "application"]),
        ("application=2,nns", ["nns", "application", "application"]),
        ("verified-application, system", ["nns", "system", "verified_application"]),
        ({"ii": 1, "application": 0}, ["ii"]),
    ],
)
def test_topologies_as_text(text, kinds):
    """Kinds in the order of creation; several subnets have an NNS, which is the root."""
    assert [spec.kind.value for spec in parse_subnets(text)] == kinds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no kind"),
        ("aplication=2", "application"),
        ("nns=2", "0 to 1 nns"),
        ("application=two", "whole number"),
        ("application=1,application=2", "given twice"),
        ("application=0", "at least one"),
        ("application=64", "at most 64"),
        ({"application": -1}, "0 to 64"),
        ([], "at least one"),
    ],
)
def test_wrong_topologies_are_refused(text, problem):
    """What is no network is refused with a sentence."""
    with pytest.raises(InputError, match=problem):
        parse_subnets(text)


def test_named_subnets_have_their_ranges_of_mainnet():
    """NNS and II share the first ids as on mainnet; new canisters get ids of blocks counted down from the top."""
    specs = parse_subnets("nns,ii,application")
    assert [spec.size for spec in specs] == [40, 34, 13]
    identity = Principal.from_text("rdmx6-jaaaa-aaaaa-aaadq-cai").raw
    ranges = [spec.ranges or () for spec in specs]
    assert ranges[1][0] == (identity, identity)
    starts = [str(Principal(each[-1][0])) for each in ranges]
    assert starts == [
        "lxzze-o7777-77777-aaaaa-cai",
        "7tjcv-pp777-77776-qaaaa-cai",
        "tqzl2-p7777-77776-aaaaa-cai",
    ]


def test_ranges_may_not_overlap():
    """Two subnets with a canister id in common are refused."""
    ranges = ((bytes(8) + b"\x01\x01", bytes(7) + b"\x09\x01\x01"),)
    with pytest.raises(InputError, match="two subnets"):
        parse_subnets([SubnetSpec(kind=SubnetKind.NNS, ranges=ranges), SubnetSpec(ranges=ranges)])


def test_calls_to_other_subnets_are_no_queries(pair):
    """A composite query reaches canisters of its own subnet only."""
    one, two = pair
    seen = one.query("gather", two.id, "get", NOTHING)
    assert seen["Err"]["code"] == 3
