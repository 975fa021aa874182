"""Small state folders, written and read without Wasm: a machine that holds bytes, and rounds made by hand."""

from __future__ import annotations

import shutil

from ic_harness.errors import StateError
from ic_harness.replica.state.delta import Pages, StateDelta
from ic_harness.replica.state.memory_image import SparseBytes, StateImage
from ic_harness.replica.state.replicated_state import (
    Canister,
    FromUser,
    ReplicatedState,
    Replied,
    Request,
    RequestRecord,
    Settings,
    Snapshot,
)
from ic_harness.replica.store import Store, to_plain


class Bytes:
    """Instances of canisters that are nothing but their memories."""

    def __init__(self, images=()):
        self.images = dict(images)

    def export_state(self, canister):
        return self.images[canister.id]


class Small:
    """A world that grows by rounds, each kept in a store; `views` has what must be found after each."""

    def __init__(self, store):
        self.store = store
        self.state = store.state or ReplicatedState(time_ns=0)
        self.instances = Bytes()
        for canister_id in self.state.canisters:
            image = store.load_memory(canister_id)
            if image is not None:
                self.instances.images[canister_id] = image
        self.views = [self.view()]

    def view(self):
        images = dict(sorted(self.instances.images.items()))
        return self.store.seed, to_plain(self.state), images

    def round(self, **changed):
        self.state.round += 1
        self.state.time_ns += 10
        self.store.append(self.state, StateDelta(**changed), self.instances)
        self.views.append(self.view())

    def install(self, number, size=40):
        """A canister with a module, and a snapshot of its first memory."""
        canister_id = bytes([number]) * 10
        heap = bytes([number]) * size
        blob = self.store.blobs.put
        snapshot = Snapshot(
            id=canister_id + b"s",
            taken_ns=1,
            canister_version=1,
            module_hash=blob(b"module"),
            certified_data=b"",
            global_timer_ns=0,
            heap=blob(heap),
            stable=b"",
            globals_=b"",
            chunks=(),
            size=size,
        )
        canister = Canister(
            id=canister_id,
            settings=Settings(controllers=(b"owner",)),
            created_ns=self.state.time_ns,
            module_hash=blob(b"module"),
            snapshots={snapshot.id: snapshot},
        )
        self.state.canisters[canister_id] = canister
        self.instances.images[canister_id] = StateImage(
            SparseBytes.of(heap), SparseBytes.of(b"stable" * 3), (number, 0)
        )
        self.round(canisters={canister_id}, replaced={canister_id})
        return canister_id

    def change(self, canister_id, offset, content):
        """A message that changes the heap, answers a request and leaves one in a queue."""
        old = self.instances.images[canister_id]
        heap = bytearray(bytes(old.heap))
        heap[offset : offset + len(content)] = content
        image = StateImage(SparseBytes.of(bytes(heap)), old.stable, (*old.globals[:1], old.globals[1] + 1))
        self.instances.images[canister_id] = image
        canister = self.state.canisters[canister_id]
        canister.version += 1
        request = Request(origin=FromUser(content), caller=b"u", callee=canister_id, method="m", arg=content)
        canister.queue = type(canister.queue)([request])
        record = RequestRecord(
            sender=b"u", effective_id=b"e", canister=canister_id, forget_ns=9, answer=Replied(content)
        )
        self.state.requests[content] = record
        parts = (("heap", offset, content),)
        pages = Pages(len(image.heap), len(image.stable), image.globals, parts)
        self.round(canisters={canister_id}, requests={content: record}, pages=[(canister_id, pages)])

    def checkpoint(self):
        self.store.checkpoint(self.state, self.instances)


def fill(folder, seed=b"s" * 32, size=40):
    """A folder with a checkpoint and three frames after it; gives what must be found in it after each."""
    store = Store(folder, seed)
    small = Small(store)
    first = small.install(1, size)
    small.install(2, size)
    small.change(first, 3, b"one")
    small.checkpoint()
    del small.views[:-1]
    small.change(first, 5, b"two")
    small.install(3, size)
    small.change(first, 4, b"three")
    store.release()
    return small.views


def found(folder):
    """What a store finds in a folder. Raises `StateError`."""
    store = Store(folder)
    try:
        return Small(store).view()
    finally:
        store.release()


def refusal(folder):
    """Why a store refuses the folder, None when it takes it; quicker than `pytest.raises`, for many cases."""
    try:
        Store(folder).release()
    except StateError as error:
        return str(error)
    return None


def tree(folder):
    """All files of a folder by relative path, folders as None, links by their target."""
    result = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink():
            result[name] = path.readlink()
        else:
            result[name] = None if path.is_dir() else path.read_bytes()
    return result


def plant(folder, files):
    """Make a folder that holds exactly these files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        if content is None:
            (folder / name).mkdir(exist_ok=True)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
