"""Limits that a test may set on the embedded network: instructions of a message, and rounds."""

from __future__ import annotations

import pytest

from ic_harness.errors import InputError, RejectError, ReplicaError
from ic_harness.networks import deploy_canister
from ic_harness.units import SECOND
from tests.replica.restless import CHAIN, TIMER, restless
from tests.replica.support import CANISTERS, wasm

RUST_DID = CANISTERS / "rust" / "rust.did"


def deploy(network):
    return deploy_canister(network, wasm("rust/rust"), (0,), interface=RUST_DID)


@pytest.fixture
def rust(network):
    return deploy(network)


def test_a_message_is_ended_at_the_limit(network, rust):
    """A loop without end is rejected with IC0522, which names the lower limit; other messages go on."""
    with network.limited(instructions=2_000_000):
        with pytest.raises(RejectError) as caught:
            rust.spin()
        assert caught.value.error_code == "IC0522"
        assert "exceeded the limit of 2000000 instructions" in caught.value.reject_message
        assert rust.add(1) == 1


def test_timers_have_the_limit_too(network, rust):
    """A timer that needs more than the limit traps, which the canister's log says."""
    rust.after(1000)
    with network.limited(instructions=1_000):
        network.advance_time(2 * SECOND)
        network.tick()
    assert any("limit of 1000 instructions" in line for line in network.logs(rust.canister_id))


def test_queries_have_the_limit_too(network, rust):
    """A query beyond the limit is rejected; calls that were made as updates too."""
    with network.limited(instructions=1_000), pytest.raises(RejectError, match="limit of 1000 instructions"):
        rust.get()
    assert rust.get() == 0


def test_code_can_be_installed_under_a_small_limit(network):
    """A limit for calls does not refuse the installation of the canister that is called."""
    with network.limited(instructions=1_000):
        canister = deploy(network)
    assert canister.get() == 0


def test_limits_are_put_back(network, rust):
    """After the block, and after an error in it, the limits are those from before; blocks nest."""
    with network.limited(instructions=2_000_000):
        with pytest.raises(RuntimeError), network.limited(instructions=1_000):
            raise RuntimeError
        assert rust.add(1) == 1
    assert network.replica.node.instances.engine.message_limit.instructions is None


def test_limits_survive_a_restart(network, rust, tmp_path):
    """A replica that is restarted within the block keeps the limits."""
    with network.limited(instructions=1_000):
        network.replica.restart()
        with pytest.raises(RejectError, match="limit of 1000 instructions"):
            rust.get()


def test_the_round_beyond_the_limit_is_an_error(network, rust):
    """The call that needs one round more raises an error that names the limit and the last message."""
    with network.limited(rounds=3):
        for expected in (1, 2, 3):
            assert rust.add(1) == expected
        with pytest.raises(
            ReplicaError, match=rf"limit of 3 rounds .* message was add of {rust.canister_id}"
        ):
            rust.add(1)
    assert rust.add(1) == 5, "the network goes on"


def test_rounds_without_messages_do_not_count(network, rust):
    """Rounds that only certify the time depend on the real clock, so they are free."""
    with network.limited(rounds=1):
        for _ in range(5):
            network.tick()
        assert rust.add(1) == 1


@pytest.mark.parametrize("kind", [CHAIN, TIMER])
def test_canisters_that_never_rest_end_with_the_limit(network, kind):
    """Settling a network whose calls or timers start each other ends at the limit."""
    restless(network.replica, kind)
    with network.limited(rounds=20), pytest.raises(ReplicaError, match="limit of 20 rounds"):
        network.settle()


def test_rounds_are_counted_anew_in_each_block(network, rust):
    """A limit counts from the beginning of its block."""
    for _ in range(3):
        with network.limited(rounds=1):
            rust.add(1)
    assert rust.get() == 3


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"instructions": 0}, "1 to 40,000,000,000 instructions"),
        ({"instructions": -1}, "not to -1"),
        ({"instructions": 40_000_000_001}, "what the Internet Computer allows"),
        ({"instructions": 1e9}, "not to 1000000000.0"),
        ({"instructions": True}, "not to True"),
        ({"instructions": "1B"}, "not to '1B'"),
        ({"rounds": 0}, "a whole number, 1 to"),
        ({"rounds": 2.5}, "not 2.5"),
    ],
)
def test_what_is_no_limit_is_refused(network, limits, told):
    """A limit that is not a positive whole number, or above the network's own, is refused in a sentence."""
    with pytest.raises(InputError, match=told), network.limited(**limits):
        pytest.fail("the block was entered")
