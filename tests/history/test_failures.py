"""Failure files: a fault that needs three of forty calls is kept, shown again, shortened, and written as a test."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import replace
from typing import Any

import pytest

from ic_harness.errors import InputError, RejectError
from ic_harness.history import (
    FailedTest,
    Replayer,
    calls_of,
    check,
    failure_of,
    read_failure,
    shrink,
    to_pytest,
    write_failure,
)
from ic_harness.history.blob_pieces import module_within
from ic_harness.networks import embedded
from ic_harness.protocol.request_id import leb128_encode
from tests.history import vaults

TEST = FailedTest(name="tests/test_vault.py::test_vault", error="RejectError", message="the vault is open")
BREAKING = ["open", "fill", "seal"]


def failing(last="check", wasm=None):
    """Make the forty calls and the last one on a recorded network; returns the failure, and how the last one ended."""
    with embedded(history=True) as network:
        vault = network.deploy(wasm or vaults.faulty())
        agent = network.agent()
        for method in vaults.CALLS:
            agent.update(vault, method, vaults.EMPTY)
            agent.query(vault, "sound", vaults.EMPTY)
        ended = outcome(agent.query if last == "sound" else agent.update, vault, last)
        failure = failure_of(TEST, network.record().setup, network.record().events, [(vault, "vault")])
        return failure, ended, network.replica.state_hash()


def outcome(ask, vault, method):
    try:
        return ask(vault, method, vaults.EMPTY)
    except RejectError as error:
        return error


@pytest.fixture(scope="module")
def rejected():
    return failing()


@pytest.fixture(scope="module")
def shortened(rejected):
    return shrink(rejected[0])


def methods(failure):
    return [call.request.method for call in calls_of(failure.events)][2:]


def test_replay_leads_to_the_same_state(rejected):
    failure, ended, state = rejected
    assert isinstance(ended, RejectError)
    assert len(methods(failure)) == 81
    with Replayer(failure.setup) as replayer:
        replayer.run_all(failure.events)
        assert replayer.replica.state_hash() == state
    found = check(failure)
    assert found.reproduced
    assert found.differences == ()
    assert found.calls[-1].request.method == "check"


def test_replay_says_which_call_differs(rejected):
    failure = rejected[0]
    other = failing(wasm=vaults.healthy())[0]
    installs = [event for event in other.events if getattr(event, "calls", ())][1]
    place = failure.events.index(next(e for e in failure.events[2:] if getattr(e, "calls", ()))) - 1
    events = [*failure.events]
    events[place] = replace(events[place], calls=(installs.calls[0],))
    found = check(replace(failure, events=tuple(events)))
    assert not found.reproduced
    assert found.differences[-1].call.request.method == "check"


def test_shrink_finds_the_three_calls(shortened):
    assert methods(shortened.failure) == [*BREAKING, "check"]
    assert shortened.complete
    assert shortened.calls_before == 83
    assert check(shortened.failure).differences == ()


def test_shrink_of_a_wrong_answer():
    failure, ended, _ = failing("sound")
    assert ended == b"DIDL\0\1\x79\0\0\0\0"
    assert methods(shrink(failure).failure) == [*BREAKING, "sound"]


def test_shrink_is_bounded(rejected):
    result = shrink(rejected[0], tries=3)
    assert not result.complete
    assert result.tries <= 3
    assert check(result.failure).reproduced


def test_written_test_fails_the_same_way(shortened, tmp_path, monkeypatch):
    written = to_pytest(shortened.failure, tmp_path / "test_vault_again.py")
    code = written[0].read_text()
    assert "network.update(ANONYMOUS, VAULT, 'fill'" in code
    with pytest.raises(RejectError, match="the vault is open"):
        run(code, written[0])
    for module in written[1:]:
        module.write_bytes(vaults.healthy())
    run(code, written[0])


def test_written_test_compares_a_wrong_answer(tmp_path):
    failure = shrink(failing("sound")[0]).failure
    (path, module) = to_pytest(failure, tmp_path / "test_sound.py")
    with pytest.raises(AssertionError, match="the vault is open"):
        run(path.read_text(), path)
    module.write_bytes(vaults.healthy())
    run(path.read_text(), path)


@pytest.mark.parametrize("size", [8, 127, 300, 10_000, 95_724, 2_100_000])
def test_modules_are_found_with_their_whole_length(size):
    """The last bytes of the length of a module are a number themselves, and not its length."""
    module = b"\x1f\x8b\x08" + bytes(size - 3)
    before, after = b"DIDL\0\0\x85", b"\x04\0\2\1\x0a"
    data = before + leb128_encode(size) + module + after * 4
    assert module_within(data) == (len(before) + len(leb128_encode(size)), len(data) - 4 * len(after))


def test_a_module_of_another_length_takes_the_place(shortened, tmp_path):
    """What is put into the folder may have any length: a repaired build seldom has that of the faulty one."""
    (path, module) = to_pytest(shortened.failure, tmp_path / "test_vault_again.py")
    longer = vaults.healthy() + b"\0\x03\x02no"  # with a custom section
    for content in (longer, gzip.compress(longer)):
        module.write_bytes(content)
        run(path.read_text(), path)


def run(code, path):
    space: dict[str, Any] = {"__file__": str(path)}
    exec(compile(code, str(path), "exec"), space)
    space["test_reproduces_the_failure"]()


def test_file_holds_everything_and_no_key(rejected, tmp_path):
    failure = rejected[0]
    path = tmp_path / "vault.ic-failure"
    size = write_failure(path, failure)
    assert read_failure(path) == failure
    assert size == path.stat().st_size < 20_000
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda data: data[:0], "no failure file"),
        (lambda data: data[:-7], "checksum"),
        (lambda data: data[:90] + b"\0" + data[91:], "checksum"),
        (lambda data: data.replace(b"file 1\n", b"file 2\n", 1), "version"),
        (lambda _: sealed(b"\xff" * 40), "invalid|CBOR|major|end|unknown|value"),
        (lambda _: sealed(b"\xa0"), "no failure"),
        (lambda _: sealed(b"\xa2\x65blobs\x80\x67failure\xa1\x66pieces\x81\x81\x41a"), "missing"),
        (lambda _: sealed(b"\xa2\x65blobs\x80\x67failure\x80"), "Failure"),
        (lambda _: sealed(b"\xa0", cut=4), "ends early|incomplete|no failure file|Error"),
    ],
)
def test_damaged_file_is_refused_by_name(rejected, tmp_path, harm, says):
    path = tmp_path / "vault.ic-failure"
    write_failure(path, rejected[0])
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(InputError, match=f"vault.ic-failure: .*(?:{says})"):
        read_failure(path)


def sealed(content, cut=0):
    """A failure file with this content, whose checksum is right."""
    packed = zlib.compress(content)
    packed = packed[: len(packed) - cut]
    return b"ic-harness failure file 1\n" + hashlib.sha256(packed).digest() + packed


def test_content_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("ic_harness.history.failure_file._MAX_CONTENT", 1000)
    path = tmp_path / "bomb.ic-failure"
    path.write_bytes(sealed(bytes(100_000)))
    with pytest.raises(InputError, match="more than 1,000 bytes"):
        read_failure(path)


def test_recording_follows_snapshots():
    with embedded(history=True) as network:
        vault = network.deploy(vaults.faulty())
        agent = network.agent()
        before = len(network.record().events)
        with network.anchored():
            agent.update(vault, "open", vaults.EMPTY)
            network.advance_time(10**12)
            agent.update(vault, "fill", vaults.EMPTY)
        assert len(network.record().events) == before + 1
        agent.update(vault, "idle", vaults.EMPTY)
        network.set_stable_memory(vault, b"stable")
        state = network.replica.state_hash()
        with Replayer(network.record().setup) as replayer:
            replayer.run_all(network.record().events)
            assert replayer.replica.state_hash() == state


def test_recording_is_bounded():
    with embedded(history=True) as network:
        vault = network.deploy(vaults.faulty())
        agent = network.agent()
        start = network.snapshot()
        network.record().max_events = len(network.record().events) + 2
        for _ in range(4):
            agent.update(vault, "idle", vaults.EMPTY)
        assert len(network.record().events) == network.record().max_events
        assert "history ended" in network.record().overflow
        network.restore(start)
        assert network.record().overflow == ""


def test_a_network_that_ran_is_not_recorded():
    with embedded() as network:
        network.create_canister()
        with pytest.raises(InputError, match="embedded\\(history=True\\)"):
            network.record()
