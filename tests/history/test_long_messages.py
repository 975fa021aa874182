"""A recording of messages that take several slices runs again in the same rounds, also from a failure file."""

from __future__ import annotations

from ic_harness.history import Replayer
from ic_harness.history.failure_file import FailedTest, failure_of, read_failure, write_failure
from ic_harness.networks import embedded
from ic_harness.replica.recording import Round
from tests.replica.rounds.long_canisters import SLICE, TEN, count, long_canister, submit, ticks_until
from tests.replica.rounds.long_code import installed, installing, leaving, seen


def test_a_long_message_in_a_recording(tmp_path):
    with embedded(history=True, slice_instructions=SLICE) as network:
        replica = network.replica
        long, other = long_canister(replica), long_canister(replica)
        with replica.held():
            submit(replica, long, "burn")
            for _ in range(3):
                quick = submit(replica, other, "burn", 1)
                replica.tick()
                assert quick.done
            taken = replica.snapshot()
            replica.tick(2)
            replica.restore(taken)  # the call goes on without its caller
            second = submit(replica, other, "burn", TEN // 4)
            assert ticks_until(second, replica) == 3
            while count(replica, long) == 0:
                replica.tick()
        expected = replica.state_hash()
        recorder = network.record()
        written = failure_of(FailedTest(name="t", error="E", message="m"), recorder.setup, recorder.events)
        methods = [step.method for step in network.history if step.method.startswith("burn")]
        assert methods == ["burn"] * 5
        last = network.history[-1]
        assert (last.before(long).heap[0], last.after(long).heap[0]) == (0, 1)
    path = tmp_path / "failure"
    write_failure(path, written)
    failure = read_failure(path)
    assert failure.setup.slice_instructions == SLICE
    with Replayer(failure.setup) as replayer:
        answers = replayer.run_all(failure.events)
        assert replayer.replica.state_hash() == expected
    rounds = [
        (event.answers, answer)
        for event, answer in zip(failure.events, answers, strict=True)
        if isinstance(event, Round)
    ]
    assert all(recorded == replayed for recorded, replayed in rounds)


def test_a_long_installation_in_a_recording():
    """It ends in the same round again, with the same state."""
    with embedded(history=True, slice_instructions=SLICE) as network:
        replica = network.replica
        canister, other = installed(replica), long_canister(replica)
        leaving(replica, canister, TEN // 4)
        with replica.held():
            upgrade = installing(replica, canister, TEN // 4, mode="upgrade")
            for _ in range(4):
                submit(replica, other, "burn", 1)
                replica.tick()
            assert not upgrade.done
            assert ticks_until(upgrade, replica) == 1
        assert seen(replica, canister)[:2] == (1, 1)
        expected = replica.state_hash()
        recorder = network.record()
        events = list(recorder.events)
    with Replayer(recorder.setup) as replayer:
        answers = replayer.run_all(events)
        assert replayer.replica.state_hash() == expected
    assert all(
        event.answers == answer
        for event, answer in zip(events, answers, strict=True)
        if isinstance(event, Round)
    )
