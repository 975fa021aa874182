"""Envelopes: who may send what, and that no bit can change unnoticed."""

import itertools
import json
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.errors import EnvelopeError, IdentityError, ProtocolError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    Envelope,
    P256Identity,
    Secp256k1Identity,
    bls,
    build,
    canister_key_der,
    cbor,
    check_content,
    check_expiry,
    create_delegation,
    digest,
    domain,
    leb128_encode,
    seal,
    sign_certificate,
    verify_envelope,
    write_canister_signature,
)
from ic_harness.protocol.delegation import chain_from_json, check_form
from ic_harness.protocol.request_id import REQUEST_DOMAIN

NOW = 1_700_000_000 * 10**9
MINUTE = 60 * 10**9
CANISTER = b"\x00\x00\x00\x00\x00\x00\x00\x05\x01\x01"
ALICE, BOB, CAROL = (Ed25519Identity.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
KINDS = [ALICE, Secp256k1Identity.from_seed(b"\x04" * 32), P256Identity.from_seed(b"\x05" * 32)]


def content(identity, **changes):
    """A good call content, with fields changed or, where None, left out."""
    fields = {
        "request_type": "call",
        "canister_id": CANISTER,
        "method_name": "hello",
        "arg": b"DIDL\x00\x00",
        "sender": identity.principal.raw,
        "ingress_expiry": NOW + MINUTE,
        "nonce": b"n",
    } | changes
    return {key: value for key, value in fields.items() if value is not None}


def check(envelope, **options):
    """Verify after a round trip through CBOR."""
    return verify_envelope(Envelope.from_cbor(envelope.to_cbor()), now_ns=NOW, **options)


@pytest.mark.parametrize("identity", [*KINDS, AnonymousIdentity()], ids=lambda i: type(i).__name__)
def test_every_scheme_signs_and_verifies(identity):
    """A sealed request tells its sender."""
    sender = check(seal(content(identity), identity))
    assert sender.principal == identity.principal
    assert sender.may_reach(CANISTER)


def test_delegation():
    """The sender is the first key; targets intersect; the chain may be long."""
    targets = [Principal(CANISTER), Principal(b"\x01")]
    first = DelegatedIdentity.delegate(ALICE, BOB, expiration_ns=NOW + 1, targets=targets)
    both = DelegatedIdentity.delegate(first, CAROL, expiration_ns=NOW + 1, targets=targets[:1])
    sender = check(seal(content(both), both))
    assert sender.principal == ALICE.principal
    assert sender.targets == frozenset({CANISTER})


def test_queries_only():
    """A delegation for queries allows queries and no calls."""
    limited = DelegatedIdentity.delegate(ALICE, BOB, expiration_ns=NOW + 1, permissions="queries")
    assert check(seal(content(limited, request_type="query"), limited)).permissions == "queries"
    with pytest.raises(EnvelopeError, match="queries only"):
        check(seal(content(limited), limited))


def signed(identity=ALICE, *, pubkey=None, chain=(), **changes):
    """An envelope signed without the checks of `seal`."""
    fields = content(identity, **changes)
    unsigned = Envelope(fields)
    signature = identity.sign(REQUEST_DOMAIN + unsigned.request_id)
    return Envelope(fields, pubkey or identity.public_key_der, signature, tuple(chain))


def link(signer, to, **options):
    """A signed delegation that is valid unless told otherwise."""
    return create_delegation(signer, to.public_key_der, **({"expiration_ns": NOW + 1} | options))


BAD = {
    "unsigned": (Envelope(content(ALICE)), "Missing signature from user"),
    "anonymous but signed": (
        Envelope(content(AnonymousIdentity()), ALICE.public_key_der, bytes(64)),
        "Signature is not allowed for the anonymous user.",
    ),
    "key of another": (signed(pubkey=BOB.public_key_der), "does not match the public key"),
    "signature of another": (
        Envelope(content(ALICE), ALICE.public_key_der, BOB.sign(b"x")),
        "Invalid signature",
    ),
    "expired link": (
        signed(
            BOB,
            pubkey=ALICE.public_key_der,
            chain=[link(ALICE, BOB, expiration_ns=NOW - 1)],
            sender=ALICE.principal.raw,
        ),
        "expired",
    ),
    "link by a stranger": (
        signed(BOB, pubkey=ALICE.public_key_der, chain=[link(CAROL, BOB)], sender=ALICE.principal.raw),
        "Invalid signature",
    ),
    "key twice": (
        signed(ALICE, pubkey=ALICE.public_key_der, chain=[link(ALICE, BOB), link(BOB, ALICE)]),
        "cycle",
    ),
    "target missing": (
        signed(
            BOB,
            pubkey=ALICE.public_key_der,
            chain=[link(ALICE, BOB, targets=[Principal(b"\x09")])],
            sender=ALICE.principal.raw,
        ),
        "not one of its targets",
    ),
    "unknown type": (signed(request_type="teleport"), "request_type"),
    "argument is text": (signed(arg="text"), "`arg`"),
    "no method": (signed(method_name=None), "`method_name`"),
    "long nonce": (signed(nonce=bytes(33)), "nonce"),
    "long canister id": (signed(canister_id=bytes(30)), "canister_id"),
    "expiry beyond nat64": (signed(ingress_expiry=1 << 64), "nat64"),
    "too many paths": (signed(request_type="read_state", paths=[[]] * 1001), "paths"),
    "too many labels": (signed(request_type="read_state", paths=[[b""] * 128]), "labels"),
    "path of texts": (signed(request_type="read_state", paths=[["time"]]), "byte strings"),
    "sender info of a plain key": (
        signed(sender_info={"info": b"", "signer": CANISTER, "sig": b""}),
        "sender_info",
    ),
}


@pytest.mark.parametrize(("envelope", "reason"), BAD.values(), ids=BAD)
def test_refused(envelope, reason):
    """Each broken rule is an envelope error that names it."""
    with pytest.raises(EnvelopeError, match=reason):
        check(envelope)


def test_too_many_links():
    """A chain of more than twenty links is refused before any signature is checked."""
    chain = [link(ALICE, BOB)] * 21
    with pytest.raises(EnvelopeError, match="21 links"):
        check(signed(BOB, pubkey=ALICE.public_key_der, chain=chain))


def test_links_up_to_the_limit():
    """Twenty links are accepted; one more is refused also in an envelope that was never CBOR."""
    keys = [Ed25519Identity.from_seed(bytes([n]) * 32) for n in range(22)]
    links = [link(signer, to) for signer, to in itertools.pairwise(keys)]
    fields = {"pubkey": keys[0].public_key_der, "sender": keys[0].principal.raw}
    assert check(signed(keys[20], chain=links[:20], **fields)).principal == keys[0].principal
    with pytest.raises(EnvelopeError, match="21 links"):
        verify_envelope(signed(keys[21], chain=links, **fields), now_ns=NOW)


def test_a_link_is_valid_until_its_expiration():
    """At its expiration a delegation is still valid."""
    envelope = signed(
        BOB,
        pubkey=ALICE.public_key_der,
        chain=[link(ALICE, BOB, expiration_ns=NOW)],
        sender=ALICE.principal.raw,
    )
    assert check(envelope).principal == ALICE.principal
    with pytest.raises(EnvelopeError, match="expired"):
        verify_envelope(Envelope.from_cbor(envelope.to_cbor()), now_ns=NOW + 1)


def test_targets_are_principals():
    """A target has at most 29 bytes, like every principal."""
    delegation = {"pubkey": b"k", "expiration": 0}
    check_form(delegation | {"targets": [bytes(29)]})
    with pytest.raises(EnvelopeError, match="list of principals"):
        check_form(delegation | {"targets": [bytes(29), bytes(30)]})


def test_a_chain_in_json_is_checked():
    """A link that breaks a rule is an identity error that names the rule."""
    chain = {
        "publicKey": "00",
        "delegations": [{"delegation": {"pubkey": "00", "expiration": "1" + "0" * 16}}],
    }
    with pytest.raises(IdentityError, match="nat64"):
        chain_from_json(json.dumps(chain))


def test_too_many_targets():
    """A thousand targets are allowed, one more is not."""
    create_delegation(ALICE, b"k", expiration_ns=1, targets=[Principal(b"\x01")] * 1000)
    with pytest.raises(EnvelopeError, match="1001 targets"):
        create_delegation(ALICE, b"k", expiration_ns=1, targets=[Principal(b"\x01")] * 1001)


GOOD = seal(content(ALICE), ALICE).to_cbor()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 8 * len(GOOD) - 1))
def test_every_single_bit_counts(position):
    """An envelope with one bit changed anywhere is refused, or is another spelling of the same request."""
    changed = bytearray(GOOD)
    changed[position // 8] ^= 1 << position % 8
    try:
        envelope = Envelope.from_cbor(bytes(changed))
        verify_envelope(envelope, now_ns=NOW)
    except ProtocolError:
        return
    assert envelope.content == Envelope.from_cbor(GOOD).content


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=40) | st.text(max_size=9) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=9) | st.binary(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = sorted(content(ALICE, paths=[], sender_info={}))


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), junk, max_size=4),
    st.dictionaries(st.sampled_from(["sender_pubkey", "sender_sig", "sender_delegation"]), junk),
    st.sampled_from([ALICE, AnonymousIdentity()]),
)
def test_junk_in_any_field_is_an_envelope_error(fields, outer, identity):
    """Whatever stands in a field, the answer is a verdict or a protocol error."""
    raw = {"content": content(identity) | fields, "sender_pubkey": identity.public_key_der} | outer
    try:
        encoded = cbor.encode(raw)
        verify_envelope(Envelope.from_cbor(encoded), now_ns=NOW)
    except ProtocolError:
        return
    assert identity == AnonymousIdentity()


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["pubkey", "expiration", "targets", "permissions", "x"]), junk))
def test_junk_in_a_delegation_is_an_envelope_error(fields):
    """Whatever stands in a delegation, signed or not, the answer is a protocol error."""
    delegation = {"pubkey": BOB.public_key_der, "expiration": NOW} | fields
    links = [{"delegation": delegation, "signature": bytes(64)}]
    raw = {"content": content(ALICE), "sender_pubkey": ALICE.public_key_der, "sender_sig": bytes(64)}
    with pytest.raises(ProtocolError):
        verify_envelope(Envelope.from_cbor(cbor.encode(raw | {"sender_delegation": links})), now_ns=NOW)


@pytest.mark.parametrize(
    "value",
    [
        5,
        [],
        {},
        {"content": 5},
        {"content": {1: 2}},
        {"content": {}, "sender_sig": 5},
        {"content": {}, "sender_delegation": 5},
        {"content": {}, "sender_delegation": [5]},
        {"content": {}, "sender_delegation": [{"delegation": {}, "signature": b""}]},
        {
            "content": {},
            "sender_delegation": [
                {"delegation": {"pubkey": b"", "expiration": 1, "permissions": []}, "signature": b""}
            ],
        },
        {
            "content": {},
            "sender_delegation": [
                {"delegation": {"pubkey": b"", "expiration": 1, "targets": ["x"]}, "signature": b""}
            ],
        },
    ],
)
def test_form(value):
    """What is no envelope is refused with the sentence for the HTTP answer."""
    with pytest.raises(EnvelopeError):
        Envelope.from_cbor(cbor.encode(value))


def test_null_counts_as_absent_and_unknown_keys_are_ignored():
    """Python clients send nulls, future clients send more keys."""
    raw = {
        "content": content(AnonymousIdentity()) | {"sender_info": None},
        "sender_sig": None,
        "more": 1,
        "sender_pubkey": None,
    }
    verify_envelope(Envelope.from_cbor(cbor.encode(raw)), now_ns=NOW)


@pytest.mark.parametrize("offset", [0, MINUTE, 5 * MINUTE + 30 * 10**9])
def test_expiry_accepted(offset):
    """From now to five and a half minutes ahead is a good expiry."""
    check_expiry(NOW + offset, NOW)


@pytest.mark.parametrize("offset", [-1, 5 * MINUTE + 30 * 10**9 + 1])
def test_expiry_refused(offset):
    """Outside of that the text begins as agents expect it, so that they look at their clock."""
    with pytest.raises(EnvelopeError, match=r"^Invalid request expiry: "):
        check_expiry(NOW + offset, NOW)


def test_seal_refuses_another_sender():
    """One cannot sign what would be refused anyway."""
    with pytest.raises(EnvelopeError):
        seal(content(BOB), ALICE)


ROOT = bls.keypair(b"root" * 8)
SEED = b"seed"
KEY = canister_key_der(Principal(CANISTER), SEED)


def canister_sign(payload, *, seed=SEED, key=ROOT, data=None):
    """Sign as a canister does; arguments break one part each."""
    tree = build({b"sig": {sha256(seed).digest(): {sha256(payload).digest(): b""}}})
    state = {b"canister": {CANISTER: {b"certified_data": data or digest(tree)}}, b"time": leb128_encode(NOW)}
    return write_canister_signature(sign_certificate(build(state), key), tree)


def by_canister(info=None, **options):
    """A request signed by a canister."""
    fields = content(ALICE, sender=Principal.self_authenticating(KEY).raw, sender_info=info)
    return Envelope(fields, KEY, canister_sign(REQUEST_DOMAIN + Envelope(fields).request_id, **options))


def test_canister_signature():
    """A canister signature proves its sender, given the root key."""
    sender = check(by_canister(), root_key=ROOT.public_der)
    assert sender.principal == Principal.self_authenticating(KEY)


@pytest.mark.parametrize(
    "options", [{"seed": b"other"}, {"key": bls.keypair(b"other" * 9)}, {"data": bytes(32)}]
)
def test_canister_signature_refused(options):
    """Another seed, another root, other certified data: each is refused."""
    with pytest.raises(EnvelopeError, match="Invalid signature"):
        check(by_canister(**options), root_key=ROOT.public_der)
    with pytest.raises(EnvelopeError, match="root key"):
        check(by_canister())


def test_sender_info():
    """Attributes signed by the identity's canister reach the receiver.

    With a wrong signer they are refused.
    """
    info = {
        "info": b"attributes",
        "signer": CANISTER,
        "sig": canister_sign(domain(b"ic-sender-info") + b"attributes"),
    }
    sender = check(by_canister(info), root_key=ROOT.public_der)
    assert (sender.info, sender.info_signer) == (b"attributes", CANISTER)
    with pytest.raises(EnvelopeError, match="signer"):
        check(by_canister(info | {"signer": b"\x01"}), root_key=ROOT.public_der)
    with pytest.raises(EnvelopeError, match="Invalid signature"):
        check(by_canister(info | {"info": b"forged"}), root_key=ROOT.public_der)


@pytest.mark.parametrize(
    "info", [5, {}, {"info": b"", "signer": CANISTER}, {"info": "", "signer": CANISTER, "sig": b""}]
)
def test_form_of_sender_info(info):
    """Attributes of another form are refused, not left out."""
    with pytest.raises(EnvelopeError, match="sender_info: expected"):
        check(by_canister(info), root_key=ROOT.public_der)


@pytest.mark.parametrize("expiration", [-1, 1 << 64, 1 << 500, True, 1.5, "1", None])
def test_expirations_are_nat64(expiration):
    """An expiration is ns since 1970 in 64 bits; a delegation for a hundred years is one like any other."""
    with pytest.raises(EnvelopeError, match="expiration"):
        create_delegation(ALICE, b"k", expiration_ns=expiration)
    century = create_delegation(ALICE, b"k", expiration_ns=NOW + 100 * 365 * 86_400 * 10**9)
    assert century.expiration < 1 << 64


def test_an_expiry_is_told_as_dates():
    """The text has the dates as DFINITY's replica writes them, with a fraction of three, six or nine digits."""
    now = 1_620_328_630_000_000_003
    with pytest.raises(EnvelopeError) as caught:
        check_expiry(1_620_328_629_500_000_000, now)
    assert str(caught.value) == (
        "Invalid request expiry: Specified ingress_expiry not within expected range: Minimum allowed expiry: "
        "2021-05-06 19:17:10.000000003 UTC, Maximum allowed expiry: 2021-05-06 19:22:40.000000003 UTC, "
        "Provided expiry: 2021-05-06 19:17:09.500 UTC"
    )
    with pytest.raises(EnvelopeError, match=r"Provided expiry: 2554-07-21 23:34:33\.709551615 UTC$"):
        check_expiry((1 << 64) - 1, now)
    with pytest.raises(EnvelopeError, match=r"Provided expiry: 1970-01-01 00:00:00 UTC$"):
        check_expiry(0, now)


def test_a_key_of_any_length_is_compared_with_its_sender():
    """The sender must be that of the key, each time, whether the key is short enough to be remembered or not."""
    for key in (ALICE.public_key_der, bytes(512), bytes(513)):
        own = Principal.self_authenticating(key)
        for sender, reason in [(BOB.principal, "does not match the public key"), (own, "Invalid")] * 2:
            envelope = Envelope(content(ALICE, sender=sender.raw), key, bytes(64))
            with pytest.raises(EnvelopeError, match=reason):
                check(envelope)


def test_the_anonymous_sender_has_no_attributes():
    """`sender_info` comes from the canister of an identity, which the anonymous sender is not."""
    info = {"info": b"i", "signer": CANISTER, "sig": b"s"}
    envelope = Envelope(content(AnonymousIdentity(), sender_info=info))
    with pytest.raises(EnvelopeError, match="not allowed for the anonymous user"):
        check(envelope)


@pytest.mark.parametrize("expiry", [0, (1 << 64) - 1])
def test_an_expiry_is_any_nat64(expiry):
    """The form allows every nat64; whether the time is right is `check_expiry`'s to say."""
    check_content(content(ALICE, ingress_expiry=expiry))


@pytest.mark.parametrize("expiry", [-1, 1 << 64])
def test_an_expiry_is_a_nat64(expiry):
    """Numbers beside the range are refused by name."""
    with pytest.raises(EnvelopeError, match="`ingress_expiry` is not a nat64"):
        check_content(content(ALICE, ingress_expiry=expiry))


@pytest.mark.parametrize(("length", "fits"), [(32, True), (33, False)])
def test_a_nonce_has_at_most_32_bytes(length, fits):
    """The limit of the specification, and one byte more."""
    fields = content(ALICE, nonce=bytes(length))
    if fits:
        check_content(fields)
        return
    with pytest.raises(EnvelopeError, match="`nonce` must be at most 32 bytes"):
        check_content(fields)


@pytest.mark.parametrize(("paths", "labels", "reason"), [(1001, 1, "1001 paths"), (1, 128, "128 labels")])
def test_paths_are_bounded(paths, labels, reason):
    """A thousand paths of 127 labels are accepted, one more of either is not."""
    fields = {"request_type": "read_state", "sender": ALICE.principal.raw, "ingress_expiry": NOW}
    check_content(fields | {"paths": [[b"x"] * 127] * 1000})
    with pytest.raises(EnvelopeError, match=reason):
        check_content(fields | {"paths": [[b"x"] * labels] * paths})


@pytest.mark.parametrize("paths", [5, {}, b"", [5], [[b"time", "text"]], [b"time"]])
@pytest.mark.parametrize("request_type", ["read_state", "call"])
def test_form_of_paths(paths, request_type):
    """Paths are a list of lists of byte strings, whatever the request is that names them."""
    with pytest.raises(EnvelopeError, match="path"):
        check_content(content(ALICE, request_type=request_type, paths=paths))
