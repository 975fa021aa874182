"""Snapshots as folders: download, upload, interruption, damage, `kill -9`."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
from typing import Any

import pytest
import wasmtime

from ic_harness.agent import Management
from ic_harness.errors import InputError
from ic_harness.networks import Lifecycle, connect, download_snapshot, embedded, upload_snapshot
from ic_harness.networks.snapshot_files import Manifest, check_folder, read_manifest
from ic_harness.networks.snapshot_files.manifest import SLICE, write_manifest
from ic_harness.networks.snapshot_files.record import Record
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, dump_pem
from ic_harness.replica import serve

PAGE = 65536
PAGES = 70
"""Wasm pages of stable memory of the small canister: three slices."""
FILLER = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (memory 1)
  (global $calls (mut i64) (i64.const 0))
  (global $ratio (mut f64) (f64.const nan))
  (func (export "canister_init") (local $at i64)
    (drop (call $grow (i64.const {pages})))
    (loop $more
      (i64.store (i32.const 0) (i64.mul (i64.add (local.get $at) (i64.const 1)) (i64.const 0x9E3779B97F4A7C15)))
      (call $write (local.get $at) (i64.const 0) (i64.const 8))
      (local.set $at (i64.add (local.get $at) (i64.const {step})))
      (br_if $more (i64.lt_u (local.get $at) (i64.const {bytes})))))
  (func (export "canister_update touch")
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (call $reply))
  (func (export "canister_query calls")
    (i64.store (i32.const 0) (global.get $calls))
    (call $append (i32.const 0) (i32.const 8))
    (call $reply)))"""


def filler(pages, step):
    """A module that fills `pages` of stable memory: eight bytes every `step` bytes."""
    text = FILLER.format(pages=pages, step=step, bytes=pages * PAGE)
    return bytes(wasmtime.wat2wasm(text))


@pytest.fixture
def network():
    with embedded() as running:
        yield running


@pytest.fixture
def canister(network):
    made = network.deploy(filler(PAGES, 4096))
    management(network).upload_chunk(made, b"a chunk")
    network.agent().update(made, "touch", b"")
    return made


def management(network):
    return Management(network.agent(network.deployer))


def calls(network, canister):
    return int.from_bytes(network.agent().query(canister, "calls", b""), "little")


class CutError(Exception):
    """The interruption of a test."""


def cut_after(slices):
    """A progress function that interrupts after so many slices."""
    seen = []

    def progress(done, total):
        seen.append(done)
        if len(seen) == slices:
            raise CutError

    return progress


class Counting:
    """A management client that counts its calls by method."""

    def __init__(self, inner):
        self.inner, self.calls = inner, []

    def __getattr__(self, name):
        self.calls.append(name)
        return getattr(self.inner, name)


def test_a_snapshot_travels_over_http(network, canister, tmp_path):
    """Downloaded from a served network and uploaded to another one, it is the same canister."""
    server = serve(network.replica, port=0)
    try:
        with connect(server.url, deployer=network.deployer) as client:
            manifest = download_snapshot(management(client), canister, tmp_path / "saved")
    finally:
        server.stop()
    assert manifest.temporary
    assert management(network).list_canister_snapshots(canister) == []
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "metadata.json",
        "stable_memory.bin",
        "wasm_chunk_store",
        "wasm_memory.bin",
        "wasm_module.bin",
    ]
    with embedded() as elsewhere:
        server = serve(elsewhere.replica, port=0)
        try:
            with connect(server.url, deployer=elsewhere.deployer) as client:
                target = client.create_canister()
                made = upload_snapshot(
                    management(client), target, tmp_path / "saved", network_key=client.root_key, verify=True
                )
                management(client).load_canister_snapshot(target, made)
        finally:
            server.stop()
        assert calls(elsewhere, target) == 1
        assert elsewhere.stable_memory(target) == network.stable_memory(canister)
        assert len(management(elsewhere).stored_chunks(target)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_an_interrupted_download_continues(network, canister, tmp_path):
    """What is there is not read again; the folder has its name only when all is there."""
    folder = tmp_path / "saved"
    with pytest.raises(CutError):
        download_snapshot(management(network), canister, folder, progress=cut_after(3))
    assert not folder.exists()
    network.agent().update(canister, "touch", b"")  # the canister goes on; the snapshot does not
    counting: Any = Counting(management(network))
    download_snapshot(counting, canister, folder)
    assert "take_canister_snapshot" not in counting.calls
    slices = sum(1 for _ in read_manifest(folder).slices())
    assert counting.calls.count("read_canister_snapshot_data") == slices - 3 + 1
    assert check_folder(folder).metadata["globals"][0] == {"i64": 1}
    assert management(network).list_canister_snapshots(canister) == []


def test_a_slice_that_was_damaged_meanwhile_is_read_again(network, canister, tmp_path):
    """Half-written or damaged slices of an unfinished download are found by their hash."""
    folder, part = tmp_path / "saved", tmp_path / "saved.part"
    with pytest.raises(CutError):
        download_snapshot(management(network), canister, folder, progress=cut_after(4))
    with (part / "stable_memory.bin").open("r+b") as file:
        file.truncate(SLICE // 2)
    with (part / "slices").open("ab") as file:
        file.write(b"stable_memory 19660")  # half a line
    download_snapshot(management(network), canister, folder)
    assert (folder / "stable_memory.bin").read_bytes() == network.stable_memory(canister)


def test_an_interrupted_upload_continues(network, canister, tmp_path):
    """What was accepted is not sent again, and slices of zeros never."""
    folder = tmp_path / "saved"
    download_snapshot(management(network), canister, folder)
    target = network.create_canister()
    options = {"network_key": network.root_key}
    with pytest.raises(CutError):
        upload_snapshot(management(network), target, folder, progress=cut_after(3), **options)
    counting: Any = Counting(management(network))
    made = upload_snapshot(counting, target, folder, verify=True, **options)
    assert "upload_canister_snapshot_metadata" not in counting.calls
    assert counting.calls.count("upload_canister_snapshot_data") == 2 + 1
    assert [one["id"] for one in management(network).list_canister_snapshots(target)] == [made]
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_an_upload_begins_again_where_its_snapshot_is_gone(network, canister, tmp_path):
    """The record of an upload counts only as long as the canister still has the snapshot."""
    folder = tmp_path / "saved"
    download_snapshot(management(network), canister, folder)
    options = {"network_key": network.root_key}
    with pytest.raises(CutError):
        upload_snapshot(management(network), canister, folder, progress=cut_after(3), **options)
    (half,) = management(network).list_canister_snapshots(canister)
    management(network).delete_canister_snapshot(canister, half["id"])
    made = upload_snapshot(management(network), canister, folder, verify=True, **options)
    assert made != half["id"]


def test_two_processes_do_not_share_a_transfer(network, canister, tmp_path):
    """The second one is told that the first has the folder."""
    (tmp_path / "saved.part").mkdir()
    with (
        Record(tmp_path / "saved.part" / "slices"),
        pytest.raises(InputError, match="another process transfers"),
    ):
        download_snapshot(management(network), canister, tmp_path / "saved")


def test_folders_that_are_in_the_way(network, canister, tmp_path):
    """An existing folder, and an unfinished download of another canister, are left as they are."""
    folder = tmp_path / "saved"
    folder.mkdir()
    with pytest.raises(InputError, match="exists already"):
        download_snapshot(management(network), canister, folder)
    folder.rmdir()
    with pytest.raises(CutError):
        download_snapshot(management(network), canister, folder, progress=cut_after(1))
    other = network.deploy(filler(1, 4096))
    with pytest.raises(InputError, match=f"unfinished download of snapshot .* of canister {canister}"):
        download_snapshot(management(network), other, folder)
    with pytest.raises(InputError, match="cannot make the folder"):
        download_snapshot(management(network), canister, tmp_path / "none" / "saved")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda folder: flip(folder / "wasm_module.bin"), "wasm_module.bin is damaged"),
        (lambda folder: os.truncate(folder / "stable_memory.bin", 5), "stable_memory.bin is damaged"),
        (lambda folder: (folder / "wasm_memory.bin").unlink(), "cannot read .*wasm_memory.bin"),
        (lambda folder: flip(next((folder / "wasm_chunk_store").iterdir())), "its SHA-256 is not its name"),
        (lambda folder: (folder / "metadata.json").write_text("{"), "is no JSON"),
        (lambda folder: (folder / "metadata.json").write_text("[]"), "does not describe a snapshot"),
        (lambda folder: (folder / "metadata.json").unlink(), "is no folder of a snapshot"),
        (lambda folder: edit(folder, globals=[{"f64": "zero"}]), "metadata.json is damaged"),
        (lambda folder: edit(folder, wasm_memory_size=-1), "metadata.json is damaged"),
        (lambda folder: edit(folder, wasm_chunk_store=["../../etc/passwd"]), "metadata.json is damaged"),
        (lambda folder: edit(folder, stable_memory_size=1), "stable_memory.bin has"),
    ],
)
def test_a_damaged_folder_is_not_uploaded(network, canister, tmp_path, damage, text):
    """Every file is checked before anything is sent."""
    folder = tmp_path / "saved"
    download_snapshot(management(network), canister, folder)
    damage(folder)
    counting: Any = Counting(management(network))
    with pytest.raises(InputError, match=text):
        upload_snapshot(counting, canister, folder, network_key=network.root_key)
    assert counting.calls == []


def edit(folder, **fields):
    path = folder / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_metadata_keep_every_bit(tmp_path):
    """Globals of every type come back from JSON as they were."""
    metadata = {
        "source": {"metadata_upload": None},
        "taken_at_timestamp": (1 << 64) - 1,
        "canister_version": 7,
        "wasm_module_size": 0,
        "wasm_memory_size": 0,
        "stable_memory_size": 0,
        "global_timer": {"active": (1 << 64) - 1},
        "on_low_wasm_memory_hook_status": None,
        "certified_data": b"\0\xff",
        "globals": [
            {"i32": -(1 << 31)},
            {"i64": (1 << 63) - 1},
            {"f32": 0.10000000149011612},
            {"f64": -0.0},
            {"v128": (1 << 128) - 1},
        ],
        "wasm_chunk_store": [{"hash": b"\1" * 32}],
    }
    written = Manifest(Principal(b"\1"), b"\2\3", metadata, {"a.bin": "00" * 32}, temporary=True)
    write_manifest(tmp_path, written)
    again = read_manifest(tmp_path)
    assert again == written
    assert math.copysign(1, again.metadata["globals"][3]["f64"]) == -1


def test_lifecycle_has_both_ways(network, tmp_path):
    """`lifecycle(canister)` downloads and uploads with the caller's identity."""
    made = network.deploy(filler(1, 4096))
    own = Lifecycle(network, made, identity=network.deployer)
    own.download_snapshot(tmp_path / "saved")
    network.agent().update(made, "touch", b"")
    own.load(own.upload_snapshot(tmp_path / "saved"))
    assert calls(network, made) == 0


CHILD = """
import sys
from pathlib import Path
from ic_harness.agent import Management
from ic_harness.networks import connect, download_snapshot, upload_snapshot
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, dump_pem
from ic_harness.protocol import load_pem
what, url, key, canister, folder = sys.argv[1:]
with connect(url, deployer=load_pem(Path(key))) as network:
    management = Management(network.agent(network.deployer))
    def show(done, total):
        print(done, total, flush=True)
    if what == "download":
        download_snapshot(management, Principal.from_text(canister), Path(folder), progress=show)
    else:
        made = upload_snapshot(management, Principal.from_text(canister), Path(folder),
            network_key=network.root_key, progress=show)
        print(made.hex(), flush=True)
"""


def run_and_kill(args, lines):
    """Run the child and kill it after so many lines of progress; returns its last line when it ended by itself."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, args)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    last = ""
    with child.stdout:
        for number, line in enumerate(child.stdout):
            last = line
            if number == lines:
                child.kill()
                child.wait()
                return None
    assert child.wait() == 0
    return last


def kill_until_done(args, chance):
    """Kill the child a few slices after those that were done before, until it ends; returns its last line."""
    lines = 0
    while True:
        lines += chance.randint(5, 30)  # it shows the slices that are done already, too
        last = run_and_kill(args, lines)
        if last is not None:
            return last


@pytest.mark.slow
def test_100_mb_with_kills(tmp_path):
    """100 MB go to another network over HTTP, with `kill -9` at random moments of both directions."""
    chance = random.Random(16)
    key = tmp_path / "key.pem"
    identity = Ed25519Identity.from_seed(b"k" * 32)
    key.write_bytes(dump_pem(identity))
    with embedded(deployer=identity) as network, embedded(deployer=identity) as elsewhere:
        canister = network.deploy(filler(1600, 1 << 15))
        target = elsewhere.create_canister()
        folder = tmp_path / "saved"
        servers = [serve(one.replica, port=0) for one in (network, elsewhere)]
        try:
            downloading = ("download", servers[0].url, key, canister, folder)
            last = kill_until_done(downloading, chance)
            last = kill_until_done(("upload", servers[1].url, key, target, folder), chance)
        finally:
            for server in servers:
                server.stop()
        Management(elsewhere.agent(identity)).load_canister_snapshot(target, bytes.fromhex(last.strip()))
        assert elsewhere.stable_memory(target) == network.stable_memory(canister)
        assert len(elsewhere.stable_memory(target)) == 1600 * PAGE
    shutil.rmtree(folder)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("saved")]
