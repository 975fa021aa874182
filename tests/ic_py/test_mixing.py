"""Principals and identities of ic-py wherever ours are taken."""

from typing import Any

import pytest

from ic_capsule.backend import Backend, reference_wasm
from ic_harness.agent import Management
from ic_harness.candid import encode, parse_types
from ic_harness.networks import Canister, embedded, fetch_interface
from ic_harness.principal import Principal
from ic_harness.protocol import DelegatedIdentity, Ed25519Identity


class TheirPrincipal:
    """The shape of ic-py's Principal."""

    def __init__(self, raw):
        self.bytes = raw


class TheirIdentity:
    """The shape of ic-py's Identity."""

    def __init__(self):
        self.inner = Ed25519Identity.generate()
        self.der_pubkey = self.inner.public_key_der

    def sender(self):
        return TheirPrincipal(self.inner.principal.raw)

    def sign(self, payload):
        return self.der_pubkey, bytearray(self.inner.sign(payload))


@pytest.fixture(scope="module")
def network():
    """An embedded network."""
    with embedded() as opened:
        yield opened


@pytest.fixture(scope="module")
def canister(network):
    """The reference backend's id as ic-py holds ids."""
    return TheirPrincipal(network.deploy(reference_wasm()).raw)


NETWORK = {
    "module hash": lambda network, canister: len(network.module_hash(canister)) == 32,
    "existence": lambda network, canister: network.exists(canister),
    "upgrade": lambda network, canister: network.install(canister, reference_wasm(), mode="upgrade") is None,
    "instructions": lambda network, canister: network.instructions(canister) > 0,
    "logs": lambda network, canister: network.logs(canister) == network.logs(Principal.of(canister)),
    "status": lambda network, canister: Management(network.agent(network.deployer)).canister_status(canister),
    "interface": lambda network, canister: fetch_interface(network.agent(), canister).methods,
}


@pytest.mark.parametrize("use", NETWORK.values(), ids=NETWORK)
def test_principals_at_a_network(network, canister, use):
    """What is done to a canister is done to it by its ic-py principal, too."""
    assert use(network, canister)


def test_principals_as_values(network, canister):
    """ic-py's principals are Candid values, controllers and targets."""
    (type_,) = parse_types("(principal)")
    assert encode([canister], [type_]) == encode([Principal.of(canister)], [type_])
    made = network.create_canister(controllers=[canister])
    assert network.exists(made)


def test_identities(network, canister):
    """ic-py's identities call as themselves, through every client."""
    me: Any = TheirIdentity()  # ic-py has no hints
    expected = me.inner.principal
    assert Backend(network.agent(me), canister).whoami() == expected
    assert Canister(network, canister, identity=me).whoami() == expected
    with embedded(deployer=me) as mine:
        assert mine.exists(mine.create_canister())


def test_delegations(network, canister):
    """ic-py's identities give delegations and take them, also for a target."""
    owner: Any = TheirIdentity()
    session: Any = TheirIdentity()
    chained = DelegatedIdentity.delegate(owner, session, expiration_ns=2**62, targets=[canister])
    assert Backend(network.agent(chained), canister).whoami() == owner.inner.principal
    again = DelegatedIdentity.from_json(session, chained.to_json())
    assert again.principal == owner.inner.principal
