"""Saving what is whole of a damaged state folder into a new one; the damaged one is only read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from ic_harness.errors import InputError, StateError
from ic_harness.replica.state import rejects
from ic_harness.replica.state.memory_image import StateImage
from ic_harness.replica.state.randomness import fresh_seed
from ic_harness.replica.state.rejects import name
from ic_harness.replica.state.replicated_state import Canister, ReplicatedState, Response
from ic_harness.replica.store import checkpoint, files
from ic_harness.replica.store.blobs import FileBlobs
from ic_harness.replica.store.checkpoint import Draft
from ic_harness.replica.store.examination import Examination, StateReport, examined
from ic_harness.replica.store.records import blobs_of
from ic_harness.replica.store.store import FOLDER_ID_LENGTH

_NOT_COPIED = frozenset({"lock", "seed", "seed.new", "server.json", "blobs"})


def salvage_folder(folder: Path, target: Path) -> StateReport:
    """Write the longest consistent state of the subnet in `folder` to `target`, which must not be there or be empty.

    A canister whose memory or module is damaged is left out; calls that wait for it are rejected. Other files
    of the folder, such as keys and known canisters of the command line, are copied.

    Raises `InputError` for a target that is in use, `StateError` when nothing can be saved or written.
    """
    check_target(folder, target)
    with examined(folder) as result:
        if result.loaded is None:
            raise StateError(
                f"nothing of {folder} can be saved: {'; '.join(_problems(result)) or 'it is empty'}"
            )
        with cleared_on_failure(target):
            write_saved(result, target)
        return result.report()


def check_target(folder: Path, target: Path) -> None:
    """Raise `InputError` for a target that is in use or inside of the folder."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} is there already: name a folder that is empty or not there")
    if target.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{target} is inside of {folder}: name a folder outside of it")


@contextmanager
def cleared_on_failure(target: Path) -> Iterator[None]:
    """Leave nothing of what was written when the block fails."""
    there = target.is_dir()
    try:
        yield
    except BaseException:
        for left in files.names(target) if target.is_dir() else ():
            files.remove(target / left)
        if not there:
            files.remove(target)
        raise


def _problems(result: Examination) -> list[str]:
    return [found.detail for found in result.findings if found.state == "damaged"]


def copy_others(folder: Path, names: Iterable[str], target: Path) -> None:
    """Copy the files of those names that are no state, such as keys."""
    for other in sorted(set(names) - _NOT_COPIED):
        path = folder / other
        if path.is_file() and not path.is_symlink():
            files.write_new(target / other, list(files.blocks(path)))


def write_saved(result: Examination, target: Path) -> None:
    """Write what can be saved of an examined folder into a new one."""
    loaded = result.loaded
    assert loaded is not None, "bug: nothing to write"
    state = loaded.contents.state
    if state is not None:
        _leave_out(result, state)
    files.make_folder(target)
    copy_others(result.folder, result.found.other, target)
    blobs = FileBlobs(target / "blobs")
    for digest in sorted(blobs_of(state)) if state is not None else ():
        blobs.put(result.blobs.get_sparse(digest))
    blobs.sync()
    kept = state.canisters.values() if state is not None else ()
    memories = ((canister.id, _image(result, canister)) for canister in kept if canister.installed)
    draft = Draft(fresh_seed()[:FOLDER_ID_LENGTH], 0, loaded.seed, state, memories)
    _, journal, acknowledged = checkpoint.write(target, draft)
    journal.close()
    acknowledged.close()


def _image(result: Examination, canister: Canister) -> Callable[[], StateImage]:
    loaded = result.loaded
    assert loaded is not None, "bug: no memory to read"
    return partial(loaded.contents.memories[canister.id].load, loaded.journal)


# --- leaving out what is damaged ----------------------------------------------------------------------------


def _leave_out(result: Examination, state: ReplicatedState) -> None:
    for canister in list(state.canisters.values()):
        if not result.usable(canister):
            del state.canisters[canister.id]
            for caller in state.canisters.values():
                _reject_calls(caller, canister.id)
        else:
            _leave_out_blobs(result, canister)


def _reject_calls(caller: Canister, gone: bytes) -> None:
    """Answer the calls of a canister that wait for one that is gone."""
    answered = {message.call for message in caller.queue if isinstance(message, Response)}
    for number, call in caller.calls.items():
        if call.callee == gone and number not in answered:
            answer = rejects.canister_not_found(gone)
            caller.queue.append(Response(to=caller.id, call=number, answer=answer, refund=call.cycles))


def _leave_out_blobs(result: Examination, canister: Canister) -> None:
    """Leave out chunks and snapshots of a canister whose content is damaged."""

    def whole(*digests: bytes) -> bool:
        return not any(digest and result.blobs.path(digest) in result.unreadable for digest in digests)

    def lost(what: str, digest: bytes) -> None:
        result.lost.append(f"canister {name(canister.id)}: its {what} {digest.hex()} is damaged")

    for digest in [digest for digest in canister.chunks if not whole(digest)]:
        del canister.chunks[digest]
        lost("chunk", digest)
    for snapshot in list(canister.snapshots.values()):
        if not whole(*(snapshot.blobs - {digest for digest, _ in snapshot.chunks})):
            del canister.snapshots[snapshot.id]
            lost("snapshot", snapshot.id)
        elif not whole(*(digest for digest, _ in snapshot.chunks)):
            chunks = tuple(chunk for chunk in snapshot.chunks if whole(chunk[0]))
            canister.snapshots[snapshot.id] = replace(snapshot, chunks=chunks)
            lost("chunk store of snapshot", snapshot.id)
