"""What a controller does to a canister, on the canister object; names of the interface come first."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
import wasmtime

from ic_harness.errors import IdentityError, InputError, PrincipalError, RejectError, ReplicaError
from ic_harness.networks import (
    AsyncCanister,
    Canister,
    Capability,
    MissingCapabilityError,
    UnsignedIdentity,
    connect,
    deploy_canister,
    embedded,
    lifecycle,
    open_network,
)
from ic_harness.networks.embedded_network import EmbeddedNetwork
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from tests.replica.support import CANISTERS, wasm

from .conftest import COUNTER_DID

MOTOKO = CANISTERS / "motoko"
ALICE = Ed25519Identity.from_seed(b"alice".ljust(32))
STRANGER = Ed25519Identity.from_seed(b"stranger".ljust(32))

# Every method replies with its own number; names are those of operations and attributes of the client.
COLLIDING = ["status", "upgrade", "call", "canister_id", "identity", "agent", "network", "cycles", "as_", "close",
             "stable_memory", "has_method", "service"]  # fmt: skip


def colliding_module():
    functions = "".join(
        f'(func (export "canister_query {name}") '
        f"(i32.store8 (i32.const 7) (i32.const {number})) (call $append (i32.const 0) (i32.const 8)) (call $reply))"
        for number, name in enumerate(COLLIDING)
    )
    return bytes(
        wasmtime.wat2wasm(
            '(module (import "ic0" "msg_reply" (func $reply))'
            '(import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))'
            f'(memory 1) (data (i32.const 0) "DIDL\\00\\01\\7b") {functions})'
        )
    )


COLLIDING_DID = "service : {" + " ".join(f'"{name}" : () -> (nat8) query;' for name in COLLIDING) + "}"


def motoko(network, name="counter", *args):
    return deploy_canister(
        network, wasm(f"motoko/{name}"), args, interface=MOTOKO / f"{name}.did", controllers=[ALICE.principal]
    ).as_(ALICE)


@pytest.fixture
def counter(network):
    """Motoko's counter from 5, controlled by the deployer and by Alice, who calls."""
    return motoko(network, "counter", 5)


@pytest.fixture
def simple(network, counter_wasm):
    """The counter in WAT, without upgrade hooks: its memory is its state."""
    return deploy_canister(network, counter_wasm, interface=COUNTER_DID, controllers=[ALICE.principal]).as_(
        ALICE
    )


def test_upgrade_to_the_same_module(counter):
    """Without a module the one installed last is installed again; an actor class gets its arguments again."""
    counter.increment()
    counter.upgrade()
    assert counter.state() == {"count": 6, "upgrades": 1, "names": [], "forgotten": 0}


def test_upgrade_to_another_module(counter):
    """A new module by its path has the interface beside it, for every client of the canister."""
    other = counter.as_(STRANGER)
    counter.upgrade(MOTOKO / "counter_v2.wasm.gz", 0)
    assert counter.double() == 10
    assert other.double() == 20
    with pytest.raises(AttributeError, match="no method 'add'"):
        counter.add(1)


def test_only_controllers_upgrade(counter):
    """Operations run as the caller: for another caller the network refuses them."""
    with pytest.raises(RejectError, match="controller"):
        counter.as_(STRANGER).upgrade()
    assert counter.state()["upgrades"] == 0


def test_upgrade_needs_a_known_module(network, counter):
    """A client that did not install the module asks for it."""
    other = Canister(network, counter.canister_id, identity=ALICE)
    with pytest.raises(InputError, match=r"module of canister .* is not known here: pass the Wasm"):
        other.upgrade()
    with pytest.raises(InputError, match=r"cannot read none\.wasm"):
        other.upgrade("none.wasm")


def test_reinstall(counter):
    """Reinstalling drops the state; the arguments are the same, unless others are passed."""
    counter.increment()
    counter.reinstall()
    assert counter.get() == 5
    counter.reinstall(None, 9)
    assert counter.get() == 9


def test_uninstall_and_install(counter):
    """Without code a canister answers nothing; it can be installed again."""
    counter.uninstall()
    assert counter.status()["module_hash"] is None
    with pytest.raises(RejectError):
        counter.get()
    counter.install(wasm("motoko/counter"), 1, candid=MOTOKO / "counter.did")
    assert counter.get() == 1


def test_stop_and_start(counter):
    """A stopped canister rejects calls until it is started."""
    counter.stop()
    assert list(counter.status()["status"]) == ["stopped"]
    with pytest.raises(RejectError, match="stopped"):
        counter.increment()
    counter.start()
    assert counter.increment() == 6


def test_delete(network, counter):
    """A stopped canister can be deleted."""
    counter.stop()
    counter.delete()
    assert not network.exists(counter.canister_id)


def test_cycles(counter):
    """The balance is that of the status, and grows by what is added."""
    before = counter.cycles
    counter.add_cycles(10**12)
    assert 0 <= before + 10**12 - counter.cycles < 10**9  # calls cost a little
    assert 0 <= counter.status()["cycles"] - counter.cycles < 10**9


def test_settings(counter):
    """Settings are changed by name, controllers may be identities; what is returned restores them."""
    before = counter.settings(freezing_threshold=1000, controllers=[ALICE, STRANGER.principal])
    changed = counter.settings()
    assert changed["freezing_threshold"] == 1000
    assert set(changed["controllers"]) == {ALICE.principal, STRANGER.principal}
    counter.settings(freezing_threshold=before["freezing_threshold"])
    assert counter.settings()["freezing_threshold"] == before["freezing_threshold"] != 1000
    with pytest.raises(InputError, match="no canister setting 'freezing_treshold'"):
        counter.settings(freezing_treshold=1)


def test_logs(counter):
    """What a canister printed is read as the caller may read it."""
    counter.log("hello")
    assert counter.logs() == ["hello"]
    with pytest.raises(RejectError):
        counter.as_(STRANGER).logs()


def test_snapshot_and_load(counter):
    """A snapshot brings back memory, code and interface, more than once."""
    taken = counter.snapshot()
    assert (taken.size > 0, [found.id for found in counter.snapshots()]) == (True, [taken.id])
    for _ in range(2):
        counter.upgrade(MOTOKO / "counter_v2.wasm.gz", 0)
        counter.double()
        counter.load(taken)
        assert counter.add(1) == 6
    counter.upgrade()  # to the module of the snapshot
    assert counter.state()["upgrades"] == 1
    counter.load(taken.id)
    assert counter.get() == 5
    counter.delete_snapshot(taken)
    assert counter.snapshots() == []


def test_stable_memory_goes_in_and_out(network):
    """Stable memory is read and replaced as bytes, in whole pages; main memory stays."""
    rust = deploy_canister(network, wasm("rust/rust"), (7,), interface=CANISTERS / "rust" / "rust.did")
    other = deploy_canister(network, wasm("rust/rust"), (1,), interface=CANISTERS / "rust" / "rust.did")
    rust.put("key", b"value")
    other.stable_memory = rust.stable_memory
    assert other.stable_memory == rust.stable_memory
    assert (other.get(), rust.get()) == (1, 7)  # on the heap
    other.stable_memory = b"x"
    assert other.stable_memory == b"x" + bytes((1 << 16) - 1)


def test_stable_memory_is_certified_and_put_back(network, simple):
    """A replaced stable memory is part of the state: a network snapshot brings the old one back."""
    simple.increment()
    with network.anchored():
        simple.stable_memory = b"new"
        assert simple.stable_memory[:3] == b"new"
        assert simple.increment() == 2
    assert (simple.stable_memory, simple.get()) == (b"", 1)
    simple.uninstall()
    with pytest.raises(ReplicaError, match="has no code"):
        simple.stable_memory = b"x"


def test_stable_memory_is_kept_on_disk(tmp_path, counter_wasm):
    """What was put into stable memory is there after the process."""
    from ic_harness.networks import embedded

    with embedded(state_dir=tmp_path) as network:
        made = deploy_canister(network, counter_wasm, interface=COUNTER_DID).canister_id
        network.set_stable_memory(made, b"kept")
    with embedded(state_dir=tmp_path) as network:
        assert network.stable_memory(made)[:4] == b"kept"


def test_metadata_and_candid(network, counter, simple):
    """Metadata sections are read certified; the interface is one of them."""
    assert "increment" in counter.candid
    assert counter.metadata("candid:service").decode() == counter.candid
    assert (simple.candid, simple.metadata("nothing")) == (None, None)


def test_module_hash_is_in_the_status(simple, counter_wasm):
    """The status has the hash of what is installed."""
    assert simple.status()["module_hash"] == hashlib.sha256(counter_wasm).digest()


# --- names ------------------------------------------------------------------------------------------------------


@pytest.fixture
def colliding(network):
    """A canister whose methods have the names of operations and attributes."""
    return deploy_canister(network, colliding_module(), interface=COLLIDING_DID)


@pytest.mark.parametrize("name", COLLIDING)
def test_no_method_is_hidden(colliding, name):
    """A name of the interface is the canister's method, whatever else has that name."""
    assert getattr(colliding, name)() == COLLIDING.index(name)


def test_operations_are_always_reachable(network, colliding):
    """`lifecycle` has every operation and attribute, whatever names the interface has."""
    handle = lifecycle(colliding)
    assert list(handle.status()["status"]) == ["running"]
    assert handle.call("call") == COLLIDING.index("call")
    assert (handle.network, handle.identity) == (network, network.deployer)
    handle.upgrade()
    assert handle.cycles > 0
    assert colliding.upgrade() == COLLIDING.index("upgrade")


def test_published_names_come_first_too(network):
    """The rule holds for an interface that is read from the canister, from the first access on."""
    module = b"".join(
        [colliding_module(), custom_section("icp:public candid:service", COLLIDING_DID.encode())]
    )
    made = network.deploy(module)
    client: Any = Canister(network, made, identity=network.deployer)
    assert client.status() == COLLIDING.index("status")
    fresh: Any = Canister(network, made, identity=network.deployer)
    assert fresh.call() == COLLIDING.index("call")


def custom_section(name, content):
    body = bytes([len(name)]) + name.encode() + content
    size, number = bytearray(), len(body)
    while number >= 0x80:
        size.append(number & 0x7F | 0x80)
        number >>= 7
    return b"\0" + bytes(size) + bytes([number]) + body


def test_names_without_an_interface(network, counter_wasm):
    """A canister without an interface has the operations; a method is asked for with the reason."""
    client = Canister(network, network.deploy(counter_wasm), identity=network.deployer)
    assert list(client.status()["status"]) == ["running"]
    with pytest.raises(InputError, match=r"publishes no Candid interface: give the \.did file"):
        client.increment()


def test_completion_knows_the_methods(counter):
    """`dir` lists methods of the interface and operations."""
    assert {"increment", "upgrade", "stable_memory"} <= set(dir(counter))


# --- callers without a key --------------------------------------------------------------------------------------


def test_any_principal_can_be_the_caller(network, counter):
    """A principal, or its text, is a caller without a key: for methods and for operations."""
    someone = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
    assert counter.as_(someone).whoami() == someone
    assert counter.as_(str(someone)).whoami_update() == someone
    counter.settings(controllers=[someone])
    counter.as_(someone).upgrade()
    with pytest.raises(RejectError):
        counter.upgrade()
    with pytest.raises(PrincipalError):
        counter.as_("alice")


def test_impersonated_calls_are_filtered(network):
    """Calls without a key pass the ingress filter as signed ones do."""
    refusing = bytes(
        wasmtime.wat2wasm(
            '(module (func (export "canister_inspect_message")) (func (export "canister_update go")))'
        )
    )
    client = deploy_canister(network, refusing, interface="service : { go : () -> () }")
    for caller in (client, client.as_(ALICE.principal)):
        with pytest.raises(RejectError) as refused:
            caller.go()
        assert refused.value.error_code == "IC0406"


def test_a_principal_signs_nothing(network):
    """Where calls are signed, a principal without a key is refused by its capability; it never signs."""
    identity = UnsignedIdentity(ALICE.principal)
    with pytest.raises(IdentityError, match="there is no key"):
        identity.sign(b"payload")
    with connect("http://127.0.0.1:1") as other, pytest.raises(MissingCapabilityError) as missing:
        other.agent(identity)
    assert missing.value.capability is Capability.IMPERSONATE


# --- asynchronous -----------------------------------------------------------------------------------------------


def test_async_twin(counter):
    """Methods and operations are awaited on the twin, many at once, with the same results."""

    async def use():
        async with counter.async_() as twin:
            seen = await asyncio.gather(*[twin.increment() for _ in range(4)])
            await twin.upgrade()
            assert await twin.cycles() > 0
            assert await twin.as_(STRANGER).whoami() == STRANGER.principal
            assert await twin.as_(ALICE.principal).whoami_update() == ALICE.principal
            with pytest.raises(RejectError):
                await twin.fail_by_assert()
            return sorted(seen), await twin.get()

    assert asyncio.run(use()) == ([6, 7, 8, 9], 9)


def test_async_names_come_first_too(network, colliding):
    """The interface's names come first on the twin as well, also while the interface is not known yet."""

    async def use(twin):
        return [await getattr(twin, name)() for name in COLLIDING]

    assert asyncio.run(use(AsyncCanister(lifecycle(colliding)))) == list(range(len(COLLIDING)))


def test_async_twin_of_a_published_interface(network, counter):
    """The twin reads the published interface when it is first needed."""
    made = Canister(network, counter.canister_id, identity=ALICE)

    async def use():
        async with AsyncCanister(lifecycle(made)) as twin:
            return list((await twin.status())["status"]), await twin.increment()

    assert asyncio.run(use()) == (["running"], 6)


def test_cost_schedules():
    """A network opened as `free` charges nothing; other names are refused, with a hint."""
    with open_network("embedded", cost_schedule="free") as network:
        assert isinstance(network, EmbeddedNetwork)
        canister = network.create_canister()
        assert network.replica.canister(canister).cycles == 100 * 10**12
        assert network.replica.node.subnet.fees.execution(10**9) == 0
    with pytest.raises(InputError, match="no cost schedule 'fre'"):
        embedded(cost_schedule="fre")
