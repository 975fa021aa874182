"""Forks: the state of a canister of a served network, run in an embedded one under the same id."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pytest

from ic_harness.agent import Management
from ic_harness.errors import InputError, RejectError
from ic_harness.networks import connect, embedded, fork_canister, upload_snapshot
from ic_harness.networks.forks.folder import begin_fork
from ic_harness.networks.snapshot_files import Manifest
from ic_harness.networks.snapshot_files.manifest import SLICE
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, cbor, dump_pem
from ic_harness.replica import Replica, serve

from .test_snapshot_files import PAGES, CutError, calls, cut_after, filler, management

MAINNET_ID = Principal.from_text("ryjl3-tyaaa-aaaaa-aaaba-cai")
"""An id that no other canister of these networks has."""
CHUNK = b"a chunk"
READS = {
    "canister_status",
    "read_canister_snapshot_metadata",
    "read_canister_snapshot_data",
    "take_canister_snapshot",
    "delete_canister_snapshot",
}
SECRET = b"the secret of this test"


@pytest.fixture(scope="module")
def origin():
    """The network in the role of the Internet Computer, with a canister that has state everywhere."""
    with embedded() as running:
        made = running.create_canister(canister_id=MAINNET_ID)
        running.install(made, filler(PAGES, 65536))
        management(running).upload_chunk(made, CHUNK)
        management(running).update_settings(
            made, {"freezing_threshold": 99, "environment_variables": [{"name": "STAGE", "value": "ic"}]}
        )
        running.agent().update(made, "touch", b"")
        content = running.stable_memory(made)
        running.set_stable_memory(
            made, content[: PAGES * 1000] + SECRET + content[PAGES * 1000 + len(SECRET) :]
        )
        yield running


@pytest.fixture(scope="module")
def client(origin):
    """The same network over HTTP."""
    server = serve(origin.replica, port=0)
    with connect(server.url, deployer=origin.deployer) as running:
        yield running
    server.stop()


@pytest.fixture
def local():
    with embedded(seed=b"another network") as running:
        yield running


def same(local, origin):
    """Assert that the canister is the same on both."""
    assert local.stable_memory(MAINNET_ID) == origin.stable_memory(MAINNET_ID)
    assert calls(local, MAINNET_ID) == calls(origin, MAINNET_ID) == 1
    assert local.module_hash(MAINNET_ID) == origin.module_hash(MAINNET_ID)


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_fork_runs_under_its_own_id(origin, client, local, tmp_path, passphrase):
    """Downloaded over HTTP and loaded, it has the state, settings and chunks; the origin has no snapshot left."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork", passphrase=passphrase)
    assert management(origin).list_canister_snapshots(MAINNET_ID) == []
    forked = local.load_fork(tmp_path / "a.fork", passphrase=passphrase)
    assert forked.canister_id == MAINNET_ID
    same(local, origin)
    status = forked.status()["settings"]
    assert status["freezing_threshold"] == 99
    assert status["environment_variables"] == [{"name": "STAGE", "value": "ic"}]
    assert management(local).stored_chunks(MAINNET_ID) == management(origin).stored_chunks(MAINNET_ID) != []
    assert origin.deployer.principal in status["controllers"]
    local.agent().update(MAINNET_ID, "touch", b"")
    assert (calls(local, MAINNET_ID), calls(origin, MAINNET_ID)) == (2, 1)


def test_the_origin_sees_only_calls_that_read(origin, tmp_path, monkeypatch):
    """All requests of a fork: reads, and the calls that take and delete its snapshot; a load sends nothing."""
    seen: list[tuple[str, str]] = []
    handle = Replica.handle

    def watched(self, request):
        if self is origin.replica:
            content = cbor.decode(request.body)["content"] if request.body else {}
            seen.append((content.get("request_type", "status"), content.get("method_name", "")))
        return handle(self, request)

    monkeypatch.setattr(Replica, "handle", watched)
    server = serve(origin.replica, port=0)
    try:
        with connect(server.url, deployer=origin.deployer) as client:
            fork_canister(client, MAINNET_ID, tmp_path / "a.fork")
    finally:
        server.stop()
    assert {method for kind, method in seen if kind == "call"} == READS
    assert {kind for kind, _ in seen} <= {"call", "read_state", "status"}
    sent = len(seen)
    with embedded(seed=b"another network") as local:
        local.load_fork(tmp_path / "a.fork")
    assert len(seen) == sent


def test_a_fork_is_never_uploaded(origin, client, tmp_path):
    """Neither to its origin nor elsewhere; nothing is sent."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork")
    with pytest.raises(InputError, match="is a fork: it was downloaded to be run on this machine"):
        upload_snapshot(
            Management(client.agent(origin.deployer)),
            MAINNET_ID,
            tmp_path / "a.fork",
            network_key=client.root_key,
        )
    assert management(origin).list_canister_snapshots(MAINNET_ID) == []


def test_nothing_is_in_the_clear(client, tmp_path):
    """Of an encrypted fork no file has content, ids, hashes or the interface of the canister; a plain one has them."""
    fork_canister(client, MAINNET_ID, tmp_path / "plain")
    fork_canister(client, MAINNET_ID, tmp_path / "sealed", passphrase="p")

    def files(folder):
        return b"".join(
            str(path.relative_to(folder)).encode() + path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        )

    plain, sealed = files(tmp_path / "plain"), files(tmp_path / "sealed")
    for secret in (SECRET, str(MAINNET_ID).encode(), CHUNK, b"canister_update touch", b"wasm_memory_size"):
        assert secret in plain
        assert secret not in sealed


def test_wrong_passphrases(client, local, tmp_path):
    """A wrong one, none, and an empty one are told apart; a fork that is not encrypted needs none."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork", passphrase="right")
    with pytest.raises(InputError, match=r"wrong passphrase for .*a\.fork"):
        local.load_fork(tmp_path / "a.fork", passphrase="wrong")
    with pytest.raises(InputError, match="is encrypted: give its passphrase"):
        local.load_fork(tmp_path / "a.fork")
    with pytest.raises(InputError, match="the passphrase is empty"):
        local.load_fork(tmp_path / "a.fork", passphrase="")
    with pytest.raises(InputError, match="is no folder of a fork"):
        local.load_fork(tmp_path)


@pytest.mark.parametrize("passphrase", [None, "p"])
def test_damage_is_found(client, local, tmp_path, passphrase):
    """A changed byte of any file of a region is refused, with its name; nothing is loaded."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork", passphrase=passphrase)
    path = tmp_path / "a.fork" / "stable_memory.bin"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"stable_memory.*is damaged|content of stable_memory"):
        local.load_fork(tmp_path / "a.fork", passphrase=passphrase)
    assert not local.exists(MAINNET_ID)


def test_slices_of_an_encrypted_fork_cannot_change_places(client, local, tmp_path):
    """Records are bound to their place; a slice replaced by zeros is found as well."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork", passphrase="p")
    path, slot = tmp_path / "a.fork" / "stable_memory.bin", SLICE + 28
    content = path.read_bytes()
    path.write_bytes(content[slot : 2 * slot] + content[:slot] + content[2 * slot :])
    with pytest.raises(InputError, match="the encrypted content of stable_memory 0 is damaged"):
        local.load_fork(tmp_path / "a.fork", passphrase="p")
    path.write_bytes(bytes(slot) + content[slot:])
    with pytest.raises(InputError, match=r"stable_memory\.bin is damaged"):
        local.load_fork(tmp_path / "a.fork", passphrase="p")


@pytest.mark.parametrize("passphrase", [None, "p"])
def test_an_interrupted_fork_continues(origin, client, local, tmp_path, passphrase):
    """Cut anywhere, the same call reads the rest of the same snapshot, and needs the same passphrase."""
    for cut in (1, 2, 3):
        with pytest.raises(CutError):
            fork_canister(client, MAINNET_ID, tmp_path / "a", passphrase=passphrase, progress=cut_after(cut))
    assert len(management(origin).list_canister_snapshots(MAINNET_ID)) == 1
    with pytest.raises(InputError, match=r"wrong passphrase|begun without encryption"):
        fork_canister(client, MAINNET_ID, tmp_path / "a", passphrase="another")
    fork_canister(client, MAINNET_ID, tmp_path / "a", passphrase=passphrase)
    assert management(origin).list_canister_snapshots(MAINNET_ID) == []
    local.load_fork(tmp_path / "a", passphrase=passphrase)
    same(local, origin)


@pytest.mark.slow
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_killed_fork_continues(origin, local, tmp_path, monkeypatch, encrypted):
    """The command is killed at every request that it makes (SIGKILL) and started again, until one run gets through."""
    handle, requests = Replica.handle, [0, 0]
    running: list[subprocess.Popen[str]] = []

    def deadly(self, request):
        if self is origin.replica and running:
            requests[0] += 1
            if requests[0] > requests[1]:
                running.pop().kill()
        return handle(self, request)

    monkeypatch.setattr(Replica, "handle", deadly)
    (tmp_path / "key.pem").write_bytes(dump_pem(origin.deployer))
    (tmp_path / "secret").write_text("correct horse", encoding="utf-8")
    protection = ["--passphrase-file", str(tmp_path / "secret")] if encrypted else []
    server = serve(origin.replica, port=0)
    words = [
        sys.executable,
        "-m",
        "ic_harness.cli",
        "fork",
        f"{server.url}:{MAINNET_ID}",
        str(tmp_path / "a"),
    ]
    try:
        for killed in range(200):
            requests[:] = [0, killed]
            with subprocess.Popen(
                [*words, "--identity", str(tmp_path / "key.pem"), *protection],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as command:
                running[:] = [command]
                printed, _ = command.communicate()
            if command.returncode != -signal.SIGKILL:
                break
            assert not (tmp_path / "a").exists(), "only a whole fork has its name"
    finally:
        server.stop()
    assert command.returncode == 0, printed
    assert killed > 5
    # Killed before it knew the id of its snapshot, a run leaves it: it cannot be told from those of other controllers.
    left = management(origin).list_canister_snapshots(MAINNET_ID)
    for snapshot in left:
        management(origin).delete_canister_snapshot(MAINNET_ID, snapshot["id"])
    assert len(left) <= 2, "the request and its answer"
    local.load_fork(tmp_path / "a", passphrase="correct horse" if encrypted else None)
    same(local, origin)


def test_a_named_snapshot_stays(origin, client, local, tmp_path):
    """A fork of a snapshot that is there leaves it there."""
    taken = management(origin).take_canister_snapshot(MAINNET_ID)["id"]
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork", snapshot=taken)
    assert [one["id"] for one in management(origin).list_canister_snapshots(MAINNET_ID)] == [taken]
    management(origin).delete_canister_snapshot(MAINNET_ID, taken)
    local.load_fork(tmp_path / "a.fork")
    same(local, origin)


def test_a_module_that_is_not_the_certified_one_is_refused(origin, client, tmp_path):
    """The module of the snapshot must have the certified hash; nothing gets the name of the fork."""
    (tmp_path / "a.part").mkdir()
    fork = begin_fork(tmp_path / "a.part", None)
    from ic_harness.networks.forks.origin import Origin

    real = Origin.read(client, Management(client.agent(origin.deployer)), MAINNET_ID)
    text = real.to_text().replace(real.module_hash.hex(), "00" * 32)
    fork.write_origin(Origin.from_text(text, "here"))
    with pytest.raises(InputError, match="was upgraded while it was forked"):
        fork_canister(client, MAINNET_ID, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    for one in management(origin).list_canister_snapshots(MAINNET_ID):
        management(origin).delete_canister_snapshot(MAINNET_ID, one["id"])


def test_only_controllers_can_fork(client, tmp_path):
    """Another caller is refused by the network before a snapshot is taken."""
    with pytest.raises(RejectError):
        fork_canister(client, MAINNET_ID, tmp_path / "a", identity=Ed25519Identity.generate())


def test_ids_that_cannot_be_loaded(client, tmp_path):
    """A taken id, and one that no subnet of the network has, are refused with what to do."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork")
    with embedded(seed=b"another network") as local:
        local.load_fork(tmp_path / "a.fork")
        with pytest.raises(InputError, match=r"has a canister ryjl3.* already"):
            local.load_fork(tmp_path / "a.fork")
    _renamed(tmp_path / "a.fork", Principal.from_text("bkyz2-fmaaa-aaaaa-qaaaq-cai"))
    with embedded(subnets="application=2") as several, pytest.raises(InputError, match="leave `subnets` out"):
        several.load_fork(tmp_path / "a.fork")


def _renamed(folder, canister):
    for name in ("metadata.json", "origin.json"):
        path = folder / name
        path.write_text(path.read_text().replace(str(MAINNET_ID), str(canister)))


def test_a_fork_keeps_what_its_state_folder_keeps(client, origin, tmp_path):
    """Loaded into a network with a state folder, it is there when the folder is opened again."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork")
    with embedded(tmp_path / "state") as local:
        local.load_fork(tmp_path / "a.fork")
    with embedded(tmp_path / "state") as again:
        same(again, origin)


def test_snapshots_of_the_network_hold_a_fork(client, tmp_path, local):
    """A network that is put back has the fork as it was loaded."""
    fork_canister(client, MAINNET_ID, tmp_path / "a.fork")
    local.load_fork(tmp_path / "a.fork")
    with local.anchored():
        local.agent().update(MAINNET_ID, "touch", b"")
        assert calls(local, MAINNET_ID) == 2
    assert calls(local, MAINNET_ID) == 1


def test_zeros_take_no_space(tmp_path):
    """Slices of zeros are holes in a plain and in an encrypted fork."""
    for passphrase in (None, "p"):
        folder = tmp_path / f"{passphrase}"
        folder.mkdir()
        content = begin_fork(folder, passphrase).content
        content.put("stable_memory", 40 * SLICE, b"x" * SLICE)
        content.put("stable_memory", 41 * SLICE, bytes(SLICE))
        content.close()
        used = (folder / "stable_memory.bin").stat().st_blocks * 512
        assert used < 3 * SLICE


def test_any_header_is_refused_or_read(tmp_path):
    """A damaged header raises `InputError`, whatever is in it."""
    source = random.Random(18)
    begin_fork(tmp_path, "p").content.close()
    path = tmp_path / "fork.json"
    good = path.read_bytes()
    for _ in range(25):
        bad = bytearray(good)
        bad[source.randrange(len(bad))] = source.randrange(256)
        path.write_bytes(bad)
        try:
            begin_fork(tmp_path, "p").content.close()
        except InputError:
            continue
        assert Manifest is not None
