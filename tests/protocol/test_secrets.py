"""No secret shows: not in repr, not in logs, not in errors and their tracebacks."""

import io
import logging
import traceback

import pytest

from ic_harness.agent import Agent, CallableTransport
from ic_harness.errors import HarnessError
from ic_harness.protocol import (
    AnonymousIdentity,
    DelegatedIdentity,
    Ed25519Identity,
    P256Identity,
    Secp256k1Identity,
    as_identity,
    dump_pem,
    identity_from_seed_phrase,
    load_pem,
)

SECRET = bytes(range(7, 39))
PHRASE = "zoo " * 11 + "wrong"
PASSPHRASE = "correct horse battery staple"


class IcPyIdentity:
    """An identity that shows its key, as those of ic-py do, and cannot sign."""

    der_pubkey = Ed25519Identity.from_seed(SECRET).public_key_der

    def __repr__(self):
        return f"Identity(ed25519, {SECRET.hex()})"

    def sender(self):
        return Ed25519Identity.from_seed(SECRET).principal

    def sign(self, _payload):
        return self.der_pubkey, None


KEYS = [kind.from_seed(SECRET) for kind in (Ed25519Identity, Secp256k1Identity, P256Identity)]
IDENTITIES = {
    **{type(key).__name__: key for key in KEYS},
    "delegated": DelegatedIdentity.delegate(KEYS[1], KEYS[0], expiration_ns=1),
    "ic-py": as_identity(IcPyIdentity()),
    "seed phrase": identity_from_seed_phrase(PHRASE),
    "anonymous": AnonymousIdentity(),
}


def shows_a_secret(text):
    """Whether a text holds a part of a secret in one of the forms in which it could come."""
    phrase_key = identity_from_seed_phrase(PHRASE).private_key.private_numbers().private_value
    forms = {SECRET.hex(), repr(SECRET)[2:-1], repr(list(SECRET))[1:-1], str(int.from_bytes(SECRET, "big"))}
    forms |= {f"{phrase_key:x}", str(phrase_key), "zoo", "correct horse"}
    forms |= {line for key in KEYS for line in dump_pem(key).decode().splitlines()[1:-1]}
    return [form for form in forms if form[:24].lower() in text.lower()]


def refuse(_request):
    """A network that always fails."""
    raise ZeroDivisionError


@pytest.mark.parametrize("identity", IDENTITIES.values(), ids=IDENTITIES)
def test_shown_and_logged(identity):
    """repr, str, formatting, logging and the repr of whatever holds the identity."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logger = logging.getLogger(f"secrets of {id(log)}")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    agent = Agent(CallableTransport(refuse), identity, root_key=b"")
    for thing in (identity, [identity], {"as": identity}, agent, agent.session):
        logger.info("%r %s %s", thing, thing, format(str(thing)))
    assert "Identity" in log.getvalue()
    assert not shows_a_secret(log.getvalue())


def broken_pem():
    """A PEM text with the beginning of the secret in it that cannot be read, because its end is missing."""
    first, key, last = dump_pem(KEYS[0]).splitlines()
    return b"\n".join((first, key[:-4], last))


FAILURES = {
    "broken PEM": lambda: load_pem(broken_pem()),
    "wrong passphrase": lambda: load_pem(dump_pem(KEYS[0], "other"), PASSPHRASE),
    "short secret": lambda: Ed25519Identity.from_seed(SECRET[:-1]),
    "long secret": lambda: Secp256k1Identity.from_seed(SECRET + b"x"),
    "too few words": lambda: identity_from_seed_phrase("zoo zoo zoo"),
    "wrong owner": lambda: DelegatedIdentity(
        KEYS[0], IDENTITIES["delegated"].delegations[:0], public_key_der=b""
    ),
    "no signature": lambda: IDENTITIES["ic-py"].sign(b""),
    "no identity": lambda: as_identity(PHRASE),
    "anonymous": lambda: AnonymousIdentity().sign(b""),
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_errors_and_tracebacks(fail):
    """An error's text, its notes and the errors that it was raised from."""
    with pytest.raises(HarnessError) as caught:
        fail()
    lines = traceback.format_exception(caught.value)
    quoted = [line for line in lines if not line.lstrip().startswith("File ")]  # source lines of this file
    assert not shows_a_secret(str(caught.value))
    assert not shows_a_secret(" ".join(line for line in quoted if "Error" in line))


@pytest.mark.parametrize("identity", IDENTITIES.values(), ids=IDENTITIES)
def test_a_bug_under_a_call(identity):
    """The traceback of an error that nobody foresaw shows no secret either."""
    agent = Agent(CallableTransport(refuse), identity, root_key=b"")
    with pytest.raises((ZeroDivisionError, HarnessError)) as caught:
        agent.update("rwlgt-iiaaa-aaaaa-aaaaa-cai", "greet", b"")
    assert not shows_a_secret("".join(traceback.format_exception(caught.value)))
