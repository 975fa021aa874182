"""Memories that grew by gigabytes and hold a few bytes: nothing is written or held in memory for their zeros."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
import zlib
from contextlib import contextmanager

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from ic_harness import portable_files
from ic_harness.errors import StateError
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.state.memory_image import PAGE, SEGMENT, Assembly, SparseBytes
from ic_harness.replica.store import Store, files, zero_runs
from tests.replica.store.test_restore import MODULE, number
from tests.replica.store_support import Small
from tests.replica.support import ALICE, create, install, management

SIZE = 64 << 20
LITTLE = 2 << 20


def settings(folder):
    return ReplicaConfig(seed=b"s", state_dir=folder)


def sparse_canister(replica):
    """A canister with much stable memory, and content at both ends of it."""
    canister = create(replica)
    install(replica, canister, bytes(wasmtime.wat2wasm(MODULE)))
    replica.execute_update(ALICE, canister, "grow", number(SIZE // SEGMENT))
    replica.execute_update(ALICE, canister, "write", number(8))
    replica.execute_update(ALICE, canister, "write", number(SIZE - 8))
    return canister


def checkpoint(replica):
    (node,) = replica.nodes.all
    node.runner.call(lambda: node.journal.checkpoint(node.state, node.instances))


@contextmanager
def little(monkeypatch):
    """Within it little is written to files, and little is held in memory."""
    written = []

    def write(handle, buffers, path):
        written.append(sum(map(len, buffers)))
        return original(handle, buffers, path)

    original = files.write
    with monkeypatch.context() as patch:
        patch.setattr(files, "write", write)
        tracemalloc.start()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sum(written) < LITTLE
    assert peak < 2 * LITTLE


def used(path):
    """Bytes that a file takes on the disk."""
    return path.stat().st_blocks * 512


def stable_file(folder):
    (path,) = folder.glob("checkpoint-*/*-stable")
    return path


@pytest.fixture
def holes(folder):
    """Skips where the file system of the test has no holes."""
    folder.mkdir(exist_ok=True)
    path = folder / "probe"
    path.touch()
    os.truncate(path, SIZE)
    with_holes = used(path) < LITTLE
    path.unlink()
    if not with_holes:
        pytest.skip("this file system has no holes")


def test_a_checkpoint_costs_what_the_memory_holds(folder, monkeypatch):
    """Neither making a checkpoint nor loading from it takes the room of the zeros; hash and content are the same."""
    with Replica(settings(folder)) as replica:
        canister = sparse_canister(replica)
        with little(monkeypatch):
            checkpoint(replica)
        assert stable_file(folder).stat().st_size == SIZE
    with little(monkeypatch):
        replica = Replica(settings(folder))
        replica.execute_update(ALICE, canister, "write", number(SIZE - 8))
        checkpoint(replica)
    with replica:
        wanted = replica.state_hash()
    with Replica(settings(folder)) as replica:
        content = replica.stable_memory(canister)
        assert (len(content), content[8:16], content[-8:]) == (SIZE, b"\xff" * 8, b"\xff" * 8)
        assert not any(content[16 : SIZE - 8])
        assert replica.state_hash() == wanted


@pytest.mark.usefixtures("holes")
def test_a_checkpoint_takes_little_room_on_the_disk(folder):
    """The file of a memory is as long as the memory, and holds what the memory holds."""
    with Replica(settings(folder)) as replica:
        sparse_canister(replica)
        checkpoint(replica)
        assert used(stable_file(folder)) < LITTLE


def test_a_replaced_memory_costs_what_it_holds(folder, monkeypatch):
    """An upgrade keeps stable memory, and a round with one writes the content of it into the journal."""
    with Replica(settings(folder)) as replica:
        canister = sparse_canister(replica)
        with little(monkeypatch):
            install(replica, canister, bytes(wasmtime.wat2wasm(MODULE)), mode="upgrade")
        wanted = replica.state_hash()
    with Replica(settings(folder)) as replica:
        assert replica.state_hash() == wanted
        assert replica.stable_memory(canister)[-8:] == b"\xff" * 8


@pytest.mark.parametrize("kept", [True, False])
def test_a_canister_snapshot_costs_what_the_memory_holds(folder, monkeypatch, kept):
    """Taking, loading and reading a snapshot of a canister, with and without a state folder."""
    with Replica(settings(folder if kept else None)) as replica:
        canister = sparse_canister(replica)
        call = {"canister_id": canister, "sender_canister_version": None}
        with little(monkeypatch):
            options = {"replace_snapshot": None, "uninstall_code": None}
            taken = management(replica).update("take_canister_snapshot", {**call, **options})
        before = replica.stable_memory(canister)
        replica.execute_update(ALICE, canister, "write", number(SEGMENT))
        named = {"canister_id": canister, "snapshot_id": taken["id"]}
        with little(monkeypatch):
            management(replica).update("load_canister_snapshot", {**named, "sender_canister_version": None})
            kind = {"stable_memory": {"offset": SIZE - 16, "size": 16}}
            found = management(replica).update("read_canister_snapshot_data", {**named, "kind": kind})
        assert found == {"chunk": bytes(8) + b"\xff" * 8}
        assert replica.stable_memory(canister) == before


def test_going_back_keeps_what_was_written_only(folder, monkeypatch):
    """Going back to before a memory grew remembers its content for later snapshots, not its zeros."""
    with Replica(settings(folder)) as replica:
        canister = create(replica)
        install(replica, canister, bytes(wasmtime.wat2wasm(MODULE)))
        small = replica.snapshot()
        replica.execute_update(ALICE, canister, "grow", number(SIZE // SEGMENT))
        replica.execute_update(ALICE, canister, "write", number(SIZE - 8))
        large, wanted = replica.snapshot(), replica.stable_memory(canister)
        with little(monkeypatch):
            replica.restore(small)
        replica.execute_update(ALICE, canister, "grow", number(2))
        replica.execute_update(ALICE, canister, "write", number(SEGMENT))
        replica.restore(large)
        assert replica.stable_memory(canister) == wanted


# --- file systems and folders of other kinds ----------------------------------------------------------------


@pytest.fixture(params=["no names for it", "refused", "known"])
def knowing(request, monkeypatch):
    """Systems that know nothing of holes, that refuse to tell, and that know them."""
    if request.param == "no names for it":
        monkeypatch.delattr(os, "SEEK_DATA", raising=False)
    elif request.param == "refused":
        monkeypatch.setattr(os, "SEEK_DATA", 99, raising=False)


@pytest.mark.usefixtures("knowing")
def test_nothing_depends_on_knowing_holes(folder, monkeypatch):
    """Where the system does not tell where holes are, content and checksums are the same."""
    small = Small(Store(folder, b"s" * 32))
    first = small.install(1, 3 * SEGMENT)
    small.change(first, SEGMENT, bytes(SEGMENT))
    small.checkpoint()
    monkeypatch.setattr(files, "link", lambda *_: False)  # nor are there hard links: files are copied
    small.checkpoint()
    small.store.release()
    again = Small(Store(folder))
    assert again.view() == small.view()
    again.change(first, 5, b"more")
    again.checkpoint()
    again.store.release()
    last = Small(Store(folder))
    assert last.view() == again.view()
    last.store.release()


def test_files_without_holes_are_read(folder, monkeypatch):
    """A folder of an earlier version, whose files have zeros in full, is read; their room is not taken in memory."""
    with Replica(settings(folder)) as replica:
        canister = sparse_canister(replica)
        checkpoint(replica)
        wanted = replica.state_hash()
    path = stable_file(folder)
    path.write_bytes(path.read_bytes())
    with Replica(settings(folder)) as replica:
        assert replica.state_hash() == wanted
    with little(monkeypatch), Replica(settings(folder)) as replica:
        replica.execute_update(ALICE, canister, "write", number(8))
        checkpoint(replica)


def test_a_changed_byte_in_a_hole_is_found(folder):
    """The checksum is over the zeros too."""
    with Replica(settings(folder)) as replica:
        sparse_canister(replica)
        checkpoint(replica)
    with stable_file(folder).open("r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"\1")
    with pytest.raises(StateError, match=r"CRC-32 [0-9a-f]{8} expected"):
        Replica(settings(folder))


def test_ranges_of_a_file(tmp_path):
    """What was written lies within the ranges; behind the asked end there is none."""
    path = tmp_path / "file"
    with path.open("w+b") as file:
        file.truncate(10 * SEGMENT)
        file.seek(3 * SEGMENT)
        file.write(b"x")
        file.flush()
        ranges = list(portable_files.data_ranges(file.fileno(), 10 * SEGMENT))
        assert any(start <= 3 * SEGMENT < end for start, end in ranges)
        assert all(end <= SEGMENT for _, end in portable_files.data_ranges(file.fileno(), SEGMENT))
        assert list(portable_files.data_ranges(file.fileno(), 0)) == []


# --- sparse content -----------------------------------------------------------------------------------------

PARTS = st.lists(
    st.tuples(
        st.integers(0, 4 * SEGMENT), st.binary(max_size=9) | st.sampled_from([bytes(PAGE), b"x" * PAGE])
    ),
    max_size=6,
)
SIZES = st.integers(0, 3 * SEGMENT) | st.sampled_from([0, 1, PAGE, SEGMENT, 2 * SEGMENT, 5 * SEGMENT])


@given(SIZES, PARTS)
def test_sparse_content_is_the_content(size, parts):
    """Put together in any order, bytes, hash, checksum and every part are those of plain content."""
    plain, assembly = bytearray(size), Assembly(size)
    for offset, content in parts:
        part = content[: max(0, size - offset)]
        plain[offset : offset + len(part)] = part
        if part:
            assembly.put(offset, part)
    sparse = assembly.take()
    assert sparse == SparseBytes.of(bytes(plain))
    assert bytes(sparse) == plain
    assert sparse.sha256() == hashlib.sha256(plain).digest()
    assert zero_runs.crc32(sparse.pieces, size) == zlib.crc32(plain)
    for offset, content in parts:
        assert sparse.part(offset, len(content) + 1) == plain[offset : offset + len(content) + 1]


@given(st.binary(max_size=5), st.integers(0, 1 << 20))
def test_the_checksum_of_zeros(content, count):
    """Zeros behind content change the checksum as `zlib` says."""
    assert zero_runs.after_zeros(zlib.crc32(content), count) == zlib.crc32(content + bytes(count))
