"""Reading the certified state: what is shown, what is refused, what is provably absent."""

from __future__ import annotations

import pytest

from ic_harness.principal import Principal
from ic_harness.protocol import (
    AnonymousIdentity,
    Ed25519Identity,
    Found,
    Missing,
    cbor,
    leb128_decode,
    list_children,
    lookup,
    lookup_value,
)
from tests.replica.support import Wire, create, install, wasm


def test_time_is_in_every_certificate(replica, wire, rust):
    """Even without paths the certificate shows the time, which is that of the clock."""
    tree = wire.tree(rust.id)
    time = lookup_value(tree, (b"time",))
    assert time is not None
    shift = leb128_decode(time) - replica.clock.now_ns()
    assert 0 <= shift < 500_000_000


def test_a_module_hash_is_that_of_the_uploaded_bytes(wire, rust):
    """module_hash covers the bytes as sent, gzip included."""
    import hashlib

    tree = wire.tree(rust.id, (b"canister", rust.id.raw, b"module_hash"))
    found = lookup_value(tree, (b"canister", rust.id.raw, b"module_hash"))
    assert found == hashlib.sha256(wasm("rust/rust")).digest()


def test_controllers_are_a_cbor_list(wire, rust):
    """Controllers come as self-described CBOR."""
    tree = wire.tree(rust.id, (b"canister", rust.id.raw, b"controllers"))
    encoded = lookup_value(tree, (b"canister", rust.id.raw, b"controllers"))
    assert encoded is not None
    assert cbor.decode(encoded) == [rust.sender.raw]


def test_an_empty_canister_has_controllers_but_no_module(replica, wire):
    """What an empty canister lacks is provably absent."""
    empty = create(replica)
    base = (b"canister", empty.raw)
    tree = wire.tree(
        empty, (*base, b"module_hash"), (*base, b"controllers"), (*base, b"metadata", b"candid:service")
    )
    assert lookup(tree, (*base, b"module_hash")) is Missing.ABSENT
    assert lookup(tree, (*base, b"metadata", b"candid:service")) is Missing.ABSENT
    assert isinstance(lookup(tree, (*base, b"controllers")), Found)


def test_public_metadata_is_for_everybody(replica, wire, rust):
    """candid:service is readable by whoever asks."""
    path = (b"canister", rust.id.raw, b"metadata", b"candid:service")
    anonymous = Wire(replica, AnonymousIdentity())
    service = lookup_value(anonymous.tree(rust.id, path), path)
    assert service is not None
    assert b"service" in service


def test_an_unknown_request_is_provably_absent(wire, rust):
    """The status of a request that never came is absent, not pruned."""
    path = (b"request_status", b"\x55" * 32)
    assert lookup(wire.tree(rust.id, path), (*path, b"status")) is Missing.ABSENT


def test_only_its_sender_sees_a_request(replica, wire, rust):
    """Somebody else's request status is 403."""
    envelope, _ = wire.call(rust.id, "get")
    stranger = Wire(replica, Ed25519Identity.from_seed(b"s" * 32))
    answer = stranger.read(rust.id, (b"request_status", envelope.request_id))
    assert (answer.status, answer.body) == (
        403,
        b"The user tries to access Request ID not signed by the caller.",
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ([], 404),
        ([b"canister"], 404),
        ([b"request_status"], 404),
        ([b"request_status", b"short"], 400),
        ([b"request_status", b"x" * 32, b"everything"], 404),
        ([b"streams"], 404),
        ([b"metadata"], 404),
        ([b"canister_ranges"], 404),
        ([b"time", b"x"], 404),
        ([b"subnet", b"s", b"metrics"], 404),
    ],
)
def test_disallowed_paths(wire, rust, path, status):
    """Paths that would show too much, or do not exist, are refused."""
    assert wire.read(rust.id, path).status == status


@pytest.mark.parametrize("field", [b"certified_data", b"cycles"])
def test_fields_of_canisters_that_never_leak(wire, rust, field):
    """Certified data and unknown fields cannot be read through read_state."""
    assert wire.read(rust.id, [b"canister", rust.id.raw]).status == 404
    assert wire.read(rust.id, [b"canister", rust.id.raw, field]).status == 404


def test_another_canister_than_that_of_the_url_is_400(wire, rust, other):
    """The canister in the path must be that of the URL."""
    assert wire.read(rust.id, (b"canister", other.id.raw, b"module_hash")).status == 400


def test_one_request_id_at_a_time(wire, rust):
    """Two different request ids in one reading are refused."""
    paths = [(b"request_status", bytes([n]) * 32) for n in (1, 2)]
    assert wire.read(rust.id, *paths).status == 400
    assert wire.read(rust.id, paths[0], (*paths[0], b"status")).status == 200


def test_the_subnet_shows_ranges_and_node_keys(replica, wire, rust):
    """What agents need to check query signatures is there: ranges in two forms, node keys, root key."""
    subnet = replica.node.subnet
    tree = wire.tree(rust.id, (b"subnet",))
    encoded = lookup_value(tree, (b"subnet", subnet.id, b"canister_ranges"))
    assert encoded is not None
    ranges = cbor.decode(encoded)
    assert any(low <= rust.id.raw <= high for low, high in ranges)
    assert list_children(tree, (b"subnet", subnet.id, b"node")) == [subnet.node_id]
    key = lookup_value(tree, (b"subnet", subnet.id, b"node", subnet.node_id, b"public_key"))
    assert key is not None
    assert len(key) == 44
    shards = wire.tree(subnet.principal, (b"canister_ranges", subnet.id), place="subnet")
    assert list_children(shards, (b"canister_ranges", subnet.id)) == [ranges[0][0]]


def test_unasked_siblings_are_pruned(wire, rust):
    """A certificate shows what was asked for and nothing else."""
    tree = wire.tree(rust.id, (b"canister", rust.id.raw, b"controllers"))
    assert lookup(tree, (b"canister", rust.id.raw, b"module_hash")) is Missing.UNKNOWN
    assert lookup(tree, (b"request_status",)) is Missing.UNKNOWN


def test_private_metadata_is_for_controllers(replica, wire):
    """A private section is 403 for others and shown to controllers."""
    import gzip

    canister = create(replica, wire.identity.principal)
    install(
        replica,
        canister,
        gzip.compress(b"\0asm\1\0\0\0" + section(b"icp:private secret", b"hush")),
        sender=wire.identity.principal,
    )
    path = (b"canister", canister.raw, b"metadata", b"secret")
    assert lookup_value(wire.tree(canister, path), path) == b"hush"
    assert Wire(replica, AnonymousIdentity()).read(canister, path).status == 403


def section(name, content):
    body = bytes([len(name)]) + name + content
    return b"\0" + bytes([len(body)]) + body


def test_management_status_under_another_effective_id(replica, wire, rust, other):
    """The status of a request is readable where it was sent, not under another canister."""
    envelope, _ = wire.call(rust.id, "get")
    assert wire.read(other.id, (b"request_status", envelope.request_id)).status == 400
    assert wire.read(rust.id, (b"request_status", envelope.request_id)).status == 200
    assert Principal(rust.id.raw) == rust.id


def test_a_section_may_have_an_empty_name(replica, wire):
    """`icp:public ` with nothing behind the space is a section, read at a path whose last label is empty."""
    canister = create(replica, wire.identity.principal)
    module = b"\0asm\1\0\0\0" + section(b"icp:public ", b"a")
    install(replica, canister, module, sender=wire.identity.principal)
    path = (b"canister", canister.raw, b"metadata", b"")
    assert lookup_value(wire.tree(canister, path), path) == b"a"
