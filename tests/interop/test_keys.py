"""Keys, seed phrases and delegation chains are the same for us and for the libraries that others wrote."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ic_harness.agent import Agent, HttpTransport
from ic_harness.candid import decode, parse_types
from ic_harness.protocol import (
    DelegatedIdentity,
    Ed25519Identity,
    Secp256k1Identity,
    dump_pem,
    identity_from_seed_phrase,
    load_pem,
)

from .conftest import have

pytestmark = pytest.mark.interop

PHRASES = [" ".join(["peacock"] * 12), "abandon " * 11 + "about", "abandon " * 23 + "art"]
KEY = Secp256k1Identity.from_seed(bytes(range(1, 33)))
IN_AN_HOUR_MS = (int(time.time()) + 3600) * 1000
PRINCIPAL = parse_types("(principal)")


def sec1(identity):
    """The PEM form of dfx and OpenSSL for secp256k1."""
    form = PrivateFormat.TraditionalOpenSSL
    return identity.private_key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@pytest.fixture
def seen():
    """What `@dfinity/identity` 3 makes of our phrases and keys, and a chain that it wrote."""
    return have("agent3").ask("keys", phrases=PHRASES, pems=[sec1(KEY)], expires=IN_AN_HOUR_MS)


def test_seed_phrases_and_pem_of_javascript(seen):
    """A phrase or a PEM file is the same principal in `@dfinity/identity-secp256k1`."""
    assert seen["phrases"] == [
        str(identity_from_seed_phrase(phrase, check=False).principal) for phrase in PHRASES
    ]
    assert seen["pems"] == [str(KEY.principal)]


def test_a_chain_that_javascript_wrote(seen, lab, counter):
    """A session key with a chain in JavaScript's JSON calls in the name of the chain's root."""
    session = Ed25519Identity.from_seed(bytes.fromhex(seen["secret"])[:32])
    identity = DelegatedIdentity.from_json(session, seen["chain"])
    assert str(identity.principal) == seen["root"]
    with Agent(HttpTransport(lab.url), identity) as agent:
        for send, method in ((agent.query, "whoami"), (agent.update, "whoami_update")):
            (caller,) = decode(send(counter.id, method, b"DIDL\0\0"), PRINCIPAL)
            assert caller == identity.principal


def test_a_chain_that_javascript_reads(lab, counter):
    """A chain that we wrote is a chain for `@dfinity/identity`."""
    owner, secret = Secp256k1Identity.generate(), bytes(range(32))
    session = Ed25519Identity.from_seed(secret)
    chained = DelegatedIdentity.delegate(owner, session, expiration_ns=IN_AN_HOUR_MS * 10**6)
    request = {"canister": counter.id, "secret": secret.hex(), "chain": chained.to_json()}
    seen = have("agent3").ask("adopted_chain", **request, **lab.address)
    assert seen == {"query": {"ok": str(owner.principal)}, "update": {"ok": str(owner.principal)}}


def test_pem_of_ic_py():
    """PEM files of ic-py are ours and the other way round."""
    mine = [Ed25519Identity.from_seed(bytes(range(32))), KEY]
    pems = [dump_pem(identity).decode() for identity in mine]
    seen = have("ic_py").ask("keys", pems=pems, phrases=[])
    assert seen["pems"] == [str(identity.principal) for identity in mine]
    for pem, principal in seen["made"]:
        assert str(load_pem(pem.encode()).principal) == principal
