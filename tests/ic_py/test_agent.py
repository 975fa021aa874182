"""The agent and the canister of the ic-py room, over HTTP on the embedded network."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from ic_capsule.backend import Backend, reference_did, reference_wasm
from ic_harness.errors import InputError, RejectError
from ic_harness.ic_py import Agent, Canister, Client, Identity, Types, as_agent, encode
from ic_harness.ic_py.certificate import lookup
from ic_harness.ic_py.system_state import (
    canister_controllers,
    canister_module_hash,
    subnet_canister_ranges,
    subnet_public_key,
    time,
)
from ic_harness.networks import embedded
from ic_harness.principal import Principal
from ic_harness.protocol import MAINNET_ROOT_KEY
from ic_harness.replica import serve


@pytest.fixture(scope="module")
def network():
    """A network that is served over HTTP."""
    opened: Any
    with embedded() as opened:
        server = serve(opened.replica)
        opened.served_at = server.url
        yield opened
        server.stop()


@pytest.fixture(scope="module")
def canister_id(network):
    """The reference backend."""
    return network.deploy(reference_wasm())


@pytest.fixture
def agent(network):
    """An agent as a script of ic-py makes it."""
    with Agent(Identity(), Client(network.served_at)) as made:
        yield made


def test_raw_calls(agent, canister_id):
    """Raw calls take a canister as text, and give ic-py's lists."""
    (whoami,) = agent.query_raw(str(canister_id), "whoami", encode([]))
    assert whoami["value"] == agent.get_principal()
    none = encode([{"type": Types.Opt(Types.Null), "value": []}])
    (made,) = agent.update_raw(str(canister_id), "capsules_create", none, timeout=5)
    assert "variant" in made["type"]


def test_refusals_raise(agent, canister_id):
    """Queries and updates that are refused raise alike."""
    for send in (agent.query_raw, agent.update_raw):
        with pytest.raises(RejectError, match="no_such"):
            send(canister_id, "no_such_method", encode([]))


@pytest.mark.parametrize("interface", [None, reference_did()], ids=["published", "given"])
def test_canister(agent, canister_id, interface):
    """Methods are attributes, with and without waiting, by a given or the published interface."""
    canister = Canister(agent, str(canister_id), interface)
    (caller,) = canister.whoami()
    assert caller == agent.get_principal()
    (made,) = canister.capsules_create([])
    assert made["Ok"]["subject"]["Principal"] == caller
    assert asyncio.run(canister.whoami_async()) == [caller]
    with pytest.raises(ValueError, match="takes 1 arguments"):
        canister.capsules_create()
    with pytest.raises(AttributeError, match="no_such_method"):
        canister.no_such_method  # noqa: B018


def test_management_canister(agent, network):
    """A call to the management canister goes where its canister lives."""
    did = """service : {
      provisional_create_canister_with_cycles : (record { amount : opt nat }) -> (record { canister_id : principal });
      stop_canister : (record { canister_id : principal }) -> ();
    }"""
    one = Canister(agent, "aaaaa-aa", did)
    made = Principal(b"\x00" * 8 + b"\x01\x01")
    with pytest.raises(RejectError):
        one.stop_canister({"canister_id": str(made)})


def test_asynchronous_raw_calls(agent, canister_id):
    """Raw calls can be awaited, several at once."""

    async def at_once():
        calls = (agent.query_raw_async(canister_id, "whoami", encode([])) for _ in range(3))
        more = agent.update_raw_async(canister_id, "whoami", encode([]))
        state = agent.read_state_raw_async(canister_id, [[b"time"]])
        return await asyncio.gather(*calls, more, state)

    *found, certificate = asyncio.run(at_once())
    assert all(one[0]["value"] == agent.get_principal() for one in found)
    assert lookup([b"time"], certificate)


def test_system_state(agent, network, canister_id):
    """What a network certifies, by ic-py's functions; what is not there is an error."""
    subnet = Principal.self_authenticating(network.root_key)
    assert canister_module_hash(agent, canister_id) == network.module_hash(canister_id).hex()
    assert canister_controllers(agent, canister_id) == [network.deployer.principal]
    assert subnet_public_key(agent, canister_id, str(subnet)) == network.root_key.hex()
    (low, high), *_ = subnet_canister_ranges(agent, canister_id, subnet)
    assert low <= canister_id <= high
    assert time(agent, canister_id) > 0
    with pytest.raises(InputError, match="module_hash"):
        canister_module_hash(agent, network.create_canister())


@dataclass
class TheirAgent:
    """The shape of ic-py's own agent."""

    identity: Any
    client: Any


def test_agents_mix(agent, network, canister_id):
    """Our typed client takes an agent of this room, and one of ic-py; an agent of ours stays as it is."""
    assert Backend(agent, canister_id).whoami() == agent.get_principal()
    identity = Identity()
    with as_agent(TheirAgent(identity, Client(network.served_at))) as adopted:
        assert Backend(adopted, canister_id).whoami() == identity.sender()
        assert as_agent(adopted) is adopted


def test_root_keys(network):
    """Mainnet's key is for mainnet only; another network is asked, unless a key is given."""
    local = Client(network.served_at)
    with Agent(Identity(), local) as made:
        assert made.root_key() == network.root_key
    assert Agent(Identity(), local, root_key=b"given").session.root_key == b"given"
    assert Agent(None, Client()).session.root_key == MAINNET_ROOT_KEY


def test_nonces(network, canister_id):
    """The caller's nonces are used."""
    seen = []
    client = Client(network.served_at)

    def nonce():
        seen.append(1)
        return bytes(16)

    with Agent(Identity(), client, nonce_factory=nonce) as made:
        made.query_raw(canister_id, "whoami", encode([]))
    assert seen
