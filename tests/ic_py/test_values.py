"""Values, principals and identities in ic-py's forms."""

import json

import pytest

from ic_harness import principal as ours
from ic_harness.candid import NAT, Named, parse_types
from ic_harness.errors import CandidError, IdentityError
from ic_harness.ic_py import (
    AccountIdentifier,
    DelegateIdentity,
    Identity,
    Principal,
    Types,
    decode,
    encode,
)
from ic_harness.protocol import DelegatedIdentity, Ed25519Identity, P256Identity, as_identity, dump_pem

KEY = bytes(range(32)).hex()


def back(type_, value):
    """A value, encoded and decoded at its type."""
    (found,) = decode(encode([{"type": type_, "value": value}]), type_)
    return found["value"]


LIST = Types.Rec()
LIST.fill(Types.Opt(Types.Tuple(Types.Nat, LIST)))

VALUES = {
    "nat": (Types.Nat, 10**30),
    "absent": (Types.Opt(Types.Text), []),
    "present": (Types.Opt(Types.Text), ["x"]),
    "present and absent": (Types.Opt(Types.Opt(Types.Nat8)), [[]]),
    "list": (Types.Vec(Types.Opt(Types.Nat)), [[], [1]]),
    "bytes": (Types.Vec(Types.Nat8), b"\x00\xff"),
    "tuple": (Types.Tuple(Types.Int, Types.Text), [-1, "x"]),
    "record": (Types.Record({"a": Types.Bool, "b": Types.Opt(Types.Nat)}), {"a": True, "b": [1]}),
    "numbered": (Types.Record({"_7": Types.Nat, "x": Types.Nat}), {"_7": 1, "x": 2}),
    "variant": (Types.Variant({"Ok": Types.Nat, "Err": Types.Text}), {"Err": "no"}),
    "empty case": (Types.Variant({"on": Types.Null, "off": None}), {"off": None}),
    "recursive": (LIST, [[1, [[2, []]]]]),
    "null": (Types.Null, None),
    "float": (Types.Float64, 1.5),
}


@pytest.mark.parametrize(("type_", "value"), VALUES.values(), ids=VALUES)
def test_every_shape_comes_back(type_, value):
    """What is encoded is decoded in the same form."""
    assert back(type_, value) == value


def test_numbers_are_bytes_too():
    """A blob may be given as ic-py's lists of numbers."""
    assert back(Types.Vec(Types.Nat8), [0, 255]) == b"\x00\xff"


@pytest.mark.parametrize("value", ["aaaaa-aa", b"", Principal(), ours.Principal.management()])
def test_every_form_of_a_principal(value):
    """Text, bytes, ours and this room's are one principal."""
    found = back(Types.Principal, value)
    assert found == ours.Principal.management()
    assert found.to_str() == "aaaaa-aa"


WRONG = [
    (Types.Opt(Types.Nat), 5),
    (Types.Opt(Types.Nat), [1, 2]),
    (Types.Vec(Types.Nat8), "text"),
    (Types.Vec(Types.Nat8), [256]),
    (Types.Vec(Types.Nat), 7),
    (Types.Tuple(Types.Nat, Types.Nat), (1,)),
    (Types.Record({"a": Types.Nat}), {}),
    (Types.Record({"a": Types.Nat}), 3),
    (Types.Variant({"a": Types.Nat}), {"b": 1}),
    (Types.Nat, -1),
    (Types.Principal, 5),
]


@pytest.mark.parametrize(("type_", "value"), WRONG)
def test_what_does_not_fit(type_, value):
    """A value that is not of its type is a Candid error."""
    with pytest.raises(CandidError):
        encode([{"type": type_, "value": value}])


def test_types_of_a_message():
    """Without types the message's own count, and labels are numbers behind an underscore."""
    data = encode([{"type": Types.Record({"a": Types.Opt(Types.Nat)}), "value": {"a": [1]}}])
    assert decode(data) == [{"type": "record {_97:opt (nat)}", "value": {"_97": [1]}}]
    assert decode(data, parse_types("(record { a : opt nat })"))[0]["value"] == {"a": [1]}


def test_names_of_types():
    """The text of a type is ic-py's, and ends for a type that holds itself."""
    value = encode(
        [
            {"type": LIST, "value": []},
            {"type": Types.Variant({"a": Types.Vec(Types.Nat8)}), "value": {"a": b""}},
        ]
    )
    names = [found["type"] for found in decode(value)]
    assert names == ["opt (record {_0:nat;_1:rec})", "variant {_97:vec (nat8)}"]


def test_a_type_is_filled_once():
    """A recursive type is one of our names."""
    assert isinstance(LIST, Named)
    with pytest.raises(CandidError, match="defined twice"):
        LIST.fill(NAT)


def test_principals():
    """ic-py's names and ours on one object."""
    one = Principal.from_hex("01ff")
    assert (one.len, one.hex, one.bytes, one.raw) == (2, "01FF", b"\x01\xff", b"\x01\xff")
    assert one == ours.Principal(b"\x01\xff")
    assert Principal.from_str(str(one)) == one
    assert isinstance(Principal.anonymous(), Principal)
    assert Principal.management_canister().to_str() == "aaaaa-aa"
    with pytest.raises(ValueError, match="not a principal"):
        Principal.from_str("nonsense")


def test_accounts():
    """The account of a principal is 32 bytes that begin with their checksum."""
    account = Principal.anonymous().to_account_id()
    assert account.to_str() == "0x1c7a48ba6a562aa9eaa2481a9049cdf0433b9738c992d698c31d8abf89cadc79"
    assert (str(account), len(account.bytes)) == (account.to_str(), 32)
    with pytest.raises(ValueError, match="32 bytes"):
        AccountIdentifier(b"short")


@pytest.mark.parametrize("kind", ["ed25519", "secp256k1"])
def test_identities(kind):
    """A key signs as ours does, survives PEM, and is accepted as an identity."""
    identity = Identity(KEY, type=kind)
    adopted = as_identity(identity)
    assert adopted.principal == identity.sender()
    assert adopted.public_key_der == identity.der_pubkey == identity.sign(b"x")[0]
    again = Identity.from_pem(identity.to_pem())
    assert (again.sender(), again.key_type, again.privkey) == (identity.sender(), kind, KEY)
    assert Identity(type=kind).sender() != Identity(type=kind).sender()


def test_anonymous():
    """The anonymous identity has no key."""
    nobody = Identity(anonymous=True)
    assert (nobody.sign(b"x"), nobody.der_pubkey) == ((None, None), None)
    assert as_identity(nobody).principal.is_anonymous
    with pytest.raises(IdentityError):
        nobody.privkey  # noqa: B018


def test_delegations():
    """A chain in the JSON of the JavaScript libraries acts for its first key."""
    owner, session = Ed25519Identity.generate(), Ed25519Identity.from_seed(bytes(range(32)))
    chain = DelegatedIdentity.delegate(owner, session, expiration_ns=10**18)
    stored = json.dumps([session.public_key_der.hex(), KEY + session.public_key_der.hex()])
    identity = DelegateIdentity.from_json(stored, chain.to_json())
    assert identity.sender() == owner.principal
    assert as_identity(identity).delegations == chain.delegations
    assert identity.sign(b"x")[1] == session.sign(b"x")
    assert str(owner.principal) in repr(identity)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Identity("xyz"),
        lambda: Identity(KEY, type="rsa"),
        lambda: Identity.from_pem(dump_pem(P256Identity.generate())),
        lambda: DelegateIdentity.from_json(json.dumps({"secret": KEY}), "{}"),
        lambda: DelegateIdentity.from_json("[]", "{}"),
    ],
)
def test_bad_keys(make):
    """What is no key is an identity error that does not quote it."""
    with pytest.raises(IdentityError) as caught:
        make()
    assert KEY not in str(caught.value)


def test_no_secret_shows():
    """Unlike ic-py's, an identity does not show its key."""
    for identity in (
        Identity(KEY),
        Identity(KEY, type="secp256k1"),
        Identity.from_seed("zoo " * 11 + "wrong"),
    ):
        assert KEY[:16] not in f"{identity!r} {identity}"
