"""Certificates: every rule of verification, and that no bit can change unnoticed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.errors import CertificateError, ProtocolError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    Certificate,
    Delegation,
    Found,
    bls,
    build,
    cbor,
    covers,
    leb128_encode,
    prune,
    sign_certificate,
    sign_root,
)
from ic_harness.protocol.certificate import check_window

NOW = 1_700_000_000 * 10**9
MINUTE = 60 * 10**9
ROOT = bls.keypair(b"root" * 8)
SUBNET = bls.keypair(b"subnet" * 8)
SUBNET_ID = Principal.self_authenticating(SUBNET.public_der)
INSIDE = Principal(bytes.fromhex("00000000000000050101"))
OUTSIDE = Principal(bytes.fromhex("00000000000000090101"))
LOW, HIGH = bytes.fromhex("00000000000000000101"), bytes.fromhex("00000000000000060101")
RANGES = cbor.encode([[LOW, HIGH]])


def delegation(content=None, *, signer=ROOT, subnet_id=SUBNET_ID.raw, inner=None):
    """A delegation of the root subnet; arguments replace its good parts."""
    tree = build(
        content
        or {
            b"subnet": {SUBNET_ID.raw: {b"public_key": SUBNET.public_der, b"canister_ranges": RANGES}},
            b"time": leb128_encode(NOW),
        }
    )
    return Delegation(subnet_id, sign_certificate(tree, signer, inner).to_cbor())


def certificate(key=ROOT, grant=None, time_ns=NOW):
    """A certificate with a time and a reply."""
    tree = build({b"time": leb128_encode(time_ns), b"request_status": {b"id": {b"reply": b"yes"}}})
    return sign_certificate(tree, key, grant)


def verify(cert, *, canister_id=INSIDE, now_ns=NOW, root=ROOT.public_der):
    """Verify with the defaults of this file, after a round trip through CBOR."""
    Certificate.from_cbor(cert.to_cbor()).verify(root, canister_id=canister_id, now_ns=now_ns)


def test_of_the_root_subnet():
    """The root key alone proves a certificate of the root subnet."""
    verify(certificate())
    assert certificate().time_ns == NOW
    assert certificate().lookup((b"request_status", b"id", b"reply")) == Found(b"yes")


def test_with_delegation():
    """A delegation proves the key of another subnet."""
    verify(certificate(SUBNET, delegation()))


def test_with_sharded_ranges():
    """Ranges may stand in shards at the root of the tree."""
    content = {
        b"subnet": {SUBNET_ID.raw: {b"public_key": SUBNET.public_der}},
        b"canister_ranges": {
            SUBNET_ID.raw: {LOW: RANGES, b"\x00" * 7 + b"\x08\x01\x01": cbor.encode([[b"\x09", b"\x0a"]])}
        },
        b"time": leb128_encode(NOW),
    }
    grant = delegation(content)
    verify(certificate(SUBNET, grant))
    with pytest.raises(CertificateError, match="not responsible"):
        verify(certificate(SUBNET, grant), canister_id=OUTSIDE)


def test_one_signature_serves_every_pruning():
    """The signature of the whole tree is valid for what is left after pruning."""
    tree = build({b"time": leb128_encode(NOW), b"a": b"1", b"b": b"2"})
    signature = sign_root(tree, ROOT)
    for path in ((b"a",), (b"b",), (b"q",)):
        verify(Certificate(prune(tree, [path, (b"time",)]), signature))


REFUSED = {
    "signed by another key": (certificate(SUBNET), {}, "signature"),
    "another network's root key": (certificate(), {"root": SUBNET.public_der}, "signature"),
    "too old": (certificate(time_ns=NOW - 5 * MINUTE - 1), {}, "old"),
    "from the future": (certificate(time_ns=NOW + 5 * MINUTE + 1), {}, "future"),
    "outside the range": (certificate(SUBNET, delegation()), {"canister_id": OUTSIDE}, "not responsible"),
    "delegation by a stranger": (certificate(SUBNET, delegation(signer=SUBNET)), {}, "signature"),
    "delegation in a delegation": (certificate(SUBNET, delegation(inner=delegation())), {}, "itself"),
    "delegation for another subnet": (certificate(SUBNET, delegation(subnet_id=b"\x01")), {}, "prove a key"),
    "delegation for no principal": (
        certificate(SUBNET, delegation(subnet_id=b"\x01" * 30)),
        {},
        "no principal",
    ),
    "delegation without ranges": (
        certificate(
            SUBNET,
            delegation(
                {
                    b"subnet": {SUBNET_ID.raw: {b"public_key": SUBNET.public_der}},
                    b"time": leb128_encode(NOW),
                }
            ),
        ),
        {},
        "not responsible",
    ),
    "delegation of the next century": (
        certificate(SUBNET, delegation(), time_ns=NOW - 100 * 365 * 24 * 60 * MINUTE // 10),
        {"now_ns": NOW - 100 * 365 * 24 * 60 * MINUTE // 10},
        "delegation is",
    ),
    "delegation of last year": (
        certificate(SUBNET, delegation(), time_ns=NOW + 40 * 24 * 60 * MINUTE),
        {"now_ns": NOW + 40 * 24 * 60 * MINUTE},
        "delegation is",
    ),
    "no time": (sign_certificate(build({b"a": b"b"}), ROOT), {}, "no time"),
    "time that is no number": (sign_certificate(build({b"time": b"\x80"}), ROOT), {}, "not a number"),
}


@pytest.mark.parametrize(("cert", "options", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused(cert, options, reason):
    """Each broken rule is a certificate error that names it."""
    with pytest.raises(CertificateError, match=reason):
        verify(cert, **options)


GOOD = certificate(SUBNET, delegation()).to_cbor()


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 8 * len(GOOD) - 1))
def test_every_single_bit_counts(position):
    """A certificate with one bit changed anywhere, delegation included, is refused with a protocol error."""
    changed = bytearray(GOOD)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(ProtocolError):
        Certificate.from_cbor(bytes(changed)).verify(
            ROOT.public_der, canister_id=INSIDE, now_ns=NOW, max_age_ns=MINUTE
        )


DAY = 24 * 60 * MINUTE


@pytest.mark.parametrize("age", [-5 * MINUTE, 0, 5 * MINUTE])
def test_ages_up_to_the_limit(age):
    """A certificate is accepted for five minutes, both ways, the limit included."""
    verify(certificate(time_ns=NOW - age))


@pytest.mark.parametrize("age", [-5 * MINUTE, 0, 30 * DAY])
def test_ages_of_a_delegation_up_to_the_limit(age):
    """The delegation of a fresh certificate may be 30 days old, but like any certificate not from the future."""
    now_ns = NOW + age
    verify(certificate(SUBNET, delegation(), time_ns=now_ns), now_ns=now_ns)
    beyond = now_ns + (1 if age > 0 else -1)
    if age:
        with pytest.raises(
            CertificateError, match="delegation is .* s old" if age > 0 else "delegation is .* future"
        ):
            verify(certificate(SUBNET, delegation(), time_ns=beyond), now_ns=beyond)


def test_a_fraction_of_a_second_too_old():
    """The error says old for any age above the limit."""
    with pytest.raises(CertificateError, match="answer is 0 s old"):
        check_window("answer", NOW, NOW + 400_000_000, 0)


@pytest.mark.parametrize(
    ("raw", "inside"),
    [
        (LOW, True),
        (HIGH, True),
        (LOW[:-3] + b"\x00\x01\x00", False),
        (HIGH[:-3] + b"\x06\x01\x02", False),
    ],
)
def test_ranges_include_their_ends(raw, inside):
    """Both ends of a range belong to it, and so does the first id of a shard; the ids beside them do not."""
    flat = build({b"subnet": {b"s": {b"canister_ranges": RANGES}}})
    sharded = build({b"canister_ranges": {b"s": {LOW: RANGES}}})
    assert covers(flat, b"s", Principal(raw)) is inside
    assert covers(sharded, b"s", Principal(raw)) is inside


RANGES_OF_OTHERS = build(
    {b"canister_ranges": {b"other": {LOW: RANGES}}, b"subnet": {b"s": {b"public_key": b""}}}
)


@pytest.mark.parametrize("shown", [(b"subnet", b"s"), (b"canister_ranges",)])
def test_pruned_ranges_are_unknown(shown):
    """While one of the two places of ranges is pruned, the answer is an error and not a no."""
    assert not covers(RANGES_OF_OTHERS, b"s", INSIDE)
    with pytest.raises(CertificateError, match="shows no canister ranges"):
        covers(prune(RANGES_OF_OTHERS, [shown]), b"s", INSIDE)


def test_who_signed():
    """A certificate names the subnet that signed it, and has the tree that shows that subnet's ranges."""
    own, granted = certificate(), certificate(SUBNET, delegation())
    assert own.subnet_id(ROOT.public_der) == Principal.self_authenticating(ROOT.public_der).raw
    assert own.ranges_tree is own.tree
    assert granted.subnet_id(ROOT.public_der) == SUBNET_ID.raw
    assert covers(granted.ranges_tree, SUBNET_ID.raw, INSIDE)


@pytest.mark.parametrize("grant", [5, {}, {"subnet_id": b"s"}, {"subnet_id": "s", "certificate": b""}])
def test_form_of_a_delegation(grant):
    """A delegation of another form is refused, not left out."""
    fields = cbor.decode(certificate().to_cbor()) | {"delegation": grant}
    with pytest.raises(CertificateError, match="delegation needs"):
        Certificate.from_cbor(cbor.encode(fields))


@pytest.mark.parametrize("value", [[], {}, {"tree": [0]}, {"tree": [0], "signature": "text"}, 5, None])
def test_form(value):
    """What is no certificate at all is refused with a protocol error."""
    with pytest.raises(ProtocolError):
        Certificate.from_cbor(cbor.encode(value))


@pytest.mark.parametrize("ranges", [5, [5], [[b"a"]], [["a", "b"]], {}])
def test_malformed_ranges(ranges):
    """Ranges of another form are an error, not "responsible for nothing"."""
    tree = build({b"subnet": {b"s": {b"canister_ranges": cbor.encode(ranges)}}})
    with pytest.raises(CertificateError, match="ranges"):
        covers(tree, b"s", INSIDE)
