"""The time machine: messages in order, the state before and after each, and the first message that broke something."""

from __future__ import annotations

import pytest

from ic_harness.candid import decode
from ic_harness.errors import InputError, RejectError
from ic_harness.networks import Canister, deploy_canister, embedded
from ic_harness.principal import Principal
from tests.history import vaults
from tests.replica.support import CANISTERS
from tests.testing import counters

EMPTY = vaults.EMPTY


@pytest.fixture(scope="module")
def recorded():
    with embedded(history=True) as network:
        yield network


@pytest.fixture
def network(recorded):
    with recorded.anchored():
        yield recorded


@pytest.fixture
def vault(network):
    made = network.deploy(vaults.faulty())
    network.history.names[made] = "vault"
    return made


def call(network, canister, *methods):
    for method in methods:
        network.agent().update(canister, method, EMPTY)


def test_the_first_bad_message_is_found(network, vault):
    """Of forty calls, the one after which the vault is not sound; before it the vault is."""
    call(network, vault, *vaults.CALLS)
    broken = network.history.first(lambda moment: decode(moment.query(vault, "sound"))[0] == 0)
    assert broken.method == "seal"
    assert broken.number == 2 + vaults.CALLS.index("seal")
    assert decode(broken.before.query(vault, "sound")) == (1,)
    assert network.history.first(lambda moment: moment(vault).cycles < 0) is None


def test_healthy_vaults_stay_sound(network):
    vault = network.deploy(vaults.healthy())
    call(network, vault, *vaults.CALLS)
    assert network.history.first(lambda moment: decode(moment.query(vault, "sound"))[0] == 0) is None


def test_every_message_has_its_states(network, vault):
    """Stable memory, main memory, certified data, cycles and logs are those before and after each message."""
    call(network, vault, "open", "fill", "seal", "idle")
    steps = network.history[2:]
    assert [step.method for step in steps] == ["open", "fill", "seal", "idle"]
    for number, step in enumerate(steps):
        before, after = step.before(vault), step.after(vault)
        assert (before.stable_memory[0], after.stable_memory[0]) == (number, number + 1)
        assert (before.heap[100], after.heap[100]) == (number, number + 1)
        assert after.certified_data == after.stable_memory[:2]
        assert after.cycles - before.cycles == step.cycles < 0
        assert len(after.logs) - len(before.logs) == (step.method == "seal")
    assert steps[-1].after(vault).logs == ("sealed",)
    assert steps[0].instructions > 0
    assert steps[0].caller == Principal.anonymous()
    # Backwards as well, and on a network as it was.
    assert [step.before(vault).stable_memory[0] for step in reversed(steps)] == [3, 2, 1, 0]
    then = Canister(steps[1].after.network, vault, identity=network.deployer)
    assert then.sound() == 1
    assert steps[1].after.client(Canister(network, vault, identity=network.deployer)).sound() == 1
    then.seal()
    assert decode(steps[1].after.query(vault, "sound")) == (1,), "what was done there is gone"
    assert len(network.history) == 6


def test_clients_see_the_network_as_it_was(network):
    """A client that was used before answers from the moment, not from the network that it was made for."""
    counter = deploy_canister(network, counters.counter())
    for _ in range(3):
        counter.increment()
    assert counter.get() == 8
    assert [step.after.client(counter).get() for step in network.history[-3:]] == [6, 7, 8]
    assert counter.get() == 8


def test_before_the_canister_was_there(network, vault):
    created, installed = network.history[:2]
    assert (created.method, installed.method) == ("provisional_create_canister_with_cycles", "install_code")
    assert vault not in created.before.canisters
    assert created.after(vault).module_hash == b""
    assert len(installed.after(vault).module_hash) == 32


def test_history_follows_snapshots(network, vault):
    call(network, vault, "open")
    with network.anchored():
        call(network, vault, "fill", "seal")
        gone = network.history[-1]
        assert gone.after(vault).stable_memory[0] == 3
    assert network.history[-1].method == "open"
    call(network, vault, "idle")
    assert network.history[-1].after(vault).stable_memory[0] == 2
    with pytest.raises(InputError, match="no longer in the history"):
        gone.before(vault)


def test_the_network_itself_is_not_touched(network, vault):
    call(network, vault, *vaults.CALLS[:10])
    before = network.replica.state_hash()
    assert network.history[5].before(vault).stable_memory[0] == 3
    assert network.replica.state_hash() == before


def test_traps_are_messages(network, vault):
    call(network, vault, "open", "fill", "seal")
    with pytest.raises(RejectError):
        call(network, vault, "check")
    last = network.history[-1]
    assert "the vault is open" in last.trap
    assert last.before(vault).stable_memory == last.after(vault).stable_memory
    assert "vault ✗ check trapped" in network.history.sequence(1)


def test_calls_between_canisters(network):
    """A call that goes through another canister: both ways, and the callback that answers the user."""
    wasm, did = (CANISTERS / "rust" / name for name in ("rust.wasm.gz", "rust.did"))
    clients = [deploy_canister(network, wasm, (1,), interface=did) for _ in range(2)]
    front, back = (client._id for client in clients)
    network.history.names.update({front: "front", back: "back"})
    clients[0].as_(Principal.anonymous()).forward(back, "get", EMPTY, 0, None)
    request, there, reply = network.history[-3:]
    assert [(step.canister, step.kind) for step in (request, there, reply)] == [
        (front, "request"),
        (back, "request"),
        (front, "reply"),
    ]
    assert [(made.callee, made.method) for made in request.calls] == [(back, "get")]
    assert request.after(front).open_calls == 1
    assert there.before(front).open_calls == 1
    assert reply.after(front).open_calls == 0
    lines = network.history.sequence(3).splitlines()[1:]
    assert [line.split(maxsplit=1)[1].split(" bytes")[0].rstrip("0123456789") for line in lines] == [
        "2vxsx-fae ──▶ front  forward",
        "front ──▶ back  get",
        "back ┄┄▷ front  ",
        "front ┄┄▷ 2vxsx-fae  ",
    ]


def test_a_network_without_history_says_how():
    with embedded() as network, pytest.raises(InputError, match="embedded\\(history=True\\)"):
        _ = network.history


def test_long_histories_are_refused(network, vault, monkeypatch):
    # In the module of this object: pytester's own runs in the same process may have imported another copy of it.
    names = type(network.history).__len__.__globals__
    monkeypatch.setitem(names, "MAX_MESSAGES", len(network.history) + 1)
    call(network, vault, "idle", "idle")
    with pytest.raises(InputError, match="more than"):
        len(network.history)
