"""The embedded network: canisters, time and snapshots, in memory and in a folder."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from ic_harness.agent import Management
from ic_harness.errors import InputError, RejectError, ReplicaError, StateError
from ic_harness.networks import Capability, deploy_canister, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.units import SECOND
from tests.replica.support import wat

from .conftest import COUNTER_DID


@pytest.fixture
def counter(network, counter_wasm):
    return deploy_canister(network, counter_wasm, interface=COUNTER_DID)


def test_methods_are_attributes(counter):
    """Methods of the interface can be called as attributes and by name."""
    assert counter.increment() == 1
    assert counter.call("increment") == 2
    assert counter.get() == 2


def test_unknown_methods_are_told(counter):
    """A method that is not in the interface is told with those that are alike, or all that there are."""
    with pytest.raises(AttributeError, match="no method 'decrement'"):
        counter.decrement()
    with pytest.raises(InputError, match=r"did you mean increment\?"):
        counter.call("decrement")
    with pytest.raises(InputError, match="there are: get, increment, trap"):
        counter.call("zzz")


def test_a_trap_is_a_reject(counter):
    """A canister that traps gives a certified reject with method and canister."""
    with pytest.raises(RejectError) as caught:
        counter.trap()
    assert caught.value.method == "trap"
    assert caught.value.canister == str(counter.canister_id)
    assert counter.get() == 0


def test_strangers_do_not_upgrade(network, counter, counter_wasm):
    """Only controllers install code."""
    stranger = Management(network.agent(Ed25519Identity.generate()))
    with pytest.raises(RejectError):
        stranger.install_code(counter.canister_id, counter_wasm, mode="upgrade")


def test_canister_takes_the_id_it_is_given(network):
    """A canister can be made with an id that one chooses, once."""
    wanted = Principal.from_text("bkyz2-fmaaa-aaaaa-qaaaq-cai")
    assert network.create_canister(canister_id=wanted) == wanted
    with pytest.raises(RejectError):
        network.create_canister(canister_id=wanted)


def test_existence_is_certified(network):
    """An empty canister exists, an id that nobody has does not."""
    assert network.exists(network.create_canister())
    assert not network.exists(Principal(bytes(6) + b"\xff\xff\x01\x01"))


def test_unknown_latency_is_refused():
    """Latencies have names; others are refused with those that there are."""
    with pytest.raises(InputError, match="none, mainnet"):
        embedded(latency="moon")


def test_module_hash_is_certified(network, counter, counter_wasm):
    """The hash of an installed module is the SHA-256 of the Wasm; an empty canister has none."""
    assert network.module_hash(counter.canister_id) == hashlib.sha256(counter_wasm).digest()
    assert network.module_hash(network.create_canister()) is None
    assert network.module_hash(Principal(bytes(6) + b"\xff\xff\x01\x01")) is None


def test_anchored_puts_everything_back(network, counter, counter_wasm):
    """After the block, canisters and their memory are as before it."""
    counter.increment()
    with network.anchored():
        counter.increment()
        extra = network.deploy(counter_wasm)
    assert counter.get() == 1
    assert network.module_hash(extra) is None


def test_anchored_puts_back_after_an_error(network, counter):
    """An error in the block does not stop the network from going back."""

    def fail():
        with network.anchored():
            counter.increment()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert counter.get() == 0


def test_time_moves_and_calls_go_on(network, counter):
    """The time can be set and advanced, and agents of the network keep up with it."""
    before = network.time_ns()
    network.advance_time(86_400 * SECOND)
    assert 0 <= network.time_ns() - before - 86_400 * SECOND < 60 * SECOND
    assert counter.increment() == 1
    network.set_time(network.time_ns() + 86_400 * SECOND)
    network.tick()
    assert counter.get() == 1


def test_logs_are_read(network, counter):
    """What a canister prints can be read."""
    counter.increment()
    assert network.logs(counter.canister_id) == ["counted"]


def test_async_agents_work_at_once(network, counter):
    """Asynchronous calls run at the same time and are all counted."""

    async def count():
        agent = network.async_agent(network.deployer)
        calls = [agent.update(counter.canister_id, "increment", b"DIDL\0\0") for _ in range(8)]
        replies = await asyncio.gather(*calls)
        await agent.close()
        return replies

    assert len(set(asyncio.run(count()))) == 8
    assert counter.get() == 8


def test_it_can_do_everything(network):
    """The embedded network has every capability."""
    assert network.capabilities == set(Capability)
    assert (network.name, network.url) == ("embedded", None)


def test_calls_meet_in_one_round(network, counter):
    """Calls that are put into one round are all executed, each once."""
    assert sorted(network.in_one_round([counter.increment] * 5)) == [1, 2, 3, 4, 5]


def test_instructions_are_counted(network, counter):
    """The instructions of a canister grow with what it does, and with nothing else."""
    before = network.instructions(counter.canister_id)
    assert network.instructions(counter.canister_id) == before
    counter.increment()
    assert network.instructions(counter.canister_id) > before


def test_figures_tell_updates_and_queries(network, counter):
    """Every message has its figures, queries too, and one can come back for what is new."""
    start, _ = network.metrics()
    counter.increment()
    counter.get()
    following, figures = network.metrics(start)
    assert [(figure.what, figure.query, figure.trapped) for figure in figures] == [
        ("increment", False, False),
        ("get", True, False),
    ]
    assert all(figure.canister == counter.canister_id and figure.instructions > 0 for figure in figures)
    assert network.metrics(following) == (following, [])


def test_lines_tell_prints_and_traps(network, counter):
    """What canisters print, and why they trap, can be read as one stream."""
    start, _ = network.log_stream()
    counter.increment()
    with pytest.raises(RejectError):
        counter.trap()
    _, lines = network.log_stream(start)
    assert [line.text.partition(":")[0] for line in lines] == ["counted", "[TRAP]"]
    assert {line.canister for line in lines} == {counter.canister_id}


def test_a_lost_reply_costs_nothing(network, counter):
    """A reply that is lost on order is found by the same request: the update ran once."""
    network.inject_fault("drop_reply", method="increment")
    assert counter.increment() == 1
    assert counter.get() == 1


def test_faults_can_be_taken_back(network, counter):
    """An order that was taken back does not happen; an unknown harm is refused by name."""
    network.inject_fault("503", endpoint=None, times=1000)
    network.clear_faults()
    assert counter.get() == 0
    with pytest.raises(InputError, match="drop_reply"):
        network.inject_fault("explode")


def test_folder_keeps_the_state(tmp_path, counter_wasm):
    """A network in a folder goes on where it stopped, with the same root key."""
    with embedded(tmp_path) as first:
        counter = deploy_canister(first, counter_wasm, interface=COUNTER_DID)
        counter.increment()
        key = first.root_key
    with embedded(tmp_path) as second:
        assert second.root_key == key
        assert second.agent().query(counter.canister_id, "get", b"DIDL\0\0")[-4:] == b"\1\0\0\0"


def test_folders_are_different_networks(tmp_path):
    """Two folders have root keys of their own."""
    with embedded(tmp_path / "a") as first, embedded(tmp_path / "b") as second:
        assert first.root_key != second.root_key


def test_folder_in_use_is_refused(tmp_path):
    """A folder belongs to one network at a time, and is free again when that is closed."""
    with embedded(tmp_path), pytest.raises(StateError):
        embedded(tmp_path)
    embedded(tmp_path).close()


def test_queries_run_through_restarts(tmp_path, counter_wasm):
    """A replica that is restarted from disk under running queries answers every one of them."""
    with embedded(tmp_path) as network:
        canister = network.deploy(counter_wasm)
        ask = network.agent().query
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask, canister, "get", b"DIDL\0\0") for _ in range(200)]
            for _ in range(5):
                network.replica.restart()
            assert {future.result() for future in asked} == {b"DIDL\0\1\x79\0\0\0\0"}


def test_a_new_canister_is_ready_when_it_is_deployed():
    """A canister that sets itself up by a timer at once, as those that draw a seed do, answers its first call."""
    text = """
      (func (export "canister_init") (call $wake_after (i64.const 0)))
      (func (export "canister_global_timer") (call $count))
      (func (export "canister_query look") (call $show))"""
    with embedded() as network:
        canister = network.deploy(wat(text))
        assert network.agent().query(canister, "look", b"") == b"\1"


def test_calls_in_bulk_have_the_same_effects(network, counter, counter_wasm):
    """Calls without signatures come from their identity, change the same state, and are refused alike."""
    alice = Ed25519Identity.generate()
    bulk = network.bulk_agent(alice)
    assert bulk.principal == alice.principal
    bulk.update(counter.canister_id, "increment", b"DIDL\0\0")
    assert counter.get() == 1
    assert bulk.query(counter.canister_id, "get", b"DIDL\0\0") == network.agent(alice).query(
        counter.canister_id, "get", b"DIDL\0\0"
    )
    with pytest.raises(RejectError):
        bulk.update(counter.canister_id, "trap", b"DIDL\0\0")


STABLE = wat(
    """
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (memory 1)
    (data (i32.const 0) "kept")
    (func (export "canister_init")
      (drop (call $grow (i64.const 1)))
      (call $write (i64.const 65532) (i64.const 0) (i64.const 4)))""",
    prelude="",
)


CERTIFIED = wat(
    """
    (import "ic0" "certified_data_set" (func $set (param i32 i32)))
    (memory 1)
    (data (i32.const 0) "kept")
    (func (export "canister_init") (call $set (i32.const 0) (i32.const 4)))""",
    prelude="",
)


def test_certified_data_is_read(network):
    """What the canister set, and nothing of a canister without code."""
    assert network.certified_data(network.deploy(CERTIFIED)) == b"kept"
    assert network.certified_data(network.create_canister()) == b""
    with pytest.raises(ReplicaError, match="does not exist"):
        network.certified_data(Principal(b"\x01\x02"))


def test_stable_memory_is_read(network):
    """All of it, and nothing of a canister without code."""
    assert network.stable_memory(network.deploy(STABLE)) == bytes(65_532) + b"kept"
    assert network.stable_memory(network.create_canister()) == b""
    with pytest.raises(ReplicaError, match="does not exist"):
        network.stable_memory(Principal(b"\x01\x02"))
